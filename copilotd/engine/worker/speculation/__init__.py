"""Tokens proposed ahead of the model and verified in one batch."""
