"""The KV cache: slots in the context, copies in memory and on disk, repositioned cells."""
