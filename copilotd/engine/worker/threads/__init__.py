"""How many threads a batch gets while other programs use the machine too."""
