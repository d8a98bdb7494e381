"""Images in a prompt: decoded to pixels, encoded to embeddings, evaluated like tokens."""
