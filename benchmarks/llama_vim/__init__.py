"""llama.vim's way with llama-server: when it asks, what it sends, and what it shows."""
