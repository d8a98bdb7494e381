"""The inline-completion use case; read `service.py` first."""
