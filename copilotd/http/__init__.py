"""The only code that knows HTTP: one folder for each dialect. A dialect only converts.

No dialect imports another; code that several dialects need is in `shared/`. `app.py` assembles the
application, `server.py` serves it, and `middleware/` decides who may call.
"""
