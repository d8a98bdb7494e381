"""The only code that knows HTTP: one folder per dialect, each of which only converts.

`app.py` puts the application together, `front.py` serves it, `security.py` decides who may call.
"""
