"""Measures how fast the model runs with different settings."""
