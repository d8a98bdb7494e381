"""Continues an unfinished word at the end of a prompt without control over the sampled tokens.

The local engine heals the word: it allows only tokens that continue it. Here the prompt ends before
the word, where a token ends as well, and the word is removed from the start of the output. If the
model writes another word, the output is useless: `PrefixMismatch` is raised before anything was
yielded, and the caller repeats the request with the word in the prompt.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from copilotd.engine.types import Chunk, Finished

_LAST_WORD = re.compile(r"(?: ?\w{1,48}|[ \t]{1,48}|[^\w\s]{1,16})\Z")
"""Characters that tokenizers keep together: a word with its leading space, indentation,
operators."""


class PrefixMismatch(Exception):
    """The output does not begin with the expected prefix."""


def split_partial_word(tail: str) -> tuple[str, str]:
    """Split `tail` into the text before its last word, and that word."""
    match = _LAST_WORD.search(tail)
    start = match.start() if match else len(tail)
    return tail[:start], tail[start:]


async def remove_prefix(
    events: AsyncGenerator[Chunk | Finished, None], prefix: str
) -> AsyncGenerator[Chunk | Finished, None]:
    """The output without the `prefix` that it must begin with. Raises: PrefixMismatch."""
    output = ""
    async with aclosing(events):
        async for event in events:
            if not prefix:
                yield event
            elif isinstance(event, Finished):
                raise PrefixMismatch
            else:
                output += event.text
                if len(output) >= len(prefix) and output.startswith(prefix):
                    yield replace(event, text=output[len(prefix) :])
                    prefix = ""
                elif not prefix.startswith(output):
                    raise PrefixMismatch
