"""Log probabilities in the shape of OpenAI's completions endpoint."""

import codecs
from collections.abc import Sequence

from copilotd.engine.types import TokenLogprob
from copilotd.http.openai.completions.schema import Logprobs
from copilotd.http.openai.convert import token_text


class LogprobWriter:
    """Tabulates the tokens of one choice, piece by piece; it remembers where the text stands.

    `offset` is where the first token begins. A token that is only a part of a character begins
    where the character does.
    """

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def table(self, tokens: Sequence[TokenLogprob]) -> Logprobs:
        """The next tokens as a table."""
        return Logprobs(
            tokens=[_name(t.text) for t in tokens],
            token_logprobs=[t.logprob for t in tokens],
            top_logprobs=[_alternatives(t) for t in tokens],
            text_offset=[self._begin(t.text) for t in tokens],
        )

    def _begin(self, data: bytes) -> int:
        begin = self._offset
        self._offset += len(self._decoder.decode(data))
        return begin


def _alternatives(token: TokenLogprob) -> dict[str, float] | None:
    if token.logprob is None:
        return None
    best = {_name(candidate.text): candidate.logprob for candidate in token.top}
    return {**best, _name(token.text): token.logprob}


def _name(data: bytes) -> str:
    r"""The token's text, or `bytes:\xNN` as OpenAI writes what is no text by itself."""
    text = token_text(data)
    return text if text.encode() == data else f"bytes:{text}"
