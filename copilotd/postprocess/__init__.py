"""Turns the model's output into text that is worth showing.

Each filter has a file; `pipeline.py` lists the filters in their order.
"""
