"""Pictures in the engine's loop, on a simulated model that reads them as their ids."""

from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.types import Lane
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.vision.image_tokens import ImageTokens
from copilotd.errors import InvalidRequest
from tests.engine.worker.engine_loop import EngineLoop, expected_continuation
from tests.engine.worker.simulated_model import expected_output

BEFORE, AFTER = list(b"look: "), list(b" what is it?")


def picture(first: int, size: int = 30) -> ImageTokens:
    ids = list(range(first, first + size))
    return ImageTokens(ids, size, None, np.zeros(size, np.float32))


RED, BLUE = picture(300), picture(400)


def prompt(*shown: ImageTokens) -> tuple[list[int], dict[int, ImageTokens]]:
    tokens, pictures = list(BEFORE), {}
    for one in shown:
        pictures[len(tokens)] = one
        tokens += one.ids
    return [*tokens, *AFTER], pictures


def test_a_picture_is_evaluated_once_and_in_its_place() -> None:
    bench = EngineLoop()
    tokens, pictures = prompt(RED)
    bench.add(1, tokens, images=pictures)
    bench.run()
    assert bench.texts[1] == expected_output(tokens, 8)
    assert bench.model.n_images == 1


def test_two_pictures_may_follow_each_other() -> None:
    bench = EngineLoop()
    tokens, pictures = prompt(RED, BLUE)
    bench.add(1, tokens, images=pictures)
    bench.run()
    assert bench.texts[1] == expected_output(tokens, 8)
    assert bench.model.n_images == 2


def test_the_same_picture_in_the_same_place_is_found_in_the_cache() -> None:
    bench = EngineLoop()
    for id in (1, 2):
        tokens, pictures = prompt(RED)
        bench.add(id, tokens, images=pictures)
        bench.run()
    assert bench.model.n_images == 1
    assert bench.usage(2).cached_tokens == len(tokens) - 1


def test_another_picture_in_the_same_place_is_not() -> None:
    bench = EngineLoop()
    for id, one in enumerate((RED, BLUE, RED)):
        tokens, pictures = prompt(one)
        bench.add(id, tokens, images=pictures)
        bench.run()
        assert bench.texts[id] == expected_output(tokens, 8)


def test_a_completion_that_comes_meanwhile_goes_first_and_the_picture_is_whole() -> None:
    bench = EngineLoop()
    tokens, pictures = prompt(RED)

    def interrupt(entries: Sequence[BatchEntry]) -> None:
        if entries[0].token == RED.ids[0] and not bench.texts[2]:
            bench.add(2, "complete", max_tokens=4, lane=Lane.COMPLETION)
            bench.model.interrupt_at = 9
            return
        bench.model.interrupt_at = None

    bench.model.before_decode = interrupt
    bench.add(1, tokens, images=pictures)
    bench.run()
    assert bench.finish_order == [2, 1]
    assert bench.texts[2] == expected_continuation("complete", 4)
    assert bench.texts[1] == expected_output(tokens, 8)


def test_others_that_write_go_on_beside_a_picture() -> None:
    bench = EngineLoop()
    bench.add(1, "first chat", max_tokens=20)
    bench.run(max_steps=5)
    tokens, pictures = prompt(RED)
    bench.add(2, tokens, images=pictures)
    bench.run()
    assert bench.texts[1] == expected_continuation("first chat", 20)
    assert bench.texts[2] == expected_output(tokens, 8)


def test_a_picture_that_finds_no_room_waits_for_it() -> None:
    bench = EngineLoop(n_ctx=120)
    bench.add(1, "c" * 60, max_tokens=4)
    bench.run()
    tokens, pictures = prompt(RED, BLUE)
    bench.add(2, tokens, images=pictures)
    bench.run()
    assert bench.texts[2] == expected_output(tokens, 8)


def test_a_prompt_does_not_end_with_a_picture() -> None:
    bench = EngineLoop()
    with pytest.raises(InvalidRequest, match="ends with an image"):
        bench.add(1, [*BEFORE, *RED.ids], images={len(BEFORE): RED})
