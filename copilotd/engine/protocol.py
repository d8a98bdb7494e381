"""The messages that cross the pipe between the daemon and the worker.

A frame is a 4-byte big-endian length and a msgpack body. The daemon sends `Command`s; the worker
answers with `Event`s that carry the command's `id`. Each command gets exactly one last event:
`Result`, `Finish` or `Failed`. A `Notice` answers no command. When the daemon closes the pipe, the
worker saves as much of its KV cache as it can in `SAVE_TIMEOUT_S` and ends.
"""

import msgspec

from copilotd.engine.performance import CalibrationProgress, Setup
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.errors import InvalidRequest
from copilotd.models.fim import FimLayout

SAVE_TIMEOUT_S = 0.5
"""Limit for saving the KV cache when the worker ends, because the daemon waits for it to end."""


class WorkerSpec(msgspec.Struct, frozen=True):
    """The model that the worker loads, and how it runs it.

    `n_threads` 0 means one per physical core; `n_gpu_layers` -1 means all. `flash_attention`,
    `n_threads_batch`, `n_ubatch` and `kv_type` are the fields of `Setup`.

    `n_seq` sequences share `n_ctx` cells of KV cache. Idle sequences may keep `resident_cells`
    cells, `memory_tier_bytes` of memory, and `disk_tier_bytes` in the folder `disk_tier_path`.
    """

    path: str
    name: str
    n_ctx: int = 8192
    n_threads: int = 0
    n_gpu_layers: int = -1
    flash_attention: str = "auto"
    n_seq: int = 8
    resident_cells: int = 512
    """On two cores, each hundred idle cells add 0.4 ms to a token of 22 ms (0.5B, Q4_K_M)."""
    memory_tier_bytes: int = 256 * 2**20
    disk_tier_path: str = ""
    disk_tier_bytes: int = 0
    fim_fallback: dict[str, str] = {}
    """Token texts by field of `FimTokens`, for a GGUF file that does not name its FIM tokens."""
    layout: FimLayout = FimLayout()
    frugal: bool = True
    """Whether frugal requests may be decoded with fewer threads, where this costs little speed."""
    n_threads_batch: int = 0
    n_ubatch: int = 0
    kv_type: str = "f16"
    amx: bool = True
    """Whether AMX may be used, on a processor that has it (see `worker/llama/amx.py`)."""
    speculate: bool = False
    """Whether tokens predicted from earlier text are verified several at a time."""
    draft: str = ""
    """The file of the draft model, whose tokens are verified in the same way; empty without one."""
    mmproj: str = ""
    """The projector file, which encodes images; empty for a model without images."""

    @property
    def setup(self) -> Setup:
        """How llama.cpp runs the model."""
        return Setup(
            self.flash_attention, self.n_threads, self.n_threads_batch, self.n_ubatch, self.kv_type
        )


class Load(msgspec.Struct, frozen=True, tag=True):
    """The first command: load the model. Answered by `Result` with a ModelInfo."""

    id: int
    spec: WorkerSpec


class Tokenize(msgspec.Struct, frozen=True, tag=True):
    """Answered by `Result` with a list of ids, also while a batch is being decoded."""

    id: int
    text: str
    special: bool


class Detokenize(msgspec.Struct, frozen=True, tag=True):
    """Answered by `Result` with a string, also while a batch is being decoded."""

    id: int
    tokens: list[int]


class TokenBytes(msgspec.Struct, frozen=True, tag=True):
    """Answered by `Result` with the bytes of each token, also while a batch is being decoded."""

    id: int
    tokens: list[int]


class CachedPrefixLength(msgspec.Struct, frozen=True, tag=True):
    """Answered between two batches by `Result` with a number of tokens."""

    id: int
    prompt: list[int]


class Generate(msgspec.Struct, frozen=True, tag=True):
    """Answered by `Output`s and one `Finish`."""

    id: int
    request: GenerateRequest


class Embed(msgspec.Struct, frozen=True, tag=True):
    """Answered by `Result` with one vector per input."""

    id: int
    inputs: list[list[int]]


class Calibrate(msgspec.Struct, frozen=True, tag=True):
    """Answered by `CalibrationReport`s and a `Result` with a Calibration: `Engine.calibrate`."""

    id: int
    requested: Setup
    idle_s: float
    wait_for_idle_cpu: bool


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Stop the command with this id, even in the middle of a batch. Never answered itself."""

    id: int


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Answered at once by `Result` with a Pulse, also while a batch is being decoded."""

    id: int


class Pulse(msgspec.Struct, frozen=True):
    """The main thread has been at its present work for `age_s` seconds, of at most `limit_s`."""

    age_s: float
    limit_s: float


Command = (
    Load
    | Tokenize
    | Detokenize
    | TokenBytes
    | CachedPrefixLength
    | Generate
    | Embed
    | Calibrate
    | Cancel
    | Ping
)


def encode_command(command: Command) -> bytes:
    """Encode the command as msgpack. Raises: InvalidRequest if msgpack cannot hold it."""
    try:
        return msgspec.msgpack.encode(command)
    except OverflowError as error:
        raise InvalidRequest("a number in the request has more than 64 bits") from error
    except UnicodeEncodeError as error:
        raise InvalidRequest("a text in the request has half a surrogate pair") from error


class Result(msgspec.Struct, frozen=True, tag=True):
    """The result of a command, still as msgpack, because only the caller knows its type."""

    id: int
    value: msgspec.Raw


class Output(msgspec.Struct, frozen=True, tag=True):
    """A piece of generated text."""

    id: int
    chunk: Chunk


class CalibrationReport(msgspec.Struct, frozen=True, tag=True):
    """The progress of a calibration."""

    id: int
    progress: CalibrationProgress


class Finish(msgspec.Struct, frozen=True, tag=True):
    """The end of a generation."""

    id: int
    finished: Finished


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The command failed; `error` is the name of a class in `copilotd.errors`."""

    id: int
    error: str
    message: str
    hint: str = ""


Event = Result | Output | CalibrationReport | Finish | Failed


class Notice(msgspec.Struct, frozen=True, tag=True):
    """A line for the daemon's log that belongs to no command."""

    message: str
