"""Decides which sequences are in the next batch, and collects the text that each one produces."""
