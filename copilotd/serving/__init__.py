"""Which models have an engine, what clients call them, and how fast they are here."""
