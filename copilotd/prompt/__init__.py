"""Builds what the model reads: token budget, FIM layout per model family, chat template."""
