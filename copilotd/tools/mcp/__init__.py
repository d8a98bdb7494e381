"""Tools of MCP servers: programs and addresses that the settings name, and nothing else.

The SDK (the package `mcp`) is imported only when a server is reached: it is optional, and its
import is slow.
"""
