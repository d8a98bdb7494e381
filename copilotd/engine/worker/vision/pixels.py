"""Image files as pixels.

Pillow reads them, since llama.cpp's own reader trusts what a header says of an image's size.
"""

from dataclasses import dataclass
from io import BytesIO

from copilotd.errors import EngineError, InvalidRequest

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MOST_PIXELS = 50_000_000
"""Of a file that is read at all: 150 MB of memory."""
SEEN_PIXELS = 1024 * 1024
"""A larger image is made smaller: every 28 x 28 pixels can cost a token, and models see no more."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """`rgb` has three bytes per pixel, row by row from the top."""

    width: int
    height: int
    rgb: bytes


def pixels(file: bytes) -> Pixels:
    """What an image file shows, upright, without transparency, and no larger than is seen.

    Raises:
        InvalidRequest: it is no image, of another format, damaged or too large.
        EngineError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ModuleNotFoundError as error:
        raise EngineError(
            "images are read by Pillow, which is not installed",
            "pip install 'copilotd[vision]', then `copilotd restart`.",
        ) from error
    try:
        with Image.open(BytesIO(file), formats=FORMATS) as opened:
            _check(opened.width, opened.height)
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidRequest(
            f"an image cannot be read: {_reason(error)}", f"Send one of {', '.join(FORMATS)}."
        ) from error
    paper = Image.new("RGBA", image.size, "white")
    seen = Image.alpha_composite(paper, image).convert("RGB")
    scale = (SEEN_PIXELS / (seen.width * seen.height)) ** 0.5
    if scale < 1:
        seen = seen.resize((max(1, int(seen.width * scale)), max(1, int(seen.height * scale))))
    return Pixels(seen.width, seen.height, seen.tobytes())


def _check(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ValueError(f"it has {width} x {height} pixels, and {MOST_PIXELS:,} are the most")


def _reason(error: Exception) -> str:
    # Pillow shows the address of its buffer.
    return "its format is not known" if "cannot identify" in str(error) else str(error)
