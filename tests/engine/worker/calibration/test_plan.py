"""What a calibration measures and chooses, on machines that are functions of the batch."""

import math
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from copilotd.engine.performance import Calibration, Setup
from copilotd.engine.worker.calibration.plan import CalibrationPlan, TrialBatch, make_plan
from copilotd.errors import EngineError

DEFAULT = Setup("off", 4, 4, 128)
Machine = Callable[[TrialBatch], float]


def even(batch: TrialBatch) -> float:
    """200 tokens/s of prefill; 40 ms for one token, and 20 ms for each further one."""
    if batch.tokens > 8:
        return batch.tokens * 5.0
    return 40.0 * (1 + (batch.tokens - 1) / 2)


def calibrate(
    machine: Machine, requested: Setup | None = None, disturbance: float = 0.0
) -> tuple[Calibration, list[TrialBatch]]:
    """Calibrate on `machine`; returns the result and the batches that were measured."""
    plan = make_plan(requested or Setup(), DEFAULT, 8)
    plan.disturbance = disturbance
    done: list[TrialBatch] = []
    steps = plan.run()
    batch = next(steps)
    try:
        while True:
            done.append(batch)
            batch = steps.send(machine(batch))
    except StopIteration as end:
        result: Calibration = end.value
        return result, done


def test_the_default_stays_if_no_setting_makes_a_difference() -> None:
    calibration, _ = calibrate(even)

    assert calibration.chosen == calibration.default == DEFAULT
    assert calibration.speed.prefill == {32: 200, 128: 200, 512: 200}
    assert calibration.speed.decode == {100: 40, 1000: 40}
    assert calibration.speed.batch == {2: 1.5, 3: 2, 4: 2.5, 6: 3.5, 8: 4.5}


def faster_with(**choice: object) -> Machine:
    """Make a machine that takes four fifths of the time with the settings in `choice`."""

    def machine(batch: TrialBatch) -> float:
        chosen = all(getattr(batch.setup, name) == value for name, value in choice.items())
        return even(batch) * (0.8 if chosen else 1.0)

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
def test_a_clearly_faster_setting_is_chosen(machine: Machine, chosen: Setup) -> None:
    assert calibrate(machine)[0].chosen == chosen


def test_a_slightly_faster_setting_is_not_chosen() -> None:
    calibration, _ = calibrate(lambda batch: even(batch) * (1 - (batch.setup != DEFAULT) * 0.04))

    assert calibration.chosen == DEFAULT


def test_a_ubatch_size_must_gain_more_than_other_settings() -> None:
    calibration, _ = calibrate(
        lambda batch: even(batch) * (0.92 if batch.setup.n_ubatch > 128 else 1)
    )

    assert calibration.chosen == DEFAULT


def test_threads_for_decode_and_for_prefill_are_chosen_separately() -> None:
    def machine(batch: TrialBatch) -> float:
        fewer_write_faster = batch.tokens == 1 and batch.setup.n_threads < 4
        more_read_faster = batch.tokens > 8 and batch.setup.n_threads_batch == 8
        return even(batch) * (0.8 if fewer_write_faster or more_read_faster else 1.0)

    chosen = calibrate(machine)[0].chosen

    assert (chosen.n_threads, chosen.n_threads_batch) == (3, 8)


def test_the_largest_ubatch_is_tried_only_if_the_next_smaller_one_was_faster() -> None:
    tried = {batch.setup.n_ubatch for batch in calibrate(even)[1]}
    growing = calibrate(lambda batch: even(batch) * 0.8 ** math.log2(batch.setup.n_ubatch))

    assert tried == {64, 128, 256}
    assert growing[0].chosen.n_ubatch == 512


def test_the_precision_of_the_kv_cache_is_measured_but_only_the_user_chooses_it() -> None:
    calibration, _ = calibrate(faster_with(kv_type="q8_0"))

    assert calibration.chosen == DEFAULT
    assert any(m.setup.kv_type == "q8_0" for m in calibration.measurements)


def test_requested_settings_are_not_varied() -> None:
    requested = Setup(flash_attention="off", n_threads=4, n_threads_batch=4)

    _, done = calibrate(even, requested)

    settings = {(w.setup.flash_attention, w.setup.n_threads, w.setup.n_threads_batch) for w in done}
    assert settings == {("off", 4, 4)}


def test_a_much_slower_setting_is_not_tried_again() -> None:
    def machine(batch: TrialBatch) -> float:
        return even(batch) * (3 if batch.setup.flash_attention == "on" else 1)

    slow = [w for w in calibrate(machine)[1] if w.setup == replace(DEFAULT, flash_attention="on")]

    # One round: the cold prompt, some lines, and a single token three times.
    assert len(slow) == 5


def test_settings_take_turns() -> None:
    _, done = calibrate(even)

    setups = [batch.setup for batch in done if batch.tokens == 128][:6]
    on = replace(DEFAULT, flash_attention="on")
    q8 = replace(on, kv_type="q8_0")
    assert setups == [DEFAULT, on, q8, DEFAULT, on, q8]


def test_a_setting_that_does_not_work_is_left_out_of_the_result() -> None:
    calibration, _ = calibrate(
        lambda batch: math.inf if batch.setup.flash_attention == "on" else even(batch)
    )

    assert calibration.chosen == DEFAULT
    assert {m.setup.flash_attention for m in calibration.measurements} == {"off"}


def test_a_model_that_does_not_run_at_all_cannot_be_measured() -> None:
    with pytest.raises(EngineError, match="this model cannot be measured"):
        calibrate(lambda batch: math.inf)


def test_nothing_is_compared_while_other_programs_are_busy() -> None:
    calibration, done = calibrate(faster_with(flash_attention="on"), disturbance=0.5)

    assert (calibration.chosen, calibration.disturbance) == (DEFAULT, 0.5)
    assert {batch.setup for batch in done} == {DEFAULT}


def test_one_lucky_sample_does_not_win() -> None:
    lucky = iter([0.1])

    def machine(batch: TrialBatch) -> float:
        once = batch.setup.flash_attention == "on" and batch.tokens == 1
        return even(batch) * (next(lucky, 1.0) if once else 1.0)

    assert calibrate(machine)[0].chosen == DEFAULT


def test_long_batches_are_skipped_on_a_slow_machine() -> None:
    def slow(batch: TrialBatch) -> float:
        return even(batch) * 20

    calibration, done = calibrate(slow)

    assert calibration.chosen == DEFAULT
    assert max(batch.tokens for batch in done) == 32
    assert calibration.speed.prefill == {32: 10}


def test_more_tokens_at_once_never_cost_less() -> None:
    def disturbed(batch: TrialBatch) -> float:
        return 1.0 if batch.tokens in (2, 6) else even(batch)

    assert calibrate(disturbed)[0].speed.batch == {2: 1.0, 3: 2.0, 4: 2.5, 6: 2.5, 8: 4.5}


def test_progress_grows_to_the_end() -> None:
    plan = CalibrationPlan(DEFAULT, [replace(DEFAULT, flash_attention="on")], [2])
    steps, reports = plan.run(), []
    batch = next(steps)
    try:
        while True:
            batch = steps.send(even(batch))
            reports.append(plan.progress)
    except StopIteration:
        pass

    fractions = [step.fraction for step in reports]
    assert fractions == sorted(fractions)
    assert (fractions[0], max(fractions) < 1) == (0.0, True)
    assert list(dict.fromkeys(step.text for step in reports)) == [
        "measuring",
        "measuring flash attention",
        "measuring threads",
        "measuring batch size",
        "measuring speed",
    ]
