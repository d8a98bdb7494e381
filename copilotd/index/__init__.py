"""The files of a workspace: which there are, and what they define."""
