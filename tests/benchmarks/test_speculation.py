"""What the benchmark of speculation reports, and what it reads from its file."""

from pathlib import Path

import msgspec

from benchmarks.speculation import GeneratedText, OutputPair, _read_outcomes, render_report
from benchmarks.workloads.passages import COMPLETIONS, EDITS
from copilotd.engine.worker.speculation.speculation import SpeculationCounts


def create_pair(kind: str, text: str, guessed: str) -> OutputPair:
    tally = SpeculationCounts(drafts=2, drafted=8, accepted=6, undecided=1, reevaluated=3)
    return OutputPair(
        kind, GeneratedText(text, 10.0, 12, 13), GeneratedText(guessed, 15.0, 12, 6), tally
    )


def test_identical_outputs_are_counted_for_each_kind() -> None:
    pairs = [
        create_pair(COMPLETIONS, "a", "a"),
        create_pair(COMPLETIONS, "a", "b"),
        create_pair(EDITS, "c", "c"),
    ]
    lines = render_report(pairs).splitlines()
    assert "| completions | tokens/s | 15.0 (15.0) | 10.0 (10.0) | 1.50 | 2 |" in lines
    assert "| completions | 1 of 2 | 2.00 | 16 | 75% | 2 | 6 |" in lines
    assert "| edits | 1 of 1 | 2.00 | 8 | 75% | 1 | 3 |" in lines


def test_outcomes_are_read_again(tmp_path: Path) -> None:
    pairs, path = (
        [create_pair(COMPLETIONS, "a\n", "b"), create_pair(EDITS, "c", "c")],
        tmp_path / "outcomes",
    )
    assert _read_outcomes(path) == []
    path.write_bytes(b"".join(msgspec.json.encode(pair) + b"\n" for pair in pairs))
    assert _read_outcomes(path) == pairs
