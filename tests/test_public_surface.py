"""Nothing that other programs depend on changes by accident."""

import json
from difflib import unified_diff

import pytest

from tests.public_surface import SECTIONS, SNAPSHOT, lines, text

STORED = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
NEXT = "if that is intended: python -m tests.public_surface"


@pytest.mark.parametrize("section", SECTIONS)
def test_what_others_depend_on_is_as_it_was(section: str) -> None:
    now = json.loads(text({section: dict(sorted(SECTIONS[section]().items()))}))[section]

    changes = unified_diff(lines(STORED[section]), lines(now), "before", "now", lineterm="", n=0)
    if found := [line for line in changes if not line.startswith("@@")]:
        pytest.fail(f"{section} changed; {NEXT}\n" + "\n".join(found), pytrace=False)


def test_the_snapshot_has_one_line_a_fact_in_order() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == text(
        {name: dict(sorted(facts.items())) for name, facts in STORED.items()}
    )
    assert list(STORED) == list(SECTIONS)
