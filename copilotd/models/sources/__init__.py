"""Where model files come from: one class a kind of place, all behind `source.Source`."""
