"""Tool calls in chat: how models write them, and the grammar that makes them valid."""
