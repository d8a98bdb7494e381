"""What counts as flicker."""

import pytest

from benchmarks.recording.flicker import Flicker, Frame, count_flicker


def create_frames(*seen: str) -> list[Frame]:
    """Frames from `text before the cursor|ghost text`."""
    return [Frame("a.py:0", *one.split("|")) for one in seen]


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        (["re|", "re|turn a"], Flicker(suggestions=1)),
        (["re|turn a", "re|turn a", "ret|urn a"], Flicker(suggestions=1, kept=2)),
        (["re|turn a", "ret|urn a + b"], Flicker(suggestions=1, grown=1)),
        (["re|turn a", "ret|urn"], Flicker(suggestions=1, shortened=1)),
        (["re|turn a", "ret|ry()"], Flicker(suggestions=1, replaced=1)),
        (["re|turn a", "ret|", "retu|"], Flicker(suggestions=1, vanished=1)),
        (["re|turn a", "ret|", "retu|rn a"], Flicker(suggestions=1, vanished=1, blinked=1)),
        (["re|turn a", "rex|", "rex|port"], Flicker(suggestions=2)),
        (["re|turn a", "rex|port"], Flicker(suggestions=2)),
        (["x|", "x|"], Flicker()),
        (["re|turn", "return|", "return| a"], Flicker(suggestions=2)),
    ],
)
def test_each_change_of_a_suggestion_is_counted(seen: list[str], counts: Flicker) -> None:
    assert count_flicker(create_frames(*seen)) == counts


def test_another_place_is_another_suggestion() -> None:
    seen = [Frame("a.py:0", "re", "turn a"), Frame("a.py:1", "re", "ad()")]
    assert count_flicker(seen) == Flicker(suggestions=2)
