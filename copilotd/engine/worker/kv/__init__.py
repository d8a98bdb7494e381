"""The KV cache: slots, copies in memory and on disk, repositioned cells."""
