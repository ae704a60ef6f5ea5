"""Stacks that nobody would write, of every kind, and what must hold of a server that is given them."""
