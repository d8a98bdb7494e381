"""Every error that copilotd raises on purpose. Each one has a cause and the next step.

CopilotdError
├── ConfigError            a setting has a wrong value
├── MissingPackage         a feature needs a package that is not installed
├── ModelError
│   ├── ModelNotFound      the catalogue, the store or the source does not have the model
│   ├── DownloadFailed     every source failed
│   ├── DownloadCancelled  the user stopped it; the received bytes are kept
│   ├── CorruptModel       wrong checksum, truncated file, not a GGUF
│   └── DiskFull           the file does not fit on the disk
├── EngineError
│   ├── EngineLoadFailed   the worker could not load the model
│   ├── EngineDied         the worker ended during the request; retryable
│   ├── UpstreamFailed     the upstream server does not answer; retryable
│   ├── EngineBusy         the queue is full; retryable
│   ├── EngineNotReady     the model is still being downloaded; retryable
│   ├── ContextOverflow    prompt and answer do not fit in n_ctx
│   └── InvalidRequest     the engine does not support a parameter
└── DaemonError
    ├── AlreadyRunning     the user's daemon is already running
    ├── NotRunning         a command needs a daemon, and none answers
    ├── PortInUse          another program listens on the port
    ├── StartFailed        the daemon ended before it was ready
    └── AccessFailed       the access token cannot be written
"""


class CopilotdError(Exception):
    """Base of all errors.

    `message` names the cause and `hint` the next step for the user. `retryable` says whether the
    same call may succeed later.
    """

    retryable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(CopilotdError):
    """A setting has a wrong value."""


class MissingPackage(CopilotdError):
    """A feature needs a Python package that is not installed."""

    @classmethod
    def for_extra(cls, extra: str, error: ModuleNotFoundError) -> "MissingPackage":
        """Return the error for a package that belongs to the extra `extra`."""
        message = f"the Python package {error.name} is not installed"
        return cls(message, f"pip install 'copilotd[{extra}]'")


class ModelError(CopilotdError):
    """A problem with a model file or its source."""


class ModelNotFound(ModelError):
    """The catalogue, the store or the source does not have the model."""


class DownloadFailed(ModelError):
    """Every source of a model failed."""


class DownloadCancelled(ModelError):
    """The user stopped a download; the received bytes are kept for the next attempt."""


class CorruptModel(ModelError):
    """The file is truncated, is not a GGUF, or has the wrong checksum."""


class DiskFull(ModelError):
    """The model does not fit on the disk."""


class EngineError(CopilotdError):
    """A problem while generating tokens."""


class EngineLoadFailed(EngineError):
    """The worker process could not load the model."""


class EngineDied(EngineError):
    """The worker process ended during the request."""

    retryable = True


class IllegalInstruction(EngineDied):
    """The worker process crashed because llama.cpp was built for another processor."""


class UpstreamFailed(EngineError):
    """The upstream server is down, or its answer is invalid."""

    retryable = True


class EngineBusy(EngineError):
    """The engine's queue is full."""

    retryable = True


class EngineNotReady(EngineError):
    """The model is still being downloaded."""

    retryable = True


class ContextOverflow(EngineError):
    """The prompt (`tokens` tokens) and the room for the answer exceed `n_ctx` tokens.

    Both numbers are 0 if they are unknown.
    """

    def __init__(self, message: str, hint: str = "", tokens: int = 0, n_ctx: int = 0) -> None:
        super().__init__(message, hint)
        self.tokens = tokens
        self.n_ctx = n_ctx


class InvalidRequest(EngineError):
    """The request has a parameter that the engine does not support."""


class DaemonError(CopilotdError):
    """A problem with the daemon process."""


class AlreadyRunning(DaemonError):
    """The user's daemon is already running."""


class NotRunning(DaemonError):
    """No daemon answers."""


class PortInUse(DaemonError):
    """Another program listens on the HTTP port."""


class StartFailed(DaemonError):
    """The daemon ended, or did not answer in time, before it was ready."""


class AccessFailed(DaemonError):
    """The file of the access token cannot be written."""
