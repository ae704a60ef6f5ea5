"""Layers that move, cut, pad, repeat or resize, and compute nothing else."""
