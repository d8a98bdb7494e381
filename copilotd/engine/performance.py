"""What a model costs on a machine: settings, measurements, and the calibration made of them."""

import msgspec


class Setup(msgspec.Struct, frozen=True):
    """How llama.cpp runs a model. "auto" and 0 stand for what is not decided.

    `n_threads` decode, `n_threads_batch` evaluate several tokens at once, `n_ubatch` of them in
    one go. `flash_attention` is auto, on or off; `kv_type` the precision of the KV cache, f16 or
    q8_0.
    """

    flash_attention: str = "auto"
    n_threads: int = 0
    n_threads_batch: int = 0
    n_ubatch: int = 0
    kv_type: str = "f16"


class Speed(msgspec.Struct, frozen=True):
    """What a model costs on this machine, run in one way.

    `prefill` is tokens per second by tokens in a batch, `decode` milliseconds per token by tokens
    in the context, `batch` what decoding several tokens at once costs relative to one.
    """

    prefill: dict[int, float]
    decode: dict[int, float]
    batch: dict[int, float] = {}

    @property
    def prefill_rate(self) -> float:
        """Tokens per second of a long prompt."""
        return self.prefill[max(self.prefill)]

    @property
    def decode_ms(self) -> float:
        """Milliseconds per token behind a long prompt."""
        return self.decode[max(self.decode)]

    def batch_cost(self, tokens: int) -> float:
        """Cost of `tokens` decoded at once relative to one; that of the next measured size."""
        sizes = [size for size in sorted(self.batch) if size >= tokens]
        return self.batch[sizes[0]] if sizes and tokens > 1 else float(tokens)


class Measurement(msgspec.Struct, frozen=True):
    """The least time in which `tokens` were evaluated in one batch behind `cells` others."""

    setup: Setup
    cells: int
    tokens: int
    ms: float


class Calibration(msgspec.Struct, frozen=True):
    """What was measured of a model: `chosen` is the fastest way, or `default` if none clearly is.

    `speed` is that of `chosen`, in the middle of its samples; `disturbance` the share of the
    processors that other programs took meanwhile, 0 to 1.
    """

    default: Setup
    chosen: Setup
    speed: Speed
    measurements: list[Measurement]
    disturbance: float = 0.0


class CalibrationProgress(msgspec.Struct, frozen=True):
    """How far a calibration is: a sentence for a person, and the fraction that is done."""

    text: str
    fraction: float


class Tuning(msgspec.Struct, frozen=True):
    """A calibration that is kept: of which model, on what machine, when (seconds since 1970)."""

    model: str
    machine: str
    measured_at: float
    calibration: Calibration


BUSY_SHARE = 0.3
"""Share of the processors from which on other programs disturb too much for a comparison."""
