"""How many threads a batch gets on a machine that other programs use too."""

from dataclasses import dataclass, field

import pytest

from copilotd.engine.worker.threads.thread_budget import MEASURE_EVERY_S, Clocks, ThreadBudget


@dataclass
class BusyMachine:
    """A machine whose other programs use a `load` of its `cores`; `run_batch` lets time pass."""

    cores: int = 4
    load: float = 0.0
    now: float = 0.0
    cpu: float = 0.0
    budget: ThreadBudget = field(init=False)

    def __post_init__(self) -> None:
        clocks = Clocks(lambda: self.now, lambda: self.cpu)
        self.budget = ThreadBudget(self.cores, lambda: self.load, clocks)

    def run_batch(self, wall: float = 0.02, running: float = 1.0, n_threads: int = 4) -> int:
        """Run a batch for `wall` seconds, and each thread for the share `running` of that.

        Returns the number of threads.
        """
        threads = self.budget.acquire(n_threads)
        self.now += wall
        self.cpu += wall * running * threads
        self.budget.release()
        return threads


def test_on_an_idle_machine_all_threads_are_used() -> None:
    machine = BusyMachine()
    assert [machine.run_batch() for _ in range(40)] == [4] * 40


@pytest.mark.parametrize(
    ("load", "threads"), [(0.05, 4), (0.1, 4), (0.2, 3), (0.25, 3), (0.5, 2), (0.75, 1), (1.0, 1)]
)
def test_cores_that_other_programs_use_are_left_to_them(load: float, threads: int) -> None:
    machine = BusyMachine(load=load, now=-MEASURE_EVERY_S)
    machine.now = 0.0
    assert machine.run_batch() == threads


def test_after_a_batch_that_was_held_up_fewer_threads_are_used() -> None:
    machine = BusyMachine(cores=2)
    assert machine.run_batch(wall=0.1, running=0.5, n_threads=2) == 2
    assert machine.run_batch(n_threads=2) == 1


def test_all_threads_are_used_again_once_other_programs_have_ended() -> None:
    machine = BusyMachine(cores=2)
    machine.run_batch(wall=0.1, running=0.5, n_threads=2)
    machine.now += MEASURE_EVERY_S
    assert machine.run_batch(n_threads=2) == 2


def test_load_during_a_pause_takes_no_threads_away() -> None:
    machine = BusyMachine(cores=2, load=1.0)
    machine.now += 60.0
    assert machine.run_batch(n_threads=2) == 2


def test_programs_that_were_busy_before_and_during_a_pause_count_as_busy_after_it() -> None:
    machine = BusyMachine(cores=2, load=0.5)
    machine.run_batch(wall=0.1, running=0.5, n_threads=2)
    machine.now += 60.0
    assert machine.run_batch(n_threads=2) == 1


def test_fewer_threads_are_used_while_other_programs_are_busy() -> None:
    machine = BusyMachine(cores=2, load=0.5)
    machine.run_batch(wall=0.1, running=0.5, n_threads=2)
    assert {machine.run_batch(n_threads=2) for _ in range(100)} == {1}


def test_a_short_batch_does_not_change_the_budget() -> None:
    machine = BusyMachine(cores=2)
    machine.run_batch(wall=0.001, running=0.1, n_threads=2)
    assert machine.run_batch(n_threads=2) == 2


def test_no_more_threads_are_used_than_requested() -> None:
    assert BusyMachine(cores=8).run_batch(n_threads=3) == 3
