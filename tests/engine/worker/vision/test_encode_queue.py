"""Requests whose images are encoded in a thread of their own."""

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


def make_image(*ids: int) -> ImageTokens:
    return ImageTokens(list(ids), len(ids), None, np.zeros(len(ids), np.float32))


def make_chunks(*ids: int) -> ImageChunks:
    return [[OPENS], make_image(*ids), [CLOSES]]


class GatedEncoder:
    """Encodes an image as its bytes, each 300 higher, once `may_encode` is set."""

    def __init__(self) -> None:
        self.may_encode = threading.Event()
        self.has_started = threading.Event()
        self.is_cancelled = threading.Event()

    def encode(self, file: bytes, should_continue: Callable[[], bool]) -> ImageChunks:
        self.has_started.set()
        self.may_encode.wait(10)
        if not should_continue():
            self.is_cancelled.set()
            raise EncodingCancelled
        if file == b"gone":
            raise FileNotFoundError("the projector is gone")
        if file == b"broken":
            raise InvalidRequest("an image cannot be read")
        return make_chunks(*(300 + byte for byte in file))


def make_command(id: int, *images: bytes) -> Generate:
    return Generate(id, GenerateRequest([1, -1, 2], 5, images=list(images)))


def test_each_image_reference_in_a_prompt_becomes_the_image_it_refers_to() -> None:
    tokens, images = expand_images([1, -2, 2, -1, 3], [make_chunks(300, 301), make_chunks(400)])
    assert tokens == [1, OPENS, 400, CLOSES, 2, OPENS, 300, 301, CLOSES, 3]
    assert {start: image.ids for start, image in images.items()} == {2: [400], 6: [300, 301]}


def test_a_prompt_cannot_refer_to_an_image_that_was_not_sent() -> None:
    with pytest.raises(InvalidRequest, match="image 2 of 1"):
        expand_images([-2, 1], [make_chunks(300)])


@pytest.fixture
def encoder() -> GatedEncoder:
    return GatedEncoder()


def test_a_request_is_delivered_when_its_images_are_encoded(encoder: GatedEncoder) -> None:
    delivered: queue.Queue[EncodedRequest] = queue.Queue()
    encode_queue = ImageEncodeQueue(encoder, delivered.put)
    encode_queue.add(make_command(1, b"ab"))
    encoder.may_encode.set()

    encoded = delivered.get(timeout=30)

    assert encode_queue.claim(encoded)
    assert encoded.command.request.prompt == [1, OPENS, 397, 398, CLOSES, 2]
    assert encoded.command.request.images == []
    assert list(encoded.images) == [2]


def test_an_image_that_cannot_be_read_is_delivered_as_the_error(encoder: GatedEncoder) -> None:
    delivered: queue.Queue[EncodedRequest] = queue.Queue()
    encode_queue = ImageEncodeQueue(encoder, delivered.put)
    encoder.may_encode.set()
    encode_queue.add(make_command(1, b"broken"))
    assert str(delivered.get(timeout=30).error) == "an image cannot be read"


def test_after_an_unexpected_error_the_next_request_is_encoded(encoder: GatedEncoder) -> None:
    delivered: queue.Queue[EncodedRequest] = queue.Queue()
    encode_queue = ImageEncodeQueue(encoder, delivered.put)
    encoder.may_encode.set()
    encode_queue.add(make_command(1, b"gone"))
    encode_queue.add(make_command(2, b"a"))
    errors = [delivered.get(timeout=30).error for _ in range(2)]
    assert str(errors[0]) == "an image cannot be encoded: the projector is gone"
    assert errors[1] is None


def test_a_cancelled_request_is_dropped_and_the_next_one_is_encoded(encoder: GatedEncoder) -> None:
    delivered: queue.Queue[EncodedRequest] = queue.Queue()
    encode_queue = ImageEncodeQueue(encoder, delivered.put)
    encode_queue.add(make_command(1, b"a"))
    assert encoder.has_started.wait(10)
    encode_queue.cancel(1)
    encode_queue.add(make_command(2, b"b"))
    encoder.may_encode.set()

    encoded = delivered.get(timeout=30)

    assert encoder.is_cancelled.is_set()
    assert encoded.command.id == 2
    assert encode_queue.claim(encoded)


def test_a_request_that_is_cancelled_after_its_delivery_cannot_be_claimed(
    encoder: GatedEncoder,
) -> None:
    delivered: queue.Queue[EncodedRequest] = queue.Queue()
    encode_queue = ImageEncodeQueue(encoder, delivered.put)
    encoder.may_encode.set()
    encode_queue.add(make_command(1, b"a"))
    encoded = delivered.get(timeout=30)
    encode_queue.cancel(1)
    assert not encode_queue.claim(encoded)


def test_a_model_without_a_projector_refuses_images() -> None:
    encode_queue = ImageEncodeQueue(None, lambda encoded: None)
    with pytest.raises(InvalidRequest, match="does not support images"):
        encode_queue.add(make_command(1, b"a"))
