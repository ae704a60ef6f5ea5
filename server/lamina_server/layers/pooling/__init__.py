"""Pools: windows, global, adaptive, of any norm, and back."""
