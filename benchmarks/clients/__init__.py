"""Clients that request ghost text from a server while a recorded session is played."""
