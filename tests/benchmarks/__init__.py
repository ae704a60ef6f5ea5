"""Programs that print ratios; see README.md."""
