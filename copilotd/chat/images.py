"""The images of a conversation: whether the model accepts them, and where they come from."""

from collections.abc import Sequence
from dataclasses import replace

import httpx2

from copilotd.config import ChatSection
from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import Image, Message, SystemMessage, UserMessage, list_images

MAX_IMAGES = 16
"""Images in one conversation."""
MAX_IMAGE_BYTES = 20_000_000
"""Size of one image file."""
_FETCH_TIMEOUT_S = 20.0
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")
"""The first bytes of PNG, JPEG, GIF, BMP and WebP files."""


async def load_images(
    messages: tuple[Message, ...], info: ModelInfo, settings: ChatSection
) -> tuple[Message, ...]:
    """Return the conversation with the file of each of its images.

    Raises:
        InvalidRequest: the model does not accept images, there are too many, a file is not an
        image, or an image has a URL and the settings do not allow fetching.

    """
    images = list_images(messages)
    if not images:
        return messages
    if not info.supports_images:
        raise InvalidRequest(
            f"{info.name} does not accept images",
            "Set chat.mmproj to the projector file (mmproj-*.gguf) of a model that does, and "
            "model.name or chat.model to that model.",
        )
    if len(images) > MAX_IMAGES:
        raise InvalidRequest(f"there are {len(images)} images; the limit is {MAX_IMAGES}")
    return tuple([await _load_message(message, settings) for message in messages])


def list_image_files(messages: Sequence[Message]) -> list[bytes]:
    """Return the files of all images, in order."""
    return [image.file for image in list_images(messages)]


async def _load_message(message: Message, settings: ChatSection) -> Message:
    if not isinstance(message, SystemMessage | UserMessage):
        return message
    return replace(
        message, images=tuple([await _load_image(image, settings) for image in message.images])
    )


async def _load_image(image: Image, settings: ChatSection) -> Image:
    if image.url and not settings.fetch_images:
        raise InvalidRequest(
            f"the image {image.url[:80]} is a URL, and copilotd does not fetch images",
            "Send it as a data: URL, or set chat.fetch_images to true.",
        )
    file = await _fetch(image.url) if image.url else image.file
    if len(file) > MAX_IMAGE_BYTES:
        raise InvalidRequest(f"an image has more than {MAX_IMAGE_BYTES // 10**6} MB")
    if not file.startswith(_SIGNATURES):
        raise InvalidRequest(
            "a file is not an image that copilotd can read",
            "Send a PNG, JPEG, GIF, BMP or WebP file.",
        )
    return Image(file)


async def _fetch(url: str) -> bytes:
    timeout = httpx2.Timeout(_FETCH_TIMEOUT_S)
    data = b""
    try:
        async with (
            httpx2.AsyncClient(timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > MAX_IMAGE_BYTES:
                    break
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise InvalidRequest(f"the image {url[:80]} cannot be fetched: {error}") from error
    return data
