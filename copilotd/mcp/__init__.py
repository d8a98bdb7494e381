"""`copilotd mcp`: offers a workspace to other agents over the Model Context Protocol."""
