"""Everything that the command line draws: tables, progress, ghost text."""
