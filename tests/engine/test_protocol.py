import pytest

from copilotd.engine.protocol import Detokenize, Generate, Tokenize, encode_command
from copilotd.engine.types import GenerateRequest, Sampling
from copilotd.errors import InvalidRequest


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Detokenize(1, [2**70]), "a number in the request has more than 64 bits"),
        (
            Generate(1, GenerateRequest([1], 1, Sampling(seed=-(2**70)))),
            "a number in the request has more than 64 bits",
        ),
        (Tokenize(1, "a\ud800", False), "a text in the request has half a surrogate pair"),
    ],
)
def test_a_value_that_the_pipe_cannot_carry_is_an_invalid_request(
    command: Tokenize | Detokenize | Generate, message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode_command(command)

    assert caught.value.message == message
