"""Layouts of FIM prompts, compared by quality and cost."""
