"""copilotd: a daemon that serves one local code model to every editor on this machine."""

__version__ = "0.1.0"
