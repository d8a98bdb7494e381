"""The course of a calibration on machines that are functions."""

import math
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from copilotd.engine.performance import Calibration, Setup
from copilotd.engine.worker.calibration.plan import CalibrationPlan, TrialBatch, make_plan
from copilotd.errors import EngineError

DEFAULT = Setup("off", 4, 4, 128)
Machine = Callable[[TrialBatch], float]


def even(work: TrialBatch) -> float:
    """Reads 200 tokens/s and needs 40 ms for one token, half as much for each further one."""
    if work.tokens > 8:
        return work.tokens * 5.0
    return 40.0 * (1 + (work.tokens - 1) / 2)


def measured(
    machine: Machine, asked: Setup | None = None, disturbance: float = 0.0
) -> tuple[Calibration, list[TrialBatch]]:
    """What comes out on `machine`, and the work that it did."""
    run = make_plan(asked or Setup(), DEFAULT, 8)
    run.disturbance = disturbance
    done: list[TrialBatch] = []
    steps = run.run()
    work = next(steps)
    try:
        while True:
            done.append(work)
            work = steps.send(machine(work))
    except StopIteration as end:
        result: Calibration = end.value
        return result, done


def test_the_default_stays_where_nothing_makes_a_difference() -> None:
    calibration, _ = measured(even)

    assert calibration.chosen == calibration.default == DEFAULT
    assert calibration.speed.prefill == {32: 200, 128: 200, 512: 200}
    assert calibration.speed.decode == {100: 40, 1000: 40}
    assert calibration.speed.batch == {2: 1.5, 3: 2, 4: 2.5, 6: 3.5, 8: 4.5}


def faster_with(**choice: object) -> Machine:
    """A machine that needs four fifths of the time if it is run so."""

    def machine(work: TrialBatch) -> float:
        chosen = all(getattr(work.setup, name) == value for name, value in choice.items())
        return even(work) * (0.8 if chosen else 1.0)

    return machine


@pytest.mark.parametrize(
    ("machine", "chosen"),
    [
        (faster_with(flash_attention="on"), replace(DEFAULT, flash_attention="on")),
        (faster_with(n_threads=8), replace(DEFAULT, n_threads=8, n_threads_batch=8)),
        (faster_with(n_ubatch=64), replace(DEFAULT, n_ubatch=64)),
        (faster_with(n_ubatch=256), replace(DEFAULT, n_ubatch=256)),
    ],
)
def test_what_is_clearly_faster_is_chosen(machine: Machine, chosen: Setup) -> None:
    assert measured(machine)[0].chosen == chosen


def test_what_is_hardly_faster_is_not_chosen() -> None:
    calibration, _ = measured(lambda work: even(work) * (1 - (work.setup != DEFAULT) * 0.04))

    assert calibration.chosen == DEFAULT


def test_a_batch_size_must_be_better_than_that() -> None:
    calibration, _ = measured(lambda work: even(work) * (0.92 if work.setup.n_ubatch > 128 else 1))

    assert calibration.chosen == DEFAULT


def test_threads_for_writing_and_for_reading_are_chosen_apart() -> None:
    def machine(work: TrialBatch) -> float:
        fewer_write_faster = work.tokens == 1 and work.setup.n_threads < 4
        more_read_faster = work.tokens > 8 and work.setup.n_threads_batch == 8
        return even(work) * (0.8 if fewer_write_faster or more_read_faster else 1.0)

    chosen = measured(machine)[0].chosen

    assert (chosen.n_threads, chosen.n_threads_batch) == (3, 8)


def test_the_largest_batch_is_tried_only_where_the_larger_one_was_faster() -> None:
    tried = {work.setup.n_ubatch for work in measured(even)[1]}
    growing = measured(lambda work: even(work) * 0.8 ** math.log2(work.setup.n_ubatch))

    assert tried == {64, 128, 256}
    assert growing[0].chosen.n_ubatch == 512


def test_the_precision_of_the_cache_is_measured_and_left_to_the_user() -> None:
    calibration, _ = measured(faster_with(kv_type="q8_0"))

    assert calibration.chosen == DEFAULT
    assert any(m.setup.kv_type == "q8_0" for m in calibration.measurements)


def test_what_was_asked_for_is_not_varied() -> None:
    asked = Setup(flash_attention="off", n_threads=4, n_threads_batch=4)

    _, done = measured(even, asked)

    ways = {(w.setup.flash_attention, w.setup.n_threads, w.setup.n_threads_batch) for w in done}
    assert ways == {("off", 4, 4)}


def test_a_way_that_is_far_behind_is_not_tried_again() -> None:
    def machine(work: TrialBatch) -> float:
        return even(work) * (3 if work.setup.flash_attention == "on" else 1)

    slow = [w for w in measured(machine)[1] if w.setup == replace(DEFAULT, flash_attention="on")]

    # One round: the cold prompt, some lines, and a token three times.
    assert len(slow) == 5


def test_ways_take_turns() -> None:
    _, done = measured(even)

    setups = [work.setup for work in done if work.tokens == 128][:6]
    on, q8 = replace(DEFAULT, flash_attention="on"), replace(DEFAULT, flash_attention="on")
    q8 = replace(on, kv_type="q8_0")
    assert setups == [DEFAULT, on, q8, DEFAULT, on, q8]


def test_a_way_that_does_not_work_is_left_out_of_the_result() -> None:
    calibration, _ = measured(
        lambda work: math.inf if work.setup.flash_attention == "on" else even(work)
    )

    assert calibration.chosen == DEFAULT
    assert {m.setup.flash_attention for m in calibration.measurements} == {"off"}


def test_a_model_that_does_not_work_at_all_cannot_be_measured() -> None:
    with pytest.raises(EngineError, match="this model cannot be measured"):
        measured(lambda work: math.inf)


def test_nothing_is_compared_while_other_programs_are_busy() -> None:
    calibration, done = measured(faster_with(flash_attention="on"), disturbance=0.5)

    assert (calibration.chosen, calibration.disturbance) == (DEFAULT, 0.5)
    assert {work.setup for work in done} == {DEFAULT}


def test_one_lucky_sample_does_not_win() -> None:
    lucky = iter([0.1])

    def machine(work: TrialBatch) -> float:
        once = work.setup.flash_attention == "on" and work.tokens == 1
        return even(work) * (next(lucky, 1.0) if once else 1.0)

    assert measured(machine)[0].chosen == DEFAULT


def test_a_slow_machine_is_spared_long_work() -> None:
    def slow(work: TrialBatch) -> float:
        return even(work) * 20

    calibration, done = measured(slow)

    assert calibration.chosen == DEFAULT
    assert max(work.tokens for work in done) == 32
    assert calibration.speed.prefill == {32: 10}


def test_more_tokens_at_once_never_cost_less() -> None:
    def disturbed(work: TrialBatch) -> float:
        return 1.0 if work.tokens in (2, 6) else even(work)

    assert measured(disturbed)[0].speed.batch == {2: 1.0, 3: 2.0, 4: 2.5, 6: 2.5, 8: 4.5}


def test_progress_grows_to_the_end() -> None:
    run = CalibrationPlan(DEFAULT, [replace(DEFAULT, flash_attention="on")], [2])
    steps, told = run.run(), []
    work = next(steps)
    try:
        while True:
            work = steps.send(even(work))
            told.append(run.progress)
    except StopIteration:
        pass

    fractions = [step.fraction for step in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], max(fractions) < 1) == (0.0, True)
    assert list(dict.fromkeys(step.text for step in told)) == [
        "measuring",
        "measuring flash attention",
        "measuring threads",
        "measuring batch size",
        "measuring speed",
    ]
