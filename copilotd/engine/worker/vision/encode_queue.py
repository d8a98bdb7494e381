"""Requests with images wait here until their images are pictures, in a thread of its own.

An encoder takes seconds, and meanwhile the main thread goes on completing, which goes first.
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
from copilotd.engine.worker.vision.image_tokens import GivenUp, Picture, View
from copilotd.errors import EngineError, InvalidRequest

_NICE = 10


class Viewer(Protocol):
    """Who turns an image into what stands for it in a prompt."""

    def view(self, file: bytes, is_wanted: Callable[[], bool]) -> View:
        """As `Vision.view`."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A request whose prompt has its pictures' ids; `pictures` by the index of their first one.

    `error` is set instead if an image cannot be seen.
    """

    command: Generate
    pictures: Mapping[int, Picture]
    error: EngineError | None = None


class Darkroom:
    """Hands each request over once its pictures are made; `vision` is None if none can be made."""

    def __init__(self, vision: Viewer | None, hand_over: Callable[[Seen], None]) -> None:
        self._vision = vision
        self._hand_over = hand_over
        self._waiting: queue.SimpleQueue[Generate] = queue.SimpleQueue()
        self._wanted: set[int] = set()
        self._thread: threading.Thread | None = None

    def add(self, command: Generate) -> None:
        """Take a request with images. Raises: InvalidRequest if the model sees none."""
        if self._vision is None:
            raise InvalidRequest("the model sees no images", "Set chat.mmproj to its projector.")
        self._wanted.add(command.id)
        self._waiting.put(command)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._vision,), daemon=True)
            self._thread.start()

    def cancel(self, id: int) -> None:
        """Nobody waits for the request any more."""
        self._wanted.discard(id)

    def take(self, seen: Seen) -> bool:
        """Whether what was handed over is still wanted; it is with the caller from now on."""
        wanted = seen.command.id in self._wanted
        self._wanted.discard(seen.command.id)
        return wanted

    def _run(self, vision: Viewer) -> None:
        _step_back()
        while True:
            command = self._waiting.get()
            try:
                self._hand_over(self._developed(command, vision))
            except GivenUp:
                continue

    def _developed(self, command: Generate, vision: Viewer) -> Seen:
        def is_wanted() -> bool:
            return command.id in self._wanted

        if not is_wanted():
            raise GivenUp
        try:
            views = [vision.view(file, is_wanted) for file in command.request.images]
            prompt, pictures = laid_out(command.request.prompt, views)
        except GivenUp:
            raise
        except EngineError as error:
            return Seen(command, {}, error)
        except Exception as error:  # a fault barrier: whoever comes later is not to wait for ever
            return Seen(command, {}, EngineError(f"an image could not be looked at: {error}"))
        request = replace(command.request, prompt=prompt, images=[])
        return Seen(Generate(command.id, request), pictures)


def _step_back() -> None:
    """Let this thread, and those that the encoder starts from it, give way to the others."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def laid_out(prompt: Sequence[int], views: Sequence[View]) -> tuple[list[int], dict[int, Picture]]:
    """The prompt with what stands for each image, and its pictures by where they begin.

    Raises:
        InvalidRequest: it names an image that there is not.
    """
    tokens: list[int] = []
    pictures: dict[int, Picture] = {}
    for token in prompt:
        if token >= 0:
            tokens.append(token)
            continue
        if -1 - token >= len(views):
            raise InvalidRequest(f"the prompt shows image {-token} of {len(views)}")
        for part in views[-1 - token]:
            if isinstance(part, Picture):
                pictures[len(tokens)] = part
                tokens += part.ids
            else:
                tokens += part
    return tokens, pictures
