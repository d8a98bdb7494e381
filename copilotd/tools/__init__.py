"""Tools that the model uses in the workspace: their definition, their permissions, their record."""
