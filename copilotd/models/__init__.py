"""Model files: the catalogue, the downloads, the store, and the headers of files.

Nothing here loads a model. The engine sees a file only after its checksum (where one is known) and
its GGUF header have been checked.
"""
