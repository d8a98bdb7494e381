"""The filters, one per file; `pipeline.py` lists them in their order."""
