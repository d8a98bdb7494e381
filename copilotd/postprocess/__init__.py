"""From what the model wrote to what is worth showing.

One filter a file; `pipeline.py` lists them in the order in which they run.
"""
