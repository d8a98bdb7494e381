"""Image files as pixels."""

from io import BytesIO

import pytest
from PIL import Image

from copilotd.engine.worker.vision.pixels import MAX_ENCODED_PIXELS, Pixels, decode_pixels
from copilotd.errors import InvalidRequest

RED = (255, 0, 0)


def file(image: Image.Image, kind: str, **options: object) -> bytes:
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_each_format_gives_its_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert decode_pixels(file(Image.new("RGB", (3, 2), RED), kind, **options)) == Pixels(
        3, 2, bytes(RED) * 6
    )


def test_a_jpeg_gives_nearly_its_pixels() -> None:
    seen = decode_pixels(file(Image.new("RGB", (16, 16), RED), "JPEG"))
    assert (seen.width, seen.height) == (16, 16)
    assert seen.rgb[0] > 240
    assert seen.rgb[1] < 15


def test_what_is_transparent_is_white() -> None:
    assert (
        decode_pixels(file(Image.new("RGBA", (1, 1), (0, 0, 0, 0)), "PNG")).rgb == b"\xff\xff\xff"
    )


def test_a_photograph_that_was_taken_sideways_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    seen = decode_pixels(file(Image.new("RGB", (4, 2), RED), "JPEG", exif=exif))
    assert (seen.width, seen.height) == (2, 4)


def test_a_large_image_is_seen_smaller_in_its_own_shape() -> None:
    seen = decode_pixels(file(Image.new("RGB", (4000, 1000), RED), "PNG"))
    assert seen.width * seen.height <= MAX_ENCODED_PIXELS
    assert seen.width / seen.height == pytest.approx(4, rel=0.01)
    assert len(seen.rgb) == seen.width * seen.height * 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "its format is not known"),
        (b"\x89PNG\r\n\x1a\n", "its format is not known"),
        (file(Image.new("RGB", (64, 64), RED), "PNG")[:-40], "truncated"),
        (file(Image.new("RGB", (64, 64), RED), "TIFF"), "its format is not known"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        decode_pixels(content)


def test_a_file_that_would_fill_the_memory_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("copilotd.engine.worker.vision.pixels.MAX_FILE_PIXELS", 100)
    with pytest.raises(InvalidRequest, match="it has 11 x 10 pixels; at most 100 can be read"):
        decode_pixels(file(Image.new("RGB", (11, 10), RED), "PNG"))
