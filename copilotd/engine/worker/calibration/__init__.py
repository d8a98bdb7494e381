"""Measures how fast the model runs with different settings, and chooses the fastest."""
