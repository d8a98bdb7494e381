"""The facts that other programs depend on never change by accident."""

import json
from difflib import unified_diff

import pytest

from tests.public_surface import SECTIONS, SNAPSHOT, format_lines, format_snapshot

STORED = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
NEXT = "if that is intended: python -m tests.public_surface"


@pytest.mark.parametrize("section", SECTIONS)
def test_the_public_surface_has_not_changed(section: str) -> None:
    now = json.loads(format_snapshot({section: dict(sorted(SECTIONS[section]().items()))}))[section]

    changes = unified_diff(
        format_lines(STORED[section]), format_lines(now), "before", "now", lineterm="", n=0
    )
    if found := [line for line in changes if not line.startswith("@@")]:
        pytest.fail(f"{section} changed; {NEXT}\n" + "\n".join(found), pytrace=False)


def test_the_snapshot_has_one_line_for_each_fact_in_order() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == format_snapshot(
        {name: dict(sorted(facts.items())) for name, facts in STORED.items()}
    )
    assert list(STORED) == list(SECTIONS)
