"""Which tokens may come next: grammars and token healing."""
