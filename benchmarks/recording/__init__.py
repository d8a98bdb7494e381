"""Recorded editing sessions and the measurements of their replay."""
