"""llama.cpp behind plain Python values: model, vocabulary, sampling, embeddings."""
