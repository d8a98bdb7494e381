"""Decodes image files to pixels.

Pillow decodes them, because llama.cpp's own decoder trusts the image size in a file's header.
"""

from dataclasses import dataclass
from io import BytesIO

from copilotd.errors import EngineError, InvalidRequest

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MAX_FILE_PIXELS = 50_000_000
"""The most pixels of a file that is decoded at all: 150 MB of memory."""
MAX_ENCODED_PIXELS = 1024 * 1024
"""A larger image is scaled down: every 28 x 28 pixels can cost a token, and models use no more."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """`rgb` has three bytes per pixel, row by row from the top."""

    width: int
    height: int
    rgb: bytes


def decode_pixels(file: bytes) -> Pixels:
    """Decode an image: upright, on white, and with at most MAX_ENCODED_PIXELS pixels.

    Raises:
        InvalidRequest: the file is no image, has another format, is damaged or too large.
        EngineError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ModuleNotFoundError as error:
        raise EngineError(
            "Pillow, which reads images, is not installed",
            "pip install 'copilotd[vision]', then `copilotd restart`.",
        ) from error
    try:
        with Image.open(BytesIO(file), formats=FORMATS) as opened:
            _check_size(opened.width, opened.height)
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidRequest(
            f"an image cannot be read: {_reason(error)}", f"Send one of {', '.join(FORMATS)}."
        ) from error
    background = Image.new("RGBA", image.size, "white")
    opaque = Image.alpha_composite(background, image).convert("RGB")
    scale = (MAX_ENCODED_PIXELS / (opaque.width * opaque.height)) ** 0.5
    if scale < 1:
        width, height = int(opaque.width * scale), int(opaque.height * scale)
        opaque = opaque.resize((max(1, width), max(1, height)))
    return Pixels(opaque.width, opaque.height, opaque.tobytes())


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_FILE_PIXELS:
        raise ValueError(
            f"it has {width} x {height} pixels; at most {MAX_FILE_PIXELS:,} can be read"
        )


def _reason(error: Exception) -> str:
    # Pillow's own message names the address of its buffer.
    return "its format is not known" if "cannot identify" in str(error) else str(error)
