"""Where model files come from: one class per kind of place. Each implements `source.Source`."""
