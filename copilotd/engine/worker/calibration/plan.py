"""Plans which speeds of a model to measure, in which order, and chooses the best settings.

A `CalibrationPlan` yields one batch after the other and is sent how long it took; it knows nothing
of llama.cpp. The settings that are compared take turns (A B C A B C), so that other load on the
machine affects each setting alike. The default stays unless another setting is clearly faster, and
nothing is compared while other programs are busy.
"""

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from msgspec.structs import replace

from copilotd.engine.performance import (
    BUSY_SHARE,
    Calibration,
    CalibrationProgress,
    Measurement,
    Setup,
    Speed,
)
from copilotd.errors import EngineError

NEAR, FAR = 100, 1000
"""Number of cells in a short context and in a usual one."""
BATCHES = (2, 3, 4, 6, 8)
"""Tokens decoded at once: the sizes of drafts, and of the text typed between two requests."""

_MAX_TIME_SHARE = 0.95
"""Another setting is chosen if it takes less than this share of the default's time."""
_MAX_UBATCH_TIME_SHARE = 0.9
"""The same for another ubatch size; it must gain more, since a larger one loses more when it is
interrupted."""
_DROP_FACTOR = 1.25
"""A setting that takes more than this many times the default's time is not tried again."""
_ROUNDS = 2
_SINGLE_TOKEN_REPEATS = 3
"""Number of single-token measurements in a round: they are quick and vary most."""
_MAX_BATCH_MS = 5_000
"""A batch that would take longer is skipped, because on such a slow machine its result would change
nothing."""
_LAST_STAGE = 3


@dataclass(frozen=True, slots=True)
class TrialBatch:
    """A batch of `tokens` tokens with `cells` cells before it, run with the settings of `setup`."""

    setup: Setup
    cells: int
    tokens: int


WeighBatches = Callable[[Setup], dict[TrialBatch, float]]
"""The batches used to compare settings, with a weight for how often each occurs in practice."""

Steps = Generator[TrialBatch, float, None]
"""Yields batches, and is sent the milliseconds of each (infinity if it cannot be run)."""


def make_plan(requested: Setup, default: Setup, cpus: int) -> "CalibrationPlan":
    """Plan a calibration that varies only what `requested` leaves open.

    The machine can run `cpus` threads at the same time.
    """
    alternatives: list[Setup] = []
    if requested.flash_attention == "auto" and default.kv_type == "f16":
        other = "off" if default.flash_attention == "auto" else "on"
        flash = other if other == "on" else default.flash_attention
        alternatives = [
            replace(default, flash_attention=other),
            replace(default, flash_attention=flash, kv_type="q8_0"),
        ]
    usual = default.n_threads
    threads = {cpus, usual * 3 // 4, usual // 2} - {usual, 0} if not requested.n_threads else set()
    return CalibrationPlan(default, alternatives, sorted(threads, reverse=True))


class CalibrationPlan:
    """A whole calibration that starts from `default`; `threads` lists numbers of threads to try.

    The caller keeps `disturbance` up to date: the share of the processors that other programs use.
    """

    def __init__(self, default: Setup, alternatives: Sequence[Setup], threads: Sequence[int]):
        self.progress = CalibrationProgress("measuring", 0.0)
        self.disturbance = 0.0
        self._default = default
        self._alternatives = alternatives
        self._threads = threads
        self._samples: dict[TrialBatch, list[float]] = {}
        self._spent = 0.0
        self._token_ms = 0.0
        self._stage = 0

    def run(self) -> Generator[TrialBatch, float, Calibration]:
        """Measure in four stages, coarse to fine; returns the result.

        Raises:
            EngineError: the model does not run even with the default settings.
        """
        yield from self._warm_up()
        setup = yield from self._choose_attention()
        setup = yield from self._choose_threads(setup)
        setup = yield from self._choose_ubatch(setup)
        speed = yield from self._measure_speed(setup)
        return Calibration(self._default, setup, speed, self._measurements(), self.disturbance)

    # --- the stages --------------------------------------------------------------------------

    def _warm_up(self) -> Steps:
        for batch in (TrialBatch(self._default, 0, 32), TrialBatch(self._default, FAR, 1)):
            # The first result is dropped: it includes reading the model from the disk.
            if math.isinf((yield batch)):
                raise EngineError("this model cannot be measured", "copilotd logs.")
            yield from self._measure(batch)
        self._token_ms = self._best_ms(TrialBatch(self._default, 0, 32)) / 32

    def _choose_attention(self) -> Generator[TrialBatch, float, Setup]:
        setups = [self._default, *self._alternatives]
        yield from self._race(setups, _weigh_suggestion, "flash attention")
        # The precision of the KV cache changes the output, so only the user chooses it.
        same = [setup for setup in setups if setup.kv_type == self._default.kv_type]
        return self._pick_best(same, _weigh_suggestion)

    def _choose_threads(self, setup: Setup) -> Generator[TrialBatch, float, Setup]:
        setups = [setup, *(replace(setup, n_threads=n, n_threads_batch=n) for n in self._threads)]
        yield from self._race(setups, _weigh_suggestion, "threads")
        # Decoding is bound by memory and prefill by the cores: each has its own best number.
        decode = self._pick_best(setups, _weigh_decode)
        prefill = self._pick_best(setups, _weigh_prefill)
        return replace(setup, n_threads=decode.n_threads, n_threads_batch=prefill.n_threads_batch)

    def _choose_ubatch(self, setup: Setup) -> Generator[TrialBatch, float, Setup]:
        setups = [setup, *(replace(setup, n_ubatch=n) for n in (64, 256) if n != setup.n_ubatch)]
        best = yield from self._pick_prefill(setups, 256)
        if best.n_ubatch < 256:
            return best
        return (yield from self._pick_prefill([best, replace(best, n_ubatch=512)], 512))

    def _measure_speed(self, setup: Setup) -> Generator[TrialBatch, float, Speed]:
        prefill = [TrialBatch(setup, 0, tokens) for tokens in (32, 128, 512)]
        decode = [TrialBatch(setup, cells, 1) for cells in (NEAR, FAR)]
        batches = [TrialBatch(setup, FAR, tokens) for tokens in BATCHES]
        started = self._spent
        for round in range(_ROUNDS):
            self._report("speed", _LAST_STAGE, round)
            for batch in filter(self._is_short, (*prefill[:2], *decode, *decode, *batches)):
                yield from self._measure(batch)
            if self._spent - started > _MAX_BATCH_MS:
                break
        if self._is_short(prefill[2]):
            yield from self._measure(prefill[2])
        one = self._best_ms(decode[-1])
        costs = [self._best_ms(batch) / one for batch in batches]
        return Speed(
            prefill={
                b.tokens: 1000 * b.tokens / self._median_ms(b) for b in self._with_samples(prefill)
            },
            decode={b.cells: self._median_ms(b) for b in decode},
            # A disturbed measurement may say otherwise, but more tokens never cost less.
            batch=dict(zip(BATCHES, [*accumulate(costs, max, initial=1.0)][1:], strict=True)),
        )

    # --- races -------------------------------------------------------------------------------

    def _pick_prefill(
        self, setups: list[Setup], tokens: int
    ) -> Generator[TrialBatch, float, Setup]:
        """Pick the fastest setup for a prompt of `tokens`; the first one if that takes too long."""
        if not self._is_short(TrialBatch(setups[0], 0, tokens)):
            return setups[0]
        yield from self._race(setups, weigh := _weigh_prompt(tokens), "batch size")
        return self._pick_best(setups, weigh, _MAX_UBATCH_TIME_SHARE)

    def _race(self, setups: Iterable[Setup], weigh: WeighBatches, what: str) -> Steps:
        """Measure all `setups` in turns, and drop each one that is far slower than the first."""
        left = list(dict.fromkeys(setups))
        for round in range(_ROUNDS):
            if len(left) < 2 or self.disturbance > BUSY_SHARE:
                break
            for index, setup in enumerate(left):
                self._report(what, self._stage, round + index / len(left))
                for batch in filter(self._is_short, weigh(setup)):
                    for _ in range(_SINGLE_TOKEN_REPEATS if batch.tokens == 1 else 1):
                        yield from self._measure(batch)
            totals = {setup: self._total_ms(weigh(setup), min) for setup in left}
            left = [setup for setup in left if totals[setup] <= _DROP_FACTOR * totals[left[0]]]
        self._stage += 1

    def _pick_best(
        self,
        setups: Sequence[Setup],
        weigh: WeighBatches,
        max_time_share: float = _MAX_TIME_SHARE,
    ) -> Setup:
        """Pick the fastest setup, or the first one if the fastest is not clearly faster.

        Its median time must be below `max_time_share` of the first one's best time.
        """
        fastest = min(setups, key=lambda setup: self._total_ms(weigh(setup), median))
        typical = self._total_ms(weigh(fastest), median)
        is_better = typical < max_time_share * self._total_ms(weigh(setups[0]), min)
        return fastest if is_better and self.disturbance <= BUSY_SHARE else setups[0]

    def _total_ms(
        self, weights: dict[TrialBatch, float], summarise: Callable[[list[float]], float]
    ) -> float:
        """Sum the milliseconds of all measured batches, each times its weight."""
        measured = [
            (self._samples[batch], weight)
            for batch, weight in weights.items()
            if batch in self._samples
        ]
        if not measured:
            return math.inf
        return sum(weight * summarise(samples) for samples, weight in measured)

    # --- samples -----------------------------------------------------------------------------

    def _measure(self, batch: TrialBatch) -> Steps:
        ms = yield batch
        self._samples.setdefault(batch, []).append(ms)
        self._spent += ms

    def _best_ms(self, batch: TrialBatch) -> float:
        return min(self._samples[batch])

    def _median_ms(self, batch: TrialBatch) -> float:
        return median(self._samples[batch])

    def _with_samples(self, batches: list[TrialBatch]) -> list[TrialBatch]:
        return [batch for batch in batches if batch in self._samples]

    def _is_short(self, batch: TrialBatch) -> bool:
        """Whether the batch takes an acceptable time on this machine."""
        return batch.tokens <= 32 or self._token_ms * batch.tokens <= _MAX_BATCH_MS

    def _measurements(self) -> list[Measurement]:
        return [
            Measurement(batch.setup, batch.cells, batch.tokens, self._best_ms(batch))
            for batch in self._samples
            if math.isfinite(self._best_ms(batch))
        ]

    def _report(self, what: str, stage: int, rounds: float) -> None:
        done = (min(stage, _LAST_STAGE) + rounds / _ROUNDS) / (_LAST_STAGE + 1)
        self.progress = CalibrationProgress(f"measuring {what}", done)


def _weigh_suggestion(setup: Setup) -> dict[TrialBatch, float]:
    return _weigh_decode(setup) | _weigh_prefill(setup)


def _weigh_decode(setup: Setup) -> dict[TrialBatch, float]:
    return {TrialBatch(setup, FAR, 1): 12}


def _weigh_prefill(setup: Setup) -> dict[TrialBatch, float]:
    # A prompt without any cached tokens is rare, but long.
    return {TrialBatch(setup, FAR, 32): 1, TrialBatch(setup, 0, 128): 0.5}


def _weigh_prompt(tokens: int) -> WeighBatches:
    return lambda setup: {TrialBatch(setup, 0, tokens): 1}
