"""Tool calls in chat: how models write them, and the grammar that holds a model to them."""
