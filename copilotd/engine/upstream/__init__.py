"""The engine's handle over a server elsewhere that holds the model: llama-server, vLLM, SGLang.

Everything above the engine works with token ids, and most servers give no access to their tokens.
So the ids here are the engine's own, the same for every server: an id stands for a few characters,
or for a marker such as <|fim_prefix|> (see `tokens`). A dialect renders them when it asks its
server, which has the last word on what a token is. Three things speak for it even where a server
could tokenise: a keystroke costs one round trip and not four; the ids lie beyond those of every
vocabulary, so a prompt can never be read by the local model that answers while the server is down;
and what looks like a marker in somebody's code is known to be text. The price is that prompts are
measured by an estimate. Where it is wrong, the server refuses the prompt, and the error says so.
"""
