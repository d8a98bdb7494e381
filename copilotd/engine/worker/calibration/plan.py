"""What to measure of a model on this machine, in which order, and what follows from it.

A `Course` names one piece of work after the other and is told how long it took; it knows nothing
of llama.cpp. Ways of running the model take turns (A B C A B C), so that whatever else the machine
does meets all of them alike. The default stays unless another way is clearly better, and nothing
is compared at all while other programs are busy.
"""

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from msgspec.structs import replace

from copilotd.engine.performance import BUSY, Calibration, Measurement, Measuring, Setup, Speed
from copilotd.errors import EngineError

NEAR, FAR = 100, 1000
"""Cells of a short and of a usual context."""
BATCHES = (2, 3, 4, 6, 8)
"""Tokens decoded at once, for speculation and for what is typed."""


_CLEARLY = 0.95
"""Another way is taken if it needs less than this share of the default's time."""
_MUCH = 0.9
"""Another size of batches must be better than that: a larger one loses more when interrupted."""
_HOPELESS = 1.25
"""A way that needs this many times the default's time is not tried again."""
_ROUNDS = 2
_REPEATS = 3
"""Single tokens are measured so often in a round, since they are quick and vary most."""
_LONG_MS = 5_000
"""Work that would take longer is left out: on such a machine its result would change nothing."""
_LAST_STAGE = 3


@dataclass(frozen=True, slots=True)
class Work:
    """Evaluate `tokens` in one batch behind `cells` others."""

    setup: Setup
    cells: int
    tokens: int


Parts = Callable[[Setup], dict[Work, float]]
"""What ways of running are compared by: work, and how often it occurs."""

Steps = Generator[Work, float, None]
"""Yields work, and is sent the milliseconds that it took (infinity if it cannot be done)."""


def course(asked: Setup, default: Setup, cpus: int) -> "Course":
    """A calibration that leaves alone what `asked` decides, on a machine with `cpus` threads."""
    alternatives: list[Setup] = []
    if asked.flash_attention == "auto" and default.kv_type == "f16":
        other = "off" if default.flash_attention == "auto" else "on"
        flash = other if other == "on" else default.flash_attention
        alternatives = [
            replace(default, flash_attention=other),
            replace(default, flash_attention=flash, kv_type="q8_0"),
        ]
    usual = default.n_threads
    threads = {cpus, usual * 3 // 4, usual // 2} - {usual, 0} if not asked.n_threads else set()
    return Course(default, alternatives, sorted(threads, reverse=True))


class Course:
    """A whole calibration from `default` on; `threads` are the numbers of threads to try.

    `disturbance`, which is for the caller to keep, is the share of the processors that other
    programs take.
    """

    def __init__(self, default: Setup, alternatives: Sequence[Setup], threads: Sequence[int]):
        self.progress = Measuring("measuring", 0.0)
        self.disturbance = 0.0
        self._default = default
        self._alternatives = alternatives
        self._threads = threads
        self._samples: dict[Work, list[float]] = {}
        self._spent = 0.0
        self._token_ms = 0.0
        self._stage = 0

    def run(self) -> Generator[Work, float, Calibration]:
        """Measure in four stages, coarse to fine; returns what was found.

        Raises:
            EngineError: not even the default works.
        """
        yield from self._warm_up()
        setup = yield from self._choose_attention()
        setup = yield from self._choose_threads(setup)
        setup = yield from self._choose_ubatch(setup)
        speed = yield from self._measure_speed(setup)
        return Calibration(self._default, setup, speed, self._measurements(), self.disturbance)

    # --- the stages --------------------------------------------------------------------------

    def _warm_up(self) -> Steps:
        for work in (Work(self._default, 0, 32), Work(self._default, FAR, 1)):
            # Not counted: the first use reads the model from the disk and wakes the processor.
            if math.isinf((yield work)):
                raise EngineError("this model cannot be measured", "copilotd logs.")
            yield from self._take(work)
        self._token_ms = self._ms(Work(self._default, 0, 32)) / 32

    def _choose_attention(self) -> Generator[Work, float, Setup]:
        setups = [self._default, *self._alternatives]
        yield from self._race(setups, _suggestion, "flash attention")
        # The cache's precision changes what is written, so that choice is the user's.
        same = [setup for setup in setups if setup.kv_type == self._default.kv_type]
        return self._best(same, _suggestion)

    def _choose_threads(self, setup: Setup) -> Generator[Work, float, Setup]:
        setups = [setup, *(replace(setup, n_threads=n, n_threads_batch=n) for n in self._threads)]
        yield from self._race(setups, _suggestion, "threads")
        # Decoding waits for the memory and reading for the cores: each has its own best number.
        decoding = self._best(setups, _writing)
        reading = self._best(setups, _reading)
        return replace(setup, n_threads=decoding.n_threads, n_threads_batch=reading.n_threads_batch)

    def _choose_ubatch(self, setup: Setup) -> Generator[Work, float, Setup]:
        setups = [setup, *(replace(setup, n_ubatch=n) for n in (64, 256) if n != setup.n_ubatch)]
        best = yield from self._read_faster(setups, 256)
        if best.n_ubatch < 256:
            return best
        return (yield from self._read_faster([best, replace(best, n_ubatch=512)], 512))

    def _measure_speed(self, setup: Setup) -> Generator[Work, float, Speed]:
        prefill = [Work(setup, 0, tokens) for tokens in (32, 128, 512)]
        decode = [Work(setup, cells, 1) for cells in (NEAR, FAR)]
        batches = [Work(setup, FAR, tokens) for tokens in BATCHES]
        started = self._spent
        for part in range(_ROUNDS):
            self._tell("speed", _LAST_STAGE, part)
            for work in filter(self._is_short, (*prefill[:2], *decode, *decode, *batches)):
                yield from self._take(work)
            if self._spent - started > _LONG_MS:
                break
        if self._is_short(prefill[2]):
            yield from self._take(prefill[2])
        one = self._ms(decode[-1])
        costs = [self._ms(work) / one for work in batches]
        return Speed(
            prefill={w.tokens: 1000 * w.tokens / self._usual_ms(w) for w in self._known(prefill)},
            decode={w.cells: self._usual_ms(w) for w in decode},
            # What a disturbed sample may deny: more tokens never cost less.
            batch=dict(zip(BATCHES, [*accumulate(costs, max, initial=1.0)][1:], strict=True)),
        )

    # --- races -------------------------------------------------------------------------------

    def _read_faster(self, setups: list[Setup], tokens: int) -> Generator[Work, float, Setup]:
        """The setup that reads `tokens` best; the first if that takes too long to find out."""
        if not self._is_short(Work(setups[0], 0, tokens)):
            return setups[0]
        yield from self._race(setups, parts := _prompt(tokens), "batch size")
        return self._best(setups, parts, _MUCH)

    def _race(self, setups: Iterable[Setup], parts: Parts, what: str) -> Steps:
        """Measure all `setups` in turns; those that fall far behind the first leave."""
        left = list(dict.fromkeys(setups))
        for round in range(_ROUNDS):
            if len(left) < 2 or self.disturbance > BUSY:
                break
            for index, setup in enumerate(left):
                self._tell(what, self._stage, round + index / len(left))
                for part in filter(self._is_short, parts(setup)):
                    for _ in range(_REPEATS if part.tokens == 1 else 1):
                        yield from self._take(part)
            totals = {setup: self._total(parts(setup), min) for setup in left}
            left = [setup for setup in left if totals[setup] <= _HOPELESS * totals[left[0]]]
        self._stage += 1

    def _best(self, setups: Sequence[Setup], parts: Parts, share: float = _CLEARLY) -> Setup:
        """The fastest, if its usual time is less than `share` of the first one's best time."""
        fastest = min(setups, key=lambda setup: self._total(parts(setup), median))
        usual = self._total(parts(fastest), median)
        is_better = usual < share * self._total(parts(setups[0]), min)
        return fastest if is_better and self.disturbance <= BUSY else setups[0]

    def _total(self, parts: dict[Work, float], of: Callable[[list[float]], float]) -> float:
        """Milliseconds of all parts that could be measured, each as often as it occurs."""
        known = [
            (self._samples[work], times) for work, times in parts.items() if work in self._samples
        ]
        return sum(times * of(samples) for samples, times in known) if known else math.inf

    # --- samples -----------------------------------------------------------------------------

    def _take(self, work: Work) -> Steps:
        ms = yield work
        self._samples.setdefault(work, []).append(ms)
        self._spent += ms

    def _ms(self, work: Work) -> float:
        """The best time."""
        return min(self._samples[work])

    def _usual_ms(self, work: Work) -> float:
        return median(self._samples[work])

    def _known(self, works: list[Work]) -> list[Work]:
        return [work for work in works if work in self._samples]

    def _is_short(self, work: Work) -> bool:
        """Whether it takes a bearable time on this machine."""
        return work.tokens <= 32 or self._token_ms * work.tokens <= _LONG_MS

    def _measurements(self) -> list[Measurement]:
        return [
            Measurement(work.setup, work.cells, work.tokens, self._ms(work))
            for work in self._samples
            if math.isfinite(self._ms(work))
        ]

    def _tell(self, what: str, stage: int, rounds: float) -> None:
        done = (min(stage, _LAST_STAGE) + rounds / _ROUNDS) / (_LAST_STAGE + 1)
        self.progress = Measuring(f"measuring {what}", done)


def _suggestion(setup: Setup) -> dict[Work, float]:
    return _writing(setup) | _reading(setup)


def _writing(setup: Setup) -> dict[Work, float]:
    return {Work(setup, FAR, 1): 12}


def _reading(setup: Setup) -> dict[Work, float]:
    # A prompt of which nothing is cached is rare, but long.
    return {Work(setup, FAR, 32): 1, Work(setup, 0, 128): 0.5}


def _prompt(tokens: int) -> Parts:
    return lambda setup: {Work(setup, 0, tokens): 1}
