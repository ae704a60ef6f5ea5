"""Tests of Lamina; a package, so that helpers are imported as `tests.support` from every room."""
