"""Tools of MCP servers: programs and addresses that the settings name, and nothing else.

The SDK (the package `mcp`) is imported where a server is reached, since it is optional and slow to
import.
"""
