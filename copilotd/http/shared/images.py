"""Images in requests, as the dialects send them."""

import base64
import binascii
from typing import Any

from pydantic_core import PydanticCustomError

from copilotd.prompt.messages import Image


def parse_image_url(url: Any) -> Image:
    """The image of a data: URL, or a reference to one at an http(s) URL.

    Raises:
        PydanticCustomError: it is neither.
    """
    if not isinstance(url, str):
        raise PydanticCustomError("image", "has an image without a URL")
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        if not head.endswith(";base64"):
            raise PydanticCustomError("image", "has a data: URL that is not in base64")
        return parse_image_base64(data)
    if url.startswith(("https://", "http://")):
        return Image(url=url)
    raise PydanticCustomError("image", "accepts images as data:, https: or http: URLs only")


def parse_image_base64(data: Any) -> Image:
    """The image whose file is `data` in base64.

    Raises:
        PydanticCustomError: it is not base64.
    """
    if not isinstance(data, str):
        raise PydanticCustomError("image", "has an image without its data")
    try:
        return Image(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise PydanticCustomError("image", "has an image that is not in base64") from None
