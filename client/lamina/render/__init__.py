"""Traces as text, Markdown and HTML: one table, three ways to draw it."""
