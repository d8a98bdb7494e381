"""Comparisons of token lists, shared by both sides of the process boundary."""
