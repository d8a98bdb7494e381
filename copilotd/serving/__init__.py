"""Which models have a worker, and what each of them answers."""
