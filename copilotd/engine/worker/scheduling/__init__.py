"""Which sequences are in the next batch, and the text that each of them produces."""
