"""Model files: which there are, where they come from, where they lie, and what their headers say.

Nothing here loads a model. A file becomes visible to the engine only after its checksum (where
one is known) and its GGUF header have been checked.
"""
