"""A word that is not finished at the end of a prompt, without a hand in the choice of tokens.

The local engine heals it: of all tokens it allows those alone that go on with the word. Here the
prompt ends before the word, where tokens end as well, and of what the model writes the word is
taken away again. A model that writes another word is no use: then `PrefixMismatch` is raised, before
anything was given out, and the caller asks again with the word in the prompt.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from copilotd.engine.types import Chunk, Finished

_LAST_WORD = re.compile(r"(?: ?\w{1,48}|[ \t]{1,48}|[^\w\s]{1,16})\Z")
"""What tokenisers keep together: a word with the space before it, an indentation, operators."""


class PrefixMismatch(Exception):
    """The model writes something else than what stands there."""


def split(tail: str) -> tuple[str, str]:
    """The text down to a safe place, and the rest that the output has to begin with."""
    match = _LAST_WORD.search(tail)
    at = match.start() if match else len(tail)
    return tail[:at], tail[at:]


async def beyond(
    events: AsyncGenerator[Chunk | Finished, None], rest: str
) -> AsyncGenerator[Chunk | Finished, None]:
    """The output without `rest`, with which it begins. Raises: PrefixMismatch."""
    written = ""
    async with aclosing(events):
        async for event in events:
            if not rest:
                yield event
            elif isinstance(event, Finished):
                raise PrefixMismatch
            else:
                written += event.text
                if len(written) >= len(rest) and written.startswith(rest):
                    yield replace(event, text=written[len(rest) :])
                    rest = ""
                elif not rest.startswith(written):
                    raise PrefixMismatch
