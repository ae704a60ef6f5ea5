"""Layers that walk along the steps."""
