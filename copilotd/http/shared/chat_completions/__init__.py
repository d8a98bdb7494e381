"""Chat completions in OpenAI's format, which the server of llama.cpp speaks too.

The format of its tools is also the one of Ollama's clients.
"""
