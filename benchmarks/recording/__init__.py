"""Recorded editing sessions, and what is measured when they are replayed."""
