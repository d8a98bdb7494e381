"""Requests whose images are made into pictures."""

import queue
import threading
from collections.abc import Callable

import numpy as np
import pytest

from copilotd.engine.protocol import Generate
from copilotd.engine.types import GenerateRequest
from copilotd.engine.worker.vision.encode_queue import (
    EncodedRequest,
    ImageEncodeQueue,
    expand_images,
)
from copilotd.engine.worker.vision.image_tokens import EncodingCancelled, ImageChunks, ImageTokens
from copilotd.errors import InvalidRequest

OPENS, CLOSES = 7, 8


def picture(*ids: int) -> ImageTokens:
    return ImageTokens(list(ids), len(ids), None, np.zeros(len(ids), np.float32))


def view(*ids: int) -> ImageChunks:
    return [[OPENS], picture(*ids), [CLOSES]]


class SlowViewer:
    """Sees an image as its bytes, each 300 higher, once `light` is there."""

    def __init__(self) -> None:
        self.light = threading.Event()
        self.looks = threading.Event()
        self.given_up = threading.Event()

    def encode(self, file: bytes, is_wanted: Callable[[], bool]) -> ImageChunks:
        self.looks.set()
        self.light.wait(10)
        if not is_wanted():
            self.given_up.set()
            raise EncodingCancelled
        if file == b"gone":
            raise FileNotFoundError("the projector is gone")
        if file == b"broken":
            raise InvalidRequest("an image cannot be read")
        return view(*(300 + byte for byte in file))


def command(id: int, *images: bytes) -> Generate:
    return Generate(id, GenerateRequest([1, -1, 2], 5, images=list(images)))


def test_a_prompt_has_the_views_in_the_places_of_its_images() -> None:
    tokens, pictures = expand_images([1, -2, 2, -1, 3], [view(300, 301), view(400)])
    assert tokens == [1, OPENS, 400, CLOSES, 2, OPENS, 300, 301, CLOSES, 3]
    assert {start: one.ids for start, one in pictures.items()} == {2: [400], 6: [300, 301]}


def test_a_prompt_cannot_show_what_was_not_sent() -> None:
    with pytest.raises(InvalidRequest, match="image 2 of 1"):
        expand_images([-2, 1], [view(300)])


@pytest.fixture
def viewer() -> SlowViewer:
    return SlowViewer()


def test_a_request_is_handed_over_when_its_images_are_seen(viewer: SlowViewer) -> None:
    handed: queue.Queue[EncodedRequest] = queue.Queue()
    room = ImageEncodeQueue(viewer, handed.put)
    room.add(command(1, b"ab"))
    viewer.light.set()

    seen = handed.get(timeout=30)

    assert room.claim(seen)
    assert seen.command.request.prompt == [1, OPENS, 397, 398, CLOSES, 2]
    assert seen.command.request.images == []
    assert list(seen.images) == [2]


def test_an_image_that_cannot_be_read_comes_back_as_the_error(viewer: SlowViewer) -> None:
    handed: queue.Queue[EncodedRequest] = queue.Queue()
    room = ImageEncodeQueue(viewer, handed.put)
    viewer.light.set()
    room.add(command(1, b"broken"))
    assert str(handed.get(timeout=30).error) == "an image cannot be read"


def test_whatever_goes_wrong_the_next_request_is_seen(viewer: SlowViewer) -> None:
    handed: queue.Queue[EncodedRequest] = queue.Queue()
    room = ImageEncodeQueue(viewer, handed.put)
    viewer.light.set()
    room.add(command(1, b"gone"))
    room.add(command(2, b"a"))
    errors = [handed.get(timeout=30).error for _ in range(2)]
    assert str(errors[0]) == "an image cannot be encoded: the projector is gone"
    assert errors[1] is None


def test_a_cancelled_request_is_given_up_and_the_next_is_not(viewer: SlowViewer) -> None:
    handed: queue.Queue[EncodedRequest] = queue.Queue()
    room = ImageEncodeQueue(viewer, handed.put)
    room.add(command(1, b"a"))
    assert viewer.looks.wait(10)
    room.cancel(1)
    room.add(command(2, b"b"))
    viewer.light.set()

    seen = handed.get(timeout=30)

    assert viewer.given_up.is_set()
    assert seen.command.id == 2
    assert room.claim(seen)


def test_what_is_cancelled_after_it_was_handed_over_is_not_taken(viewer: SlowViewer) -> None:
    handed: queue.Queue[EncodedRequest] = queue.Queue()
    room = ImageEncodeQueue(viewer, handed.put)
    viewer.light.set()
    room.add(command(1, b"a"))
    seen = handed.get(timeout=30)
    room.cancel(1)
    assert not room.claim(seen)


def test_a_model_without_a_projector_takes_none() -> None:
    room = ImageEncodeQueue(None, lambda seen: None)
    with pytest.raises(InvalidRequest, match="does not support images"):
        room.add(command(1, b"a"))
