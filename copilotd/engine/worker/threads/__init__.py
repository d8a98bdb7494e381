"""How many threads a batch gets, beside the machine's other programs."""
