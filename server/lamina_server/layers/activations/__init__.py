"""Activation functions: what `activation=` may hold, and the same as layers."""
