"""Checks that every request passes before its route: Host, Origin, token, limits."""
