"""The editors' front: the only code that knows LSP. Importing the package itself loads nothing."""
