"""Tools that the model uses in the workspace: what they are, who allows them, what they did."""
