"""The servers that a benchmark starts and measures."""
