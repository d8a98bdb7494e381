"""The engine interface over a model on another server: llama-server, vLLM or SGLang.

Everything above the engine works with token ids, but most servers give no access to their tokens.
So this package makes its own ids, the same for every server: an id stands for a few characters, or
for a marker such as <|fim_prefix|> (see `pseudo_tokens`). An `UpstreamApi` renders the ids as text
when it sends a request, and the server decides what a token is.

Three reasons speak for this even where a server could tokenize:

- A keystroke costs one round trip instead of four.
- The ids lie beyond those of every vocabulary, so the local model that answers while the server is
  down can never read a prompt that was made for the server.
- Text in the user's code that looks like a marker is known to be text.

The price is that the length of a prompt is an estimate. If the estimate is wrong, the server
refuses the prompt, and the error says so.
"""
