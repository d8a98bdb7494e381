"""A queue for requests with images: they wait until a separate thread has encoded the images.

Encoding takes seconds. Meanwhile the main thread goes on with completions, which come first.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from copilotd.engine.protocol import Generate
from copilotd.engine.worker.vision.image_tokens import EncodingCancelled, ImageChunks, ImageTokens
from copilotd.errors import EngineError, InvalidRequest

_NICE = 10


class Encoder(Protocol):
    """Turns an image file into the tokens that represent it in a prompt."""

    def encode(self, file: bytes, should_continue: Callable[[], bool]) -> ImageChunks:
        """As `ImageEncoder.encode`."""
        ...


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """A request whose prompt has the ids of its images; `images` is by the index of the first id.

    `error` is set instead if an image cannot be encoded.
    """

    command: Generate
    images: Mapping[int, ImageTokens]
    error: EngineError | None = None


class ImageEncodeQueue:
    """Passes each request to `deliver` once its images are encoded.

    `encoder` is None for a model without a projector. `deliver` is called in the queue's thread.
    """

    def __init__(self, encoder: Encoder | None, deliver: Callable[[EncodedRequest], None]) -> None:
        self._encoder = encoder
        self._deliver = deliver
        self._queue: queue.SimpleQueue[Generate] = queue.SimpleQueue()
        self._pending: set[int] = set()
        self._thread: threading.Thread | None = None

    def add(self, command: Generate) -> None:
        """Queue a request with images. Raises: InvalidRequest if the model takes no images."""
        if self._encoder is None:
            raise InvalidRequest(
                "the model does not support images", "Set chat.mmproj to its projector."
            )
        self._pending.add(command.id)
        self._queue.put(command)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._encoder,), daemon=True)
            self._thread.start()

    def cancel(self, id: int) -> None:
        """Drop the request with this id; others are not affected."""
        self._pending.discard(id)

    def claim(self, encoded: EncodedRequest) -> bool:
        """Take over a delivered request; False if it was cancelled meanwhile."""
        is_pending = encoded.command.id in self._pending
        self._pending.discard(encoded.command.id)
        return is_pending

    def _run(self, encoder: Encoder) -> None:
        _lower_priority()
        while True:
            command = self._queue.get()
            try:
                self._deliver(self._encode(command, encoder))
            except EncodingCancelled:
                continue

    def _encode(self, command: Generate, encoder: Encoder) -> EncodedRequest:
        def is_pending() -> bool:
            return command.id in self._pending

        if not is_pending():
            raise EncodingCancelled
        try:
            images = [encoder.encode(file, is_pending) for file in command.request.images]
            prompt, tokens = expand_images(command.request.prompt, images)
        except EncodingCancelled:
            raise
        except EngineError as error:
            return EncodedRequest(command, {}, error)
        except Exception as error:  # a fault barrier: later requests must not wait for ever
            return EncodedRequest(command, {}, EngineError(f"an image cannot be encoded: {error}"))
        request = replace(command.request, prompt=prompt, images=[])
        return EncodedRequest(Generate(command.id, request), tokens)


def _lower_priority() -> None:
    """Lower the priority of this thread and of the threads that the encoder starts from it."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def expand_images(
    prompt: Sequence[int], images: Sequence[ImageChunks]
) -> tuple[list[int], dict[int, ImageTokens]]:
    """Replace each image reference in the prompt by the image's ids.

    Returns the prompt, and the image tokens by the index of their first id.

    Raises:
        InvalidRequest: the prompt refers to an image that does not exist.
    """
    tokens: list[int] = []
    image_tokens: dict[int, ImageTokens] = {}
    for token in prompt:
        if token >= 0:
            tokens.append(token)
            continue
        if -1 - token >= len(images):
            raise InvalidRequest(f"the prompt refers to image {-token} of {len(images)}")
        for chunk in images[-1 - token]:
            if isinstance(chunk, ImageTokens):
                image_tokens[len(tokens)] = chunk
                tokens += chunk.ids
            else:
                tokens += chunk
    return tokens, image_tokens
