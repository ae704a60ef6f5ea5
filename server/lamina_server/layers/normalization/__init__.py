"""Normalization and scales."""
