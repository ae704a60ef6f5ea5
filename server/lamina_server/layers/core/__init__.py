"""Entry points, dense layers, lookups, and what does nothing at inference."""
