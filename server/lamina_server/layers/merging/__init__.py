"""Layers that bring tensors together, and arithmetic on their numbers."""
