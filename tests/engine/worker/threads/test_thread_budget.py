"""How many threads a batch is given, on a machine of which others take a part."""

from dataclasses import dataclass, field

import pytest

from copilotd.engine.worker.threads.thread_budget import MEASURE_EVERY_S, Clocks, ThreadBudget


@dataclass
class CursorContext:
    """A machine with `cores`, others taking a `share` of them; what passes is told to `batch`."""

    cores: int = 4
    share: float = 0.0
    now: float = 0.0
    worked: float = 0.0
    crew: ThreadBudget = field(init=False)

    def __post_init__(self) -> None:
        clocks = Clocks(lambda: self.now, lambda: self.worked)
        self.crew = ThreadBudget(self.cores, lambda: self.share, clocks)

    def batch(self, took: float = 0.02, running: float = 1.0, wanted: int = 4) -> int:
        """Threads of a batch that `took` so long, in which each was `running` for that share."""
        threads = self.crew.acquire(wanted)
        self.now += took
        self.worked += took * running * threads
        self.crew.release()
        return threads


def test_a_machine_with_nothing_else_to_do_gives_all_threads() -> None:
    scene = CursorContext()
    assert [scene.batch() for _ in range(40)] == [4] * 40


@pytest.mark.parametrize(
    ("share", "threads"), [(0.05, 4), (0.1, 4), (0.2, 3), (0.25, 3), (0.5, 2), (0.75, 1), (1.0, 1)]
)
def test_what_others_take_is_left_to_them(share: float, threads: int) -> None:
    scene = CursorContext(share=share, now=-MEASURE_EVERY_S)
    scene.now = 0.0
    assert scene.batch() == threads


def test_a_batch_that_was_held_up_is_followed_by_one_with_fewer_threads() -> None:
    scene = CursorContext(cores=2)
    assert scene.batch(took=0.1, running=0.5, wanted=2) == 2
    assert scene.batch(wanted=2) == 1


def test_threads_come_back_once_others_have_gone() -> None:
    scene = CursorContext(cores=2)
    scene.batch(took=0.1, running=0.5, wanted=2)
    scene.now += MEASURE_EVERY_S
    assert scene.batch(wanted=2) == 2


def test_what_others_did_in_a_pause_is_not_held_against_them() -> None:
    scene = CursorContext(cores=2, share=1.0)
    scene.now += 60.0
    assert scene.batch(wanted=2) == 2


def test_who_was_busy_before_a_pause_and_in_it_is_taken_to_be_so_after_it() -> None:
    scene = CursorContext(cores=2, share=0.5)
    scene.batch(took=0.1, running=0.5, wanted=2)
    scene.now += 60.0
    assert scene.batch(wanted=2) == 1


def test_threads_stay_away_while_others_are_busy() -> None:
    scene = CursorContext(cores=2, share=0.5)
    scene.batch(took=0.1, running=0.5, wanted=2)
    assert {scene.batch(wanted=2) for _ in range(100)} == {1}


def test_a_short_batch_says_nothing() -> None:
    scene = CursorContext(cores=2)
    scene.batch(took=0.001, running=0.1, wanted=2)
    assert scene.batch(wanted=2) == 2


def test_no_more_threads_are_given_than_are_wanted() -> None:
    assert CursorContext(cores=8).batch(wanted=3) == 3
