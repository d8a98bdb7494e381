"""The filters, one a file; `pipeline.py` lists them in their order."""
