"""The only code that knows HTTP: one folder for each dialect, which only converts.

No dialect imports another; what several need is in `shared/`. `app.py` assembles the application,
`server.py` serves it, and `middleware/` decides who may call.
"""
