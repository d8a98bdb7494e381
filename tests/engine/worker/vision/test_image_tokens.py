"""Images in the engine's loop, on a simulated model that reads them as their ids."""

from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.types import Lane
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.vision.image_tokens import ImageTokens
from copilotd.errors import InvalidRequest
from tests.engine.worker.engine_loop import EngineLoop, predict_continuation
from tests.engine.worker.simulated_model import predict_output

BEFORE, AFTER = list(b"look: "), list(b" what is it?")


def make_image(first: int, size: int = 30) -> ImageTokens:
    ids = list(range(first, first + size))
    return ImageTokens(ids, size, None, np.zeros(size, np.float32))


RED, BLUE = make_image(300), make_image(400)


def make_prompt(*shown: ImageTokens) -> tuple[list[int], dict[int, ImageTokens]]:
    tokens, images = list(BEFORE), {}
    for image in shown:
        images[len(tokens)] = image
        tokens += image.ids
    return [*tokens, *AFTER], images


def test_an_image_is_evaluated_once_and_in_its_place() -> None:
    loop = EngineLoop()
    tokens, images = make_prompt(RED)
    loop.add(1, tokens, images=images)
    loop.run()
    assert loop.texts[1] == predict_output(tokens, 8)
    assert loop.model.n_images == 1


def test_two_images_may_follow_each_other() -> None:
    loop = EngineLoop()
    tokens, images = make_prompt(RED, BLUE)
    loop.add(1, tokens, images=images)
    loop.run()
    assert loop.texts[1] == predict_output(tokens, 8)
    assert loop.model.n_images == 2


def test_the_same_image_in_the_same_place_is_found_in_the_cache() -> None:
    loop = EngineLoop()
    for id in (1, 2):
        tokens, images = make_prompt(RED)
        loop.add(id, tokens, images=images)
        loop.run()
    assert loop.model.n_images == 1
    assert loop.usage(2).cached_tokens == len(tokens) - 1


def test_another_image_in_the_same_place_is_not_taken_from_the_cache() -> None:
    loop = EngineLoop()
    for id, image in enumerate((RED, BLUE, RED)):
        tokens, images = make_prompt(image)
        loop.add(id, tokens, images=images)
        loop.run()
        assert loop.texts[id] == predict_output(tokens, 8)


def test_a_completion_goes_first_and_the_interrupted_image_is_still_complete() -> None:
    loop = EngineLoop()
    tokens, images = make_prompt(RED)

    def interrupt(entries: Sequence[BatchEntry]) -> None:
        if entries[0].token == RED.ids[0] and not loop.texts[2]:
            loop.add(2, "complete", max_tokens=4, lane=Lane.COMPLETION)
            loop.model.interrupt_at = 9
            return
        loop.model.interrupt_at = None

    loop.model.before_decode = interrupt
    loop.add(1, tokens, images=images)
    loop.run()
    assert loop.finish_order == [2, 1]
    assert loop.texts[2] == predict_continuation("complete", 4)
    assert loop.texts[1] == predict_output(tokens, 8)


def test_other_generations_go_on_beside_an_image() -> None:
    loop = EngineLoop()
    loop.add(1, "first chat", max_tokens=20)
    loop.run(max_steps=5)
    tokens, images = make_prompt(RED)
    loop.add(2, tokens, images=images)
    loop.run()
    assert loop.texts[1] == predict_continuation("first chat", 20)
    assert loop.texts[2] == predict_output(tokens, 8)


def test_an_image_waits_until_there_is_room_for_it() -> None:
    loop = EngineLoop(n_ctx=120)
    loop.add(1, "c" * 60, max_tokens=4)
    loop.run()
    tokens, images = make_prompt(RED, BLUE)
    loop.add(2, tokens, images=images)
    loop.run()
    assert loop.texts[2] == predict_output(tokens, 8)


def test_a_prompt_that_ends_with_an_image_is_refused() -> None:
    loop = EngineLoop()
    with pytest.raises(InvalidRequest, match="ends with an image"):
        loop.add(1, [*BEFORE, *RED.ids], images={len(BEFORE): RED})
