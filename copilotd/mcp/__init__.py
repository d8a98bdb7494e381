"""`copilotd mcp`: what other agents may use of a workspace, over the Model Context Protocol."""
