"""What the command line draws: tables, progress, ghost text."""
