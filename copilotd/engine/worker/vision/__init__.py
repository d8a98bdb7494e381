"""Images as embeddings that stand in a prompt."""
