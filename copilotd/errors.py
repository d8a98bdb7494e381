"""Every error that copilotd raises on purpose; each says its cause and the next step.

CopilotdError
├── ConfigError            a setting that cannot be used
├── MissingPackage         what was asked for needs a package that is not installed
├── ModelError
│   ├── ModelNotFound      no such model in the catalogue, the store or at the source
│   ├── DownloadFailed     every source was tried
│   ├── DownloadCancelled  somebody stopped it; what has arrived is kept
│   ├── CorruptModel       wrong checksum, truncated file, not a GGUF
│   └── DiskFull           the file would not fit
├── EngineError
│   ├── EngineLoadFailed   the worker could not load the model
│   ├── EngineDied         the worker ended while the request was in it; retryable
│   ├── UpstreamFailed     the server that holds the model does not answer; retryable
│   ├── EngineBusy         the queue is full; retryable
│   ├── EngineNotReady     the model is still being downloaded; retryable
│   ├── ContextOverflow    prompt and answer do not fit in n_ctx
│   └── InvalidRequest     a parameter the engine cannot honour
└── DaemonError
    ├── AlreadyRunning     one daemon per user
    ├── NotRunning         a command needs a daemon and none answers
    ├── PortInUse          somebody else listens there
    ├── StartFailed        the daemon ended before it was ready
    └── AccessFailed       the access token cannot be kept
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


class MissingPackage(CopilotdError):
    """What was asked for needs a Python package that is not installed."""

    @classmethod
    def for_extra(cls, extra: str, error: ModuleNotFoundError) -> "MissingPackage":
        """The error for a package that the extra of that name brings."""
        message = f"a Python package is not installed ({error.name})"
        return cls(message, f"pip install 'copilotd[{extra}]'")


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


class IllegalInstruction(EngineDied):
    """The worker process was ended because llama.cpp was built for another processor."""


class UpstreamFailed(EngineError):
    """The server elsewhere that holds the model is down, or answers what it should not."""

    retryable = True


class EngineBusy(EngineError):
    """The engine's queue is full."""

    retryable = True


class EngineNotReady(EngineError):
    """The model is not there yet: its download goes on."""

    retryable = True


class ContextOverflow(EngineError):
    """The prompt (of `tokens` tokens) and the room for an answer exceed `n_ctx` tokens.

    Both are 0 where it is not known by how much.
    """

    def __init__(self, message: str, hint: str = "", tokens: int = 0, n_ctx: int = 0) -> None:
        super().__init__(message, hint)
        self.tokens = tokens
        self.n_ctx = n_ctx


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


class AccessFailed(DaemonError):
    """The file of the access token cannot be written."""
