"""Measure what speculation gains: the same prompts with and without it, in turns, in one model.

    python -m benchmarks.speculation --model FILE --out OUTCOMES --count 40

The outputs are greedy and continue code from the standard library. The benchmark reports the tokens
per second of each output, and how many outputs are the same on both sides. Drafted tokens count
when they are in a batch. Some batches leave one undecided, and a token is evaluated again where a
later choice is close. The prompt is evaluated before, so both sides start with the same KV cache,
and only decoding is timed. With `--out`, the benchmark appends the outcomes to that file, and the
same command continues a run that was stopped or that reached `--count` prompts; the statistics that
speculation learned start anew.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import msgspec

from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.options import create_parser
from benchmarks.progress import show_progress
from benchmarks.workloads.passages import (
    COMPLETIONS,
    EDITS,
    Prompt,
    build_completion_prompts,
    build_edit_prompts,
)
from copilotd.engine.protocol import Event, Finish, Generate, Output, WorkerSpec
from copilotd.engine.types import GenerateRequest
from copilotd.engine.worker.generation import Generation
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.engine.worker.kv.memory_tier import MemoryTier
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.llama.model import Model
from copilotd.engine.worker.loading import load_draft_model, load_model
from copilotd.engine.worker.speculation.speculation import Speculation, SpeculationCounts


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """One output: its text, its tokens per second, its tokens and its batches."""

    text: str
    rate: float
    tokens: int
    batches: int


@dataclass(frozen=True, slots=True)
class OutputPair:
    """The two outputs of one prompt; `tally` counts what speculation did for it."""

    kind: str
    plain: GeneratedText
    guessed: GeneratedText
    tally: SpeculationCounts


class Bench:
    """One model, and one sequence of its KV cache that both sides use in turn."""

    def __init__(
        self,
        path: Path,
        draft: Path | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        interrupt = Interrupt()
        spec = WorkerSpec(str(path), path.stem, n_seq=1, draft=str(draft or ""))
        self.model = load_model(spec, interrupt)
        nowhere = DiskTier(Path(), 0, b"", print)
        pool = SlotPool(self.model, MemoryTier(0, nowhere), 1, self.model.n_ctx, 0)
        self._events: list[Event] = []
        draft_model = load_draft_model(spec, self.model, interrupt)
        speculation = self._speculation = Speculation(clock=clock, draft_model=draft_model)
        plain = Speculation(enabled=False)
        self._sides = [
            Generation(self.model, interrupt, pool, self._events.append, side)
            for side in (plain, speculation)
        ]

    def write_pair(self, prompt: Prompt, first: int) -> OutputPair:
        """The outputs of both sides; side `first` (0 without speculation, 1 with it) starts."""
        before = replace(self._speculation.counts)
        self._write(self._sides[0], GenerateRequest(prompt.tokens, 0))
        request = GenerateRequest(prompt.tokens, prompt.new)
        written = {side: self._write(self._sides[side], request) for side in (first, 1 - first)}
        tally = _subtract(self._speculation.counts, before)
        return OutputPair(prompt.kind, written[0], written[1], tally)

    def _write(self, side: Generation, request: GenerateRequest) -> GeneratedText:
        self._events.clear()
        side.add(Generate(1, request))
        started, batches = time.perf_counter(), 0
        while side.active_lane is not None:
            side.step()
            batches += 1
        seconds = time.perf_counter() - started
        text = "".join(e.chunk.text for e in self._events if isinstance(e, Output))
        finish = self._events[-1]
        assert isinstance(finish, Finish), finish
        tokens = finish.finished.usage.completion_tokens
        return GeneratedText(text, tokens / seconds, tokens, batches)


def main() -> None:
    """Try the missing prompts, and then report on all of them."""
    options = _parse_options()
    done = _read_outcomes(options.out)
    print(f"{describe_machine()}\n\n{render_report([*done, *_run_missing(options, len(done))])}")


def render_report(pairs: Sequence[OutputPair]) -> str:
    """Rates and counts for each kind of prompt, in Markdown."""
    return f"{_render_rates(pairs)}\n\n{_render_counts(pairs)}"


def _run_missing(options: argparse.Namespace, done: int) -> Iterator[OutputPair]:
    bench = Bench(options.model, options.draft)
    prompts = _build_prompts(bench.model, options.completions, options.edits)
    chosen = prompts[done:][: options.count]
    for i, prompt in enumerate(chosen, done):
        pair = bench.write_pair(prompt, i % 2)
        if options.out:
            with options.out.open("ab") as out:
                out.write(msgspec.json.encode(pair) + b"\n")
        show_progress(f"{i + 1} of {len(prompts)}")
        yield pair


def _build_prompts(model: Model, of_completions: int, of_edits: int) -> list[Prompt]:
    """The prompts, shuffled, so that every first part of the list is a fair sample."""
    info, vocabulary = model.info, model.vocabulary
    prompts = [
        *build_completion_prompts(info, vocabulary, of_completions),
        *build_edit_prompts(info, vocabulary, of_edits),
    ]
    return random.Random(2).sample(prompts, len(prompts))


def _read_outcomes(path: Path | None) -> list[OutputPair]:
    if path is None or not path.exists():
        return []
    return [msgspec.json.decode(line, type=OutputPair) for line in path.read_bytes().splitlines()]


def _render_rates(pairs: Sequence[OutputPair]) -> str:
    rows = [
        Row(
            kind,
            "tokens/s",
            [pair.guessed.rate for pair in of_kind],
            [pair.plain.rate for pair in of_kind],
            higher_is_better=True,
        )
        for kind, of_kind in _group_by_kind(pairs)
    ]
    return render_table("with speculation", "without", rows)


def _render_counts(pairs: Sequence[OutputPair]) -> str:
    lines = [
        "| what | identical | tokens per batch | drafted | accepted | undecided "
        "| evaluated again |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, of_kind in _group_by_kind(pairs):
        same = sum(pair.plain.text == pair.guessed.text for pair in of_kind)
        tokens = sum(pair.guessed.tokens for pair in of_kind)
        batches = sum(pair.guessed.batches for pair in of_kind)
        drafted = sum(pair.tally.drafted for pair in of_kind)
        accepted = sum(pair.tally.accepted for pair in of_kind)
        left = sum(pair.tally.undecided for pair in of_kind)
        again = sum(pair.tally.reevaluated for pair in of_kind)
        right = f"{accepted / drafted:.0%}" if drafted else "-"
        cells = [kind, f"{same} of {len(of_kind)}", f"{tokens / batches:.2f}", str(drafted), right]
        lines.append(f"| {' | '.join([*cells, str(left), str(again)])} |")
    return "\n".join(lines)


def _group_by_kind(pairs: Sequence[OutputPair]) -> list[tuple[str, list[OutputPair]]]:
    groups = [(kind, [p for p in pairs if p.kind == kind]) for kind in (COMPLETIONS, EDITS)]
    return [(kind, of_kind) for kind, of_kind in groups if of_kind]


def _subtract(now: SpeculationCounts, before: SpeculationCounts) -> SpeculationCounts:
    names = [field.name for field in fields(SpeculationCounts)]
    return SpeculationCounts(*(getattr(now, name) - getattr(before, name) for name in names))


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("--draft", type=Path, help="a smaller model of the same family")
    parser.add_argument(
        "--completions", type=int, default=100, help="completion prompts (default 100)"
    )
    parser.add_argument("--edits", type=int, default=12, help="edit prompts (default 12)")
    parser.add_argument("--out", type=Path, help="file for the outcomes, JSON lines")
    parser.add_argument("--count", type=int, help="prompts to try now (default: all)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
