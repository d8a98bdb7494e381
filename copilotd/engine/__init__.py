"""Tokens in, tokens out; knows nothing of editors, files or HTTP.

`client.py` is the daemon's side, `worker.py` the child process that holds the model, and
`protocol.py` what passes between them.
"""
