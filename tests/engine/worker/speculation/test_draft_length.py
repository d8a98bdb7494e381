"""The length of a draft follows from the cost of batches and the success of guesses."""

from copilotd.engine.worker.speculation.draft_length import FROM_DRAFT_MODEL, DraftLengthPolicy


def trained_policy(right: float, single: float = 10.0, **batches: float) -> DraftLengthPolicy:
    """A policy that saw this share of guesses be right, and batches take this long in ms."""
    policy = DraftLengthPolicy()
    policy.record_batch(1, single)
    for name, ms in batches.items():
        policy.record_batch(int(name[1:]), ms)
    for i in range(200):
        for length in range(2, 9):
            policy.record_guess(length, 0, int(i * right) < int((i + 1) * right))
    return policy


def test_nothing_is_drafted_before_a_single_step_was_timed() -> None:
    policy = DraftLengthPolicy()
    for _ in range(100):
        policy.record_guess(8, 0, True)
    assert policy.choose_length(8, 15) == 0


def test_nothing_is_drafted_where_guesses_are_wrong() -> None:
    assert trained_policy(0.1).choose_length(2, 15) == 0


def test_drafts_are_long_where_guesses_are_always_right() -> None:
    assert trained_policy(1.0, b4=20, b8=30, b16=45).choose_length(2, 15) == 15


def test_a_draft_is_no_longer_than_there_is_room_for() -> None:
    policy = trained_policy(1.0, b4=20, b8=30, b16=45)
    assert [policy.choose_length(2, room) for room in (14, 7, 6, 3, 2, 0, -3)] == [
        7,
        7,
        3,
        3,
        0,
        0,
        0,
    ]


def test_drafts_are_short_where_long_ones_would_not_be_right_to_the_end() -> None:
    assert trained_policy(0.8, b4=20, b8=40, b16=80).choose_length(2, 15) == 3


def test_a_long_match_is_worth_more_than_a_short_one() -> None:
    policy = DraftLengthPolicy()
    policy.record_batch(1, 10)
    for _ in range(100):
        policy.record_guess(2, 0, False)
        policy.record_guess(8, 0, True)
    assert (policy.choose_length(2, 15), policy.choose_length(8, 15)) == (0, 15)


def test_nothing_is_drafted_where_a_batch_costs_as_much_as_its_tokens() -> None:
    assert trained_policy(1.0, b4=40, b8=80, b16=160).choose_length(8, 15) == 0


def test_after_a_cheap_batch_a_larger_one_is_tried() -> None:
    policy = trained_policy(0.75)
    before = policy.choose_length(2, 15)
    policy.record_batch(4, 11)
    assert (before, policy.choose_length(2, 15)) == (3, 7)


def test_drafts_that_did_not_pay_are_tried_again_after_a_while() -> None:
    policy = trained_policy(1.0, b4=80, b8=160, b16=320)
    lengths = []
    for _ in range(300):
        policy.record_batch(1, 10)
        lengths.append(policy.choose_length(8, 15))
    assert lengths[:190] == [0] * 190 and lengths[-1] == 15


def test_drafts_stop_for_a_while_where_their_tokens_are_evaluated_again() -> None:
    policy = trained_policy(0.9, b4=15)
    assert policy.choose_length(2, 3) == 3
    for _ in range(20):
        policy.record_kept(False)
    assert policy.choose_length(2, 3) == 0
    for _ in range(200):
        policy.record_batch(1, 10)
    assert policy.choose_length(2, 3) == 3


def test_drafts_stop_where_batches_often_leave_a_token_open() -> None:
    policy = trained_policy(0.6, b4=15)
    assert policy.choose_length(2, 3) == 3
    for _ in range(100):
        policy.record_bonus(False)
    assert policy.choose_length(2, 3) == 0


def test_a_draft_model_may_draft_until_its_cost_is_known() -> None:
    policy = DraftLengthPolicy()
    policy.record_batch(1, 10)
    assert policy.choose_length(FROM_DRAFT_MODEL, 15) == 3


def test_a_draft_model_as_slow_as_the_large_one_drafts_no_more() -> None:
    policy = trained_policy(1.0, b4=15, b8=20, b16=30)
    policy.record_draft(4, 40)
    assert policy.choose_length(FROM_DRAFT_MODEL, 15) == 0


def test_a_draft_model_that_is_often_wrong_pauses_for_a_while() -> None:
    policy = trained_policy(1.0, b4=20, b8=30, b16=50)
    policy.record_draft(4, 4)
    for _ in range(16):
        policy.record_guess(FROM_DRAFT_MODEL, 0, False)
    assert policy.choose_length(FROM_DRAFT_MODEL, 15) == 0
    for _ in range(200):
        policy.record_batch(1, 10)
    assert policy.choose_length(FROM_DRAFT_MODEL, 15) == 3


def test_a_draft_model_evaluates_a_text_only_if_the_output_is_long_enough_to_pay_for_it() -> None:
    policy = trained_policy(1.0)
    policy.record_draft(10, 10)
    policy.record_prefill(100, 100)
    assert [policy.choose_length(FROM_DRAFT_MODEL, 15, unread) for unread in (0, 100, 1000)] == [
        3,
        0,
        0,
    ]
    assert [policy.choose_length(FROM_DRAFT_MODEL, 1500, unread) for unread in (100, 1000)] == [
        3,
        0,
    ]
    for _ in range(40):
        policy.record_output(2000)
    assert [policy.choose_length(FROM_DRAFT_MODEL, room, 1000) for room in (1500, 15)] == [3, 0]
