"""What is proposed follows from what batches cost and what guesses were worth."""

from copilotd.engine.worker.speculation.draft_length import DRAWN, Payoff


def learned(right: float, single: float = 10.0, **batches: float) -> Payoff:
    """After guesses of which this share was right, and batches that took this long."""
    payoff = Payoff()
    payoff.took(1, single)
    for name, ms in batches.items():
        payoff.took(int(name[1:]), ms)
    for i in range(200):
        for length in range(2, 9):
            payoff.compared(length, 0, int(i * right) < int((i + 1) * right))
    return payoff


def test_nothing_is_proposed_before_a_single_step_was_timed() -> None:
    payoff = Payoff()
    for _ in range(100):
        payoff.compared(8, 0, True)
    assert payoff.best(8, 15) == 0


def test_nothing_is_proposed_where_guesses_are_wrong() -> None:
    assert learned(0.1).best(2, 15) == 0


def test_guesses_that_are_always_right_are_tried_many_at_once() -> None:
    assert learned(1.0, b4=20, b8=30, b16=45).best(2, 15) == 15


def test_no_more_are_proposed_than_there_is_room_for() -> None:
    payoff = learned(1.0, b4=20, b8=30, b16=45)
    assert [payoff.best(2, most) for most in (14, 7, 6, 3, 2, 0, -3)] == [7, 7, 3, 3, 0, 0, 0]


def test_few_are_proposed_where_many_would_not_all_be_right() -> None:
    assert learned(0.8, b4=20, b8=40, b16=80).best(2, 15) == 3


def test_a_long_match_is_worth_more_than_a_short_one() -> None:
    payoff = Payoff()
    payoff.took(1, 10)
    for _ in range(100):
        payoff.compared(2, 0, False)
        payoff.compared(8, 0, True)
    assert (payoff.best(2, 15), payoff.best(8, 15)) == (0, 15)


def test_nothing_is_proposed_where_batches_cost_what_their_tokens_do() -> None:
    assert learned(1.0, b4=40, b8=80, b16=160).best(8, 15) == 0


def test_a_cheap_batch_makes_larger_ones_be_tried() -> None:
    payoff = learned(0.75)
    before = payoff.best(2, 15)
    payoff.took(4, 11)
    assert (before, payoff.best(2, 15)) == (3, 7)


def test_what_did_not_pay_is_tried_again_after_a_while() -> None:
    payoff = learned(1.0, b4=80, b8=160, b16=320)
    proposed = []
    for _ in range(300):
        payoff.took(1, 10)
        proposed.append(payoff.best(8, 15))
    assert proposed[:190] == [0] * 190 and proposed[-1] == 15


def test_batches_whose_tokens_are_evaluated_again_are_given_up_for_a_while() -> None:
    payoff = learned(0.9, b4=15)
    assert payoff.best(2, 3) == 3
    for _ in range(20):
        payoff.stayed(False)
    assert payoff.best(2, 3) == 0
    for _ in range(200):
        payoff.took(1, 10)
    assert payoff.best(2, 3) == 3


def test_batches_that_leave_much_open_are_given_up() -> None:
    payoff = learned(0.6, b4=15)
    assert payoff.best(2, 3) == 3
    for _ in range(100):
        payoff.ended(False)
    assert payoff.best(2, 3) == 0


def test_a_small_model_may_guess_until_it_is_known_what_that_costs() -> None:
    payoff = Payoff()
    payoff.took(1, 10)
    assert payoff.best(DRAWN, 15) == 3


def test_a_small_model_that_takes_as_long_as_the_large_one_guesses_no_more() -> None:
    payoff = learned(1.0, b4=15, b8=20, b16=30)
    payoff.drew(4, 40)
    assert payoff.best(DRAWN, 15) == 0


def test_a_small_model_that_is_often_wrong_guesses_no_more_for_a_while() -> None:
    payoff = learned(1.0, b4=20, b8=30, b16=50)
    payoff.drew(4, 4)
    for _ in range(16):
        payoff.compared(DRAWN, 0, False)
    assert payoff.best(DRAWN, 15) == 0
    for _ in range(200):
        payoff.took(1, 10)
    assert payoff.best(DRAWN, 15) == 3


def test_a_text_is_read_by_the_small_model_where_enough_is_written_to_be_worth_it() -> None:
    payoff = learned(1.0)
    payoff.drew(10, 10)
    payoff.read(100, 100)
    assert [payoff.best(DRAWN, 15, unread) for unread in (0, 100, 1000)] == [3, 0, 0]
    assert [payoff.best(DRAWN, 1500, unread) for unread in (100, 1000)] == [3, 0]
    for _ in range(40):
        payoff.wrote(2000)
    assert [payoff.best(DRAWN, most, 1000) for most in (1500, 15)] == [3, 0]
