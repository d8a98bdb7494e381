"""Every error that copilotd raises on purpose; each says its cause and the next step.

CopilotdError
├── ConfigError            a setting that cannot be used
├── ModelError
│   ├── ModelNotFound      no such model in the catalogue, the store or at the source
│   ├── DownloadFailed     every source was tried
│   ├── DownloadCancelled  somebody stopped it; what has arrived is kept
│   ├── CorruptModel       wrong checksum, truncated file, not a GGUF
│   └── DiskFull           the file would not fit
├── EngineError
│   ├── EngineLoadFailed   the worker could not load the model
│   ├── EngineDied         the worker ended while the request was in it; retryable
│   ├── EngineBusy         the queue is full; retryable
│   ├── EngineNotReady     the model is still being downloaded; retryable
│   ├── ContextOverflow    prompt and answer do not fit in n_ctx
│   └── InvalidRequest     a parameter the engine cannot honour
└── DaemonError
    ├── AlreadyRunning     one daemon per user
    ├── NotRunning         a command needs a daemon and none answers
    ├── PortInUse          somebody else listens there
    └── StartFailed        the daemon ended before it was ready
"""


class CopilotdError(Exception):
    """Base of the tree.

    `message` names the cause, `hint` the next step that the user can take, and
    `retryable` says whether the same call may succeed later unchanged.
    """

    retryable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(CopilotdError):
    """A setting has a value that cannot be used."""


class ModelError(CopilotdError):
    """Something about a model file or its source."""


class ModelNotFound(ModelError):
    """No such model in the catalogue, in the store or at the source."""


class DownloadFailed(ModelError):
    """Every source of a model was tried, and none gave the file."""


class DownloadCancelled(ModelError):
    """A download was stopped on request; what has arrived is kept for the next attempt."""


class CorruptModel(ModelError):
    """The file is truncated, is not a GGUF, or has the wrong checksum."""


class DiskFull(ModelError):
    """The model does not fit on the disk."""


class EngineError(CopilotdError):
    """Something about generating tokens."""


class EngineLoadFailed(EngineError):
    """The worker process could not load the model."""


class EngineDied(EngineError):
    """The worker process ended while the request was in it."""

    retryable = True


class EngineBusy(EngineError):
    """The engine's queue is full."""

    retryable = True


class EngineNotReady(EngineError):
    """The model is not there yet: its download goes on."""

    retryable = True


class ContextOverflow(EngineError):
    """The prompt and the room for an answer exceed the context (`n_ctx` tokens)."""


class InvalidRequest(EngineError):
    """The request has a parameter that the engine cannot honour."""


class DaemonError(CopilotdError):
    """Something about the life of the daemon process."""


class AlreadyRunning(DaemonError):
    """A daemon of this user runs already."""


class NotRunning(DaemonError):
    """No daemon answers."""


class PortInUse(DaemonError):
    """The HTTP port is taken."""


class StartFailed(DaemonError):
    """The daemon ended, or stayed silent, before it was ready."""
