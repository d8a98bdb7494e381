"""The front end for editors: the only package that knows LSP. Importing it loads nothing."""
