"""Chat completions in OpenAI's format, which llama.cpp's server uses too.

Ollama's clients use the same format for tools.
"""
