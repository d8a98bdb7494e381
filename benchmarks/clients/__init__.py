"""What asks a server for ghost text while a recorded session is played."""
