"""Where model files come from: one class per kind of place, behind `source.Source`."""
