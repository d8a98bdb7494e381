from dataclasses import replace

import pytest

from copilotd.config import CompletionSection
from copilotd.engine.performance import Speed
from copilotd.prompt.budget import Budget, compute_budget

AUTO = CompletionSection()


def create_speed(prefill: float, decode_ms: float) -> Speed:
    """Return the speed of a machine where a batch of four costs as much as 2.5 single tokens."""
    return Speed({128: prefill, 512: prefill}, {100: decode_ms, 1000: decode_ms}, {2: 1.5, 4: 2.5})


@pytest.mark.parametrize(
    ("prefill", "decode_ms", "expected"),
    [
        pytest.param(200, 40, Budget(768, 128, 21, 50, 300, 96, 96, 592), id="two cores, 0.5B"),
        pytest.param(133, 45, Budget(512, 80, 18, 56, 300, 64, 96, 384), id="two cores in a cloud"),
        pytest.param(40, 100, Budget(256, 48, 8, 75, 300, 64, 96, 128), id="slow"),
        pytest.param(5, 1000, Budget(256, 48, 8, 75, 300, 64, 96, 128), id="far too slow"),
        pytest.param(3000, 8, Budget(2048, 512, 96, 10, 300, 1488, 96, 2048), id="a GPU"),
    ],
)
def test_automatic_limits_follow_from_the_speed(
    prefill: float, decode_ms: float, expected: Budget
) -> None:
    assert compute_budget(AUTO, create_speed(prefill, decode_ms)) == expected


def test_an_unknown_speed_gives_limits_for_most_machines() -> None:
    assert compute_budget(AUTO, None) == Budget(768, 128, 96, 50, 300, 128)


@pytest.mark.parametrize("known", [None, create_speed(40, 100)])
def test_the_settings_override_the_speed(known: Speed | None) -> None:
    settings = CompletionSection(
        prefix_tokens=1000,
        suffix_tokens=0,
        max_tokens=200,
        debounce_ms=0,
        target_ms=500,
        limit_ms=3000,
    )

    expected = Budget(1000, 0, 200, 0, 500, 0, 200)
    budget = replace(compute_budget(settings, known), cold_prompt_tokens=0, snippet_tokens=512)
    assert budget == expected


def test_a_longer_limit_gives_longer_suggestions() -> None:
    patient = compute_budget(CompletionSection(limit_ms=2000), create_speed(200, 40))

    assert patient.max_tokens == 46


@pytest.mark.parametrize("rate", range(10, 4000, 70))
def test_a_cold_prompt_has_a_bounded_prefill_time_above_the_minimum_sizes(rate: int) -> None:
    bounds = compute_budget(AUTO, create_speed(rate, 40))

    assert bounds.prefix_tokens == 256 or bounds.prefix_tokens + bounds.suffix_tokens <= 4.5 * rate
    assert bounds.suffix_tokens == 48 or bounds.suffix_tokens <= 0.65 * rate


def test_a_batch_costs_as_much_as_the_next_larger_measured_batch() -> None:
    known = create_speed(200, 40)

    assert [known.batch_cost(n) for n in (1, 2, 3, 4, 5)] == [1, 1.5, 2.5, 2.5, 5]
