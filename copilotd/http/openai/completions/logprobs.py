"""Log probabilities in the shape of OpenAI's completions endpoint."""

import codecs
from collections.abc import Sequence

from copilotd.engine.types import TokenLogprob
from copilotd.http.openai.completions.schema import Logprobs
from copilotd.http.shared.usage import decode_token


class LogprobWriter:
    """Builds the table of one choice's tokens, piece by piece, and counts their text offsets.

    `offset` is the offset of the first token. A token that is only part of a character has the
    offset of the whole character.
    """

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def build_table(self, tokens: Sequence[TokenLogprob]) -> Logprobs:
        """The next tokens as a table."""
        return Logprobs(
            tokens=[_write_name(t.text) for t in tokens],
            token_logprobs=[t.logprob for t in tokens],
            top_logprobs=[_list_alternatives(t) for t in tokens],
            text_offset=[self._next_offset(t.text) for t in tokens],
        )

    def _next_offset(self, data: bytes) -> int:
        offset = self._offset
        self._offset += len(self._decoder.decode(data))
        return offset


def _list_alternatives(token: TokenLogprob) -> dict[str, float] | None:
    if token.logprob is None:
        return None
    best = {_write_name(candidate.text): candidate.logprob for candidate in token.top}
    return {**best, _write_name(token.text): token.logprob}


def _write_name(data: bytes) -> str:
    r"""The token's text, or `bytes:\xNN`, as OpenAI writes bytes that are not whole characters."""
    text = decode_token(data)
    return text if text.encode() == data else f"bytes:{text}"
