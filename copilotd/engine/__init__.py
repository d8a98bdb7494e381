"""Tokens in, tokens out; knows nothing of editors, files or HTTP.

`interface.Engine` is what everything above uses. `local/` implements it with a worker process,
`worker/` is that process, and `protocol` defines the messages between the two. `upstream/`
implements it with a server on another machine, and `fallback` combines both.
"""
