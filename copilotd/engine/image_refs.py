"""References to images in a prompt of token ids.

A negative number marks the place of the image `index` of `GenerateRequest.images`; no token has a
negative id. Only the functions here make and read such numbers.
"""


def encode_image_ref(index: int) -> int:
    """Return the number that marks the place of the image `index`."""
    return -1 - index


def decode_image_ref(id: int) -> int | None:
    """Return the index of the image whose place `id` marks; None if `id` is a token's."""
    return -1 - id if id < 0 else None
