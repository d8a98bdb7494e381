"""Model files: the catalogue, the downloads, the store, and what a file's header says.

Nothing here loads a model. The engine sees a file only after its checksum (where one is known) and
its GGUF header have been checked.
"""
