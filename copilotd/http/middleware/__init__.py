"""Checks that every request passes before its route: Host, Origin, access token and limits."""
