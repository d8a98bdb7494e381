"""The engine's own loop in this process, which completes a hole with cells from earlier prompts."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from msgspec.structs import replace

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.moved_cursor import Place, place_at_hole
from copilotd.engine.protocol import Event, Finish, Generate, Output, WorkerSpec
from copilotd.engine.types import GenerateRequest, Lane, Usage
from copilotd.engine.worker.generation import Generation
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.engine.worker.kv.memory_tier import MemoryEntry, MemoryTier
from copilotd.engine.worker.kv.slot import Slot
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.llama.model import Model
from copilotd.engine.worker.llama.scratch_sequence import ScratchSequence
from copilotd.prompt.anchor import Layout, lay_out
from copilotd.prompt.fim import build_fim_prompt, find_repositionable

REPOSITIONED, LLAMA_CPP, EVALUATED, BRIEF = SIDES = (
    "spliced",
    "by llama.cpp",
    "evaluated",
    "brief",
)
"""The cells of the text after the cursor are repositioned by copilotd or by llama.cpp, or that text
is evaluated again, or the prompt is a brief one. The outcome file uses these names."""

_LINES_ABOVE = 2
_WHOLE, _BRIEF = (768, 128), (96, 32)
"""Tokens before and after the cursor, as on a machine whose speed is not measured."""
_MAX_TOKENS = 64
_N_SEQ = 4


@dataclass(frozen=True, slots=True)
class SideResult:
    """The result of one suggestion: `evaluated` prompt tokens, and the time in ms."""

    evaluated: int
    first_ms: float
    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class PlacedPrompt:
    """A place's prompt as a request that writes nothing, and the text up to the cursor."""

    layout: Layout
    request: GenerateRequest
    tail: str


class Bench:
    """One model; its cells are restored before each side."""

    def __init__(self, path: Path) -> None:
        self._interrupt = Interrupt()
        self._model = Model(WorkerSpec(str(path), path.stem, n_seq=_N_SEQ), self._interrupt)
        self._model.vocabulary.prepare()
        # Nothing is written, so the folder is not created.
        self._disk = DiskTier(Path("none"), 0, b"", print)

    def run_sides(
        self, hole: Hole, places: list[Place], sides: tuple[str, ...]
    ) -> dict[str, SideResult]:
        """The result of each of `sides` at the hole, after prompts at `places`."""
        first = self._build_prompt(places[0], _WHOLE, None)
        run = self._start_runner(MemoryTier(0, self._disk))
        run.generate(first.request)
        entry = run.save_last()
        results = {}
        for side in sides:
            with _patch_rotation(side):
                results[side] = self._run_side(hole, places[1:], side, first, entry)
        return results

    def _run_side(
        self, hole: Hole, places: list[Place], side: str, first: PlacedPrompt, entry: MemoryEntry
    ) -> SideResult:
        memory_tier = MemoryTier(2**40, self._disk)
        memory_tier.add(entry)
        run, before = self._start_runner(memory_tier), first
        for place in places if side != BRIEF else []:
            before = self._build_prompt(place, _WHOLE, before.layout)
            run.generate(_adapt_request(side, before.request))
        placed = self._build_prompt(
            place_at_hole(hole), _BRIEF if side == BRIEF else _WHOLE, before.layout
        )
        request = replace(placed.request, max_tokens=_MAX_TOKENS, tail=placed.tail, stop=["\n"])
        text, usage, ms = run.generate(_adapt_request(side, request))
        right = (hole.left + text).strip() == hole.line.strip()
        return SideResult(usage.prompt_tokens - usage.cached_tokens, ms, text, right)

    def _build_prompt(
        self, place: Place, sizes: tuple[int, int], previous: Layout | None
    ) -> PlacedPrompt:
        same_size = previous if sizes == _WHOLE else None
        layout = lay_out(place.document, place.offset, _LINES_ABOVE, *sizes, same_size)
        tokens = self._model.vocabulary.tokenize
        info = self._model.info
        prompt = build_fim_prompt(info, tokens(layout.before, False), tokens(layout.after, False))
        request = GenerateRequest(
            prompt, 0, lane=Lane.COMPLETION, repositionable=find_repositionable(info, prompt)
        )
        return PlacedPrompt(layout, request, place.document.text[layout.anchor : place.offset])

    def _start_runner(self, memory_tier: MemoryTier) -> "_RequestRunner":
        for sequence in range(_N_SEQ):
            self._model.trim(sequence, 0)
        return _RequestRunner(self._model, self._interrupt, memory_tier)


class _RequestRunner:
    """Runs requests one by one, starting with the entries of `memory_tier`."""

    def __init__(self, model: Model, interrupt: Interrupt, memory_tier: MemoryTier) -> None:
        self._model = model
        self._pool = SlotPool(model, memory_tier, _N_SEQ, model.n_ctx, model.n_ctx)
        self._loop = Generation(model, interrupt, self._pool, self._handle_event)
        self._text = ""
        self._first = 0.0
        self._usage: Usage | None = None

    def generate(self, request: GenerateRequest) -> tuple[str, Usage, float]:
        """The text, its usage, and milliseconds to the first piece (or to the end)."""
        self._text, self._first, self._usage = "", 0.0, None
        started = time.perf_counter()
        self._loop.add(Generate(1, request))
        while self._loop.active_lane is not None:
            self._loop.step()
        if self._usage is None:
            raise SystemExit("a request failed")
        return self._text, self._usage, (self._first - started) * 1000

    def save_last(self) -> MemoryEntry:
        """A copy of the cells of the last request."""
        slot = next(each for each in self._pool.iter_sequences() if isinstance(each, Slot))
        return MemoryEntry(list(slot.tokens), self._model.save(slot.sequence))

    def _handle_event(self, event: Event) -> None:
        self._first = self._first or time.perf_counter()
        if isinstance(event, Output):
            self._text += event.chunk.text
        elif isinstance(event, Finish):
            self._usage = event.finished.usage


def _adapt_request(side: str, request: GenerateRequest) -> GenerateRequest:
    return request if side in (REPOSITIONED, LLAMA_CPP) else replace(request, repositionable=None)


def _patch_rotation(side: str) -> AbstractContextManager[object]:
    """Let llama.cpp rotate the keys on its side; copilotd does it on the others."""
    return (
        patch.object(ScratchSequence, "_rotate", lambda *_: None)
        if side == LLAMA_CPP
        else nullcontext()
    )
