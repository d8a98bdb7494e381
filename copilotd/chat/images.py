"""The images of a conversation: whether the model may see them, and where they come from."""

from collections.abc import Sequence
from dataclasses import replace

import httpx2

from copilotd.config import ChatSection
from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import Image, Message

MOST = 16
"""Images in one conversation."""
MOST_BYTES = 20_000_000
"""Of one image's file."""
_FETCHED_WITHIN_S = 20.0
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")
"""Of PNG, JPEG, GIF, BMP and WebP."""


async def shown(
    messages: tuple[Message, ...], info: ModelInfo, settings: ChatSection
) -> tuple[Message, ...]:
    """The same conversation with the file of each of its images.

    Raises:
        InvalidRequest: the model sees no images, there are too many, one is none, or it is
            elsewhere and may not be fetched.
    """
    images = [image for message in messages for image in message.images]
    if not images:
        return messages
    if not info.sees:
        raise InvalidRequest(
            f"{info.name} sees no images",
            "Set chat.mmproj to the projector file (mmproj-*.gguf) of a model that does, and "
            "model.name or chat.model to that model.",
        )
    if len(images) > MOST:
        raise InvalidRequest(f"there are {len(images)} images, and {MOST} are the most")
    return tuple([await _with_files(message, settings) for message in messages])


def files(messages: Sequence[Message]) -> list[bytes]:
    """The images' files, in their order."""
    return [image.file for message in messages for image in message.images]


async def _with_files(message: Message, settings: ChatSection) -> Message:
    return replace(message, images=tuple([await _file(i, settings) for i in message.images]))


async def _file(image: Image, settings: ChatSection) -> Image:
    if image.url and not settings.fetch_images:
        raise InvalidRequest(
            f"the image {image.url[:80]} is elsewhere, and nothing is fetched",
            "Send it as a data: URL, or set chat.fetch_images to true.",
        )
    file = await _fetched(image.url) if image.url else image.file
    if len(file) > MOST_BYTES:
        raise InvalidRequest(f"an image has more than {MOST_BYTES // 10**6} MB")
    if not file.startswith(_BEGINNINGS):
        raise InvalidRequest("an image is none", "Send a PNG, JPEG, GIF, BMP or WebP file.")
    return Image(file)


async def _fetched(url: str) -> bytes:
    timeout = httpx2.Timeout(_FETCHED_WITHIN_S)
    found = b""
    try:
        async with (
            httpx2.AsyncClient(timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            async for piece in response.aiter_bytes():
                found += piece
                if len(found) > MOST_BYTES:
                    break
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise InvalidRequest(f"the image {url[:80]} cannot be fetched: {error}") from error
    return found
