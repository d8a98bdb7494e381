"""The inline-completion use case; `service.py` is the page to read first."""
