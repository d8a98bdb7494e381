"""Image files are decoded to pixels."""

from io import BytesIO

import pytest
from PIL import Image

from copilotd.engine.worker.vision.pixels import MAX_ENCODED_PIXELS, Pixels, decode_pixels
from copilotd.errors import InvalidRequest

RED = (255, 0, 0)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_each_format_is_decoded_exactly(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert decode_pixels(encode(Image.new("RGB", (3, 2), RED), kind, **options)) == Pixels(
        3, 2, bytes(RED) * 6
    )


def test_a_jpeg_is_decoded_approximately() -> None:
    decoded = decode_pixels(encode(Image.new("RGB", (16, 16), RED), "JPEG"))
    assert (decoded.width, decoded.height) == (16, 16)
    assert decoded.rgb[0] > 240
    assert decoded.rgb[1] < 15


def test_transparent_pixels_become_white() -> None:
    assert (
        decode_pixels(encode(Image.new("RGBA", (1, 1), (0, 0, 0, 0)), "PNG")).rgb == b"\xff\xff\xff"
    )


def test_a_photo_that_was_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode_pixels(encode(Image.new("RGB", (4, 2), RED), "JPEG", exif=exif))
    assert (decoded.width, decoded.height) == (2, 4)


def test_a_large_image_is_scaled_down_in_proportion() -> None:
    decoded = decode_pixels(encode(Image.new("RGB", (4000, 1000), RED), "PNG"))
    assert decoded.width * decoded.height <= MAX_ENCODED_PIXELS
    assert decoded.width / decoded.height == pytest.approx(4, rel=0.01)
    assert len(decoded.rgb) == decoded.width * decoded.height * 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "its format is not known"),
        (b"\x89PNG\r\n\x1a\n", "its format is not known"),
        (encode(Image.new("RGB", (64, 64), RED), "PNG")[:-40], "truncated"),
        (encode(Image.new("RGB", (64, 64), RED), "TIFF"), "its format is not known"),
    ],
)
def test_a_file_that_is_no_image_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        decode_pixels(content)


def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("copilotd.engine.worker.vision.pixels.MAX_FILE_PIXELS", 100)
    with pytest.raises(InvalidRequest, match="it has 11 x 10 pixels; at most 100 can be read"):
        decode_pixels(encode(Image.new("RGB", (11, 10), RED), "PNG"))
