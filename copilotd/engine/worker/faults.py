"""The fault barrier of the worker: a request that goes wrong ends alone.

llama.cpp, numpy or a mistake of ours may raise anything. Without a barrier that would end the
process, and with it the requests of every other client.
"""

import sys
import traceback

from copilotd.errors import EngineError


def to_engine_error(error: Exception) -> EngineError:
    """The error that a client gets for `error`; an unexpected one leaves its trace in the log.

    The trace has no message of the error, because that may quote a prompt.
    """
    if isinstance(error, EngineError):
        return error
    name = type(error).__name__
    frames = "".join(traceback.format_tb(error.__traceback__))
    print(f"a request failed with {name}:\n{frames}", file=sys.stderr, flush=True)
    return EngineError(
        f"the request failed with an internal error ({name})",
        "`copilotd logs` has its trace if log.level is DEBUG.",
    )
