import random

import pytest

from copilotd.lsp.positions import Encoding, count_code_points, count_units

ALPHABET = ["a", "é", "語", "😀", "\t", "\x0c", "\u2028", "\n", "\r\n", "\r"]


def random_texts() -> list[str]:
    rng = random.Random(20)
    return ["", *("".join(rng.choices(ALPHABET, k=rng.randint(1, 40))) for _ in range(300))]


@pytest.mark.parametrize("encoding", Encoding)
def test_units_and_code_points_are_inverse(encoding: Encoding) -> None:
    for text in random_texts():
        for length in range(len(text) + 1):
            count = count_units(text[:length], encoding)
            assert count_code_points(text, count, encoding) == length
