"""The daemon's side of a local model: a child process that is started, watched and restarted."""
