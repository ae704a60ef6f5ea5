"""Everything that others test of the same layers, run through Lamina; see README.md."""
