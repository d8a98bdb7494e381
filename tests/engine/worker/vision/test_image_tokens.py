"""Pictures in the engine's loop, on a simulated model that reads them as their ids."""

from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.types import Lane
from copilotd.engine.worker.llama.model import Entry
from copilotd.engine.worker.vision.image_tokens import Picture
from copilotd.errors import InvalidRequest
from tests.engine.worker.engine_loop import Bench, text_after
from tests.engine.worker.simulated_model import expected_text

BEFORE, AFTER = list(b"look: "), list(b" what is it?")


def picture(first: int, size: int = 30) -> Picture:
    ids = list(range(first, first + size))
    return Picture(ids, size, None, np.zeros(size, np.float32))


RED, BLUE = picture(300), picture(400)


def prompt(*shown: Picture) -> tuple[list[int], dict[int, Picture]]:
    tokens, pictures = list(BEFORE), {}
    for one in shown:
        pictures[len(tokens)] = one
        tokens += one.ids
    return [*tokens, *AFTER], pictures


def test_a_picture_is_evaluated_once_and_in_its_place() -> None:
    bench = Bench()
    tokens, pictures = prompt(RED)
    bench.add(1, tokens, pictures=pictures)
    bench.run()
    assert bench.texts[1] == expected_text(tokens, 8)
    assert bench.model.pictures == 1


def test_two_pictures_may_follow_each_other() -> None:
    bench = Bench()
    tokens, pictures = prompt(RED, BLUE)
    bench.add(1, tokens, pictures=pictures)
    bench.run()
    assert bench.texts[1] == expected_text(tokens, 8)
    assert bench.model.pictures == 2


def test_the_same_picture_in_the_same_place_is_found_in_the_cache() -> None:
    bench = Bench()
    for id in (1, 2):
        tokens, pictures = prompt(RED)
        bench.add(id, tokens, pictures=pictures)
        bench.run()
    assert bench.model.pictures == 1
    assert bench.usage(2).cached_tokens == len(tokens) - 1


def test_another_picture_in_the_same_place_is_not() -> None:
    bench = Bench()
    for id, one in enumerate((RED, BLUE, RED)):
        tokens, pictures = prompt(one)
        bench.add(id, tokens, pictures=pictures)
        bench.run()
        assert bench.texts[id] == expected_text(tokens, 8)


def test_a_completion_that_comes_meanwhile_goes_first_and_the_picture_is_whole() -> None:
    bench = Bench()
    tokens, pictures = prompt(RED)

    def interrupt(entries: Sequence[Entry]) -> None:
        if entries[0].token == RED.ids[0] and not bench.texts[2]:
            bench.add(2, "complete", n=4, lane=Lane.COMPLETION)
            bench.model.interrupt_at = 9
            return
        bench.model.interrupt_at = None

    bench.model.before_decode = interrupt
    bench.add(1, tokens, pictures=pictures)
    bench.run()
    assert bench.order == [2, 1]
    assert bench.texts[2] == text_after("complete", 4)
    assert bench.texts[1] == expected_text(tokens, 8)


def test_others_that_write_go_on_beside_a_picture() -> None:
    bench = Bench()
    bench.add(1, "first chat", n=20)
    bench.run(steps=5)
    tokens, pictures = prompt(RED)
    bench.add(2, tokens, pictures=pictures)
    bench.run()
    assert bench.texts[1] == text_after("first chat", 20)
    assert bench.texts[2] == expected_text(tokens, 8)


def test_a_picture_that_finds_no_room_waits_for_it() -> None:
    bench = Bench(n_ctx=120)
    bench.add(1, "c" * 60, n=4)
    bench.run()
    tokens, pictures = prompt(RED, BLUE)
    bench.add(2, tokens, pictures=pictures)
    bench.run()
    assert bench.texts[2] == expected_text(tokens, 8)


def test_a_prompt_does_not_end_with_a_picture() -> None:
    bench = Bench()
    with pytest.raises(InvalidRequest, match="ends with an image"):
        bench.add(1, [*BEFORE, *RED.ids], pictures={len(BEFORE): RED})
