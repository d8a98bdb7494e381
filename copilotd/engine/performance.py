"""The speed of a model on a machine: settings, measurements, and the calibration from them."""

import msgspec


class Setup(msgspec.Struct, frozen=True):
    """How llama.cpp runs a model. "auto" and 0 leave a setting open.

    `n_threads` decode single tokens; `n_threads_batch` evaluate batches, in steps of `n_ubatch`
    tokens. `flash_attention` is auto, on or off. `kv_type` is the precision of the KV cache, f16 or
    q8_0.

    The name of a tuning file is a hash of this class's repr: renaming the class or a field loses
    all measurements.
    """

    flash_attention: str = "auto"
    n_threads: int = 0
    n_threads_batch: int = 0
    n_ubatch: int = 0
    kv_type: str = "f16"


class Speed(msgspec.Struct, frozen=True):
    """The speed of a model on this machine with one setup.

    - `prefill`: tokens per second, by batch size in tokens.
    - `decode`: milliseconds per token, by tokens in the context.
    - `batch`: cost of decoding several tokens at once, in units of a single token, by their number.
    """

    prefill: dict[int, float]
    decode: dict[int, float]
    batch: dict[int, float] = {}

    @property
    def prefill_rate(self) -> float:
        """Prefill speed for a long prompt, in tokens per second."""
        return self.prefill[max(self.prefill)]

    @property
    def decode_ms(self) -> float:
        """Milliseconds per token after a long prompt."""
        return self.decode[max(self.decode)]

    def batch_cost(self, tokens: int) -> float:
        """Cost of decoding `tokens` at once, in units of a single token.

        Uses the next larger measured size; without one, the cost is proportional.
        """
        sizes = [size for size in sorted(self.batch) if size >= tokens]
        return self.batch[sizes[0]] if sizes and tokens > 1 else float(tokens)


class Measurement(msgspec.Struct, frozen=True):
    """The shortest measured time of a batch of `tokens` tokens, with `cells` cells before it."""

    setup: Setup
    cells: int
    tokens: int
    ms: float


class Calibration(msgspec.Struct, frozen=True):
    """The measured speed of a model.

    `chosen` is the fastest setup, or `default` if none is clearly faster. `speed` is the median
    speed of `chosen`. `disturbance` is the share of the processors that other programs used during
    the measurement, 0 to 1.
    """

    default: Setup
    chosen: Setup
    speed: Speed
    measurements: list[Measurement]
    disturbance: float = 0.0


class CalibrationProgress(msgspec.Struct, frozen=True):
    """The progress of a calibration: a sentence for a person, and a fraction, 0 to 1."""

    text: str
    fraction: float


class Tuning(msgspec.Struct, frozen=True):
    """A stored calibration. `measured_at` is in seconds since 1970."""

    model: str
    machine: str
    measured_at: float
    calibration: Calibration


BUSY_SHARE = 0.3
"""Above this share of the processors, other programs disturb a comparison too much."""
