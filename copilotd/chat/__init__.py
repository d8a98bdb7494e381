"""The chat use case."""
