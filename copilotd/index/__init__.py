"""The files of a workspace and the symbols that they define."""
