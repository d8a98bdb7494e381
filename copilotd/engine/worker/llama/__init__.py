"""Wraps llama.cpp in plain Python values: model, vocabulary, sampling, embeddings."""
