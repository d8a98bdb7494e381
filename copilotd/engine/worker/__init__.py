"""The child process that owns the llama.cpp context."""
