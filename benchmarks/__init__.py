"""Performance and quality, measured side by side; one command each (see CONTRIBUTING.md)."""
