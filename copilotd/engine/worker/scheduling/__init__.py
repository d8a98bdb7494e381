"""Which sequences are in the next batch, and what each of them writes."""
