"""The behaviour of llama.vim with llama-server: when it requests, what it sends, what it shows."""
