"""The texts, functions and questions that benchmarks use."""
