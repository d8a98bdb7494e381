"""llama.vim's cache of answers, which also finds an answer that the user is typing along."""

from benchmarks.llama_vim.infill import Context, Reply

ENTRIES = 250
TYPED_ALONG = 128


class AnswerCache:
    """The newest answers by their requests."""

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}

    def has(self, here: Context) -> bool:
        """Whether the answer for `here` is known."""
        return any(key in self._replies for key in here.keys())

    def remember(self, here: Context, reply: Reply) -> None:
        """Add an answer; the oldest one is dropped."""
        for key in here.keys():
            self._replies.pop(key, None)
            self._replies[key] = reply
        while len(self._replies) > ENTRIES:
            del self._replies[next(iter(self._replies))]

    def find(self, here: Context) -> tuple[str, Reply] | None:
        """The text to show for `here`, and the answer it comes from."""
        exact = self._replies.get(here.key)
        return (exact.content, exact) if exact else self._find_typed_along(here)

    def _find_typed_along(self, here: Context) -> tuple[str, Reply] | None:
        """The longest rest of an answer whose beginning is typed already."""
        before = here.prefix + here.middle
        rests = []
        for typed in range(1, min(TYPED_ALONG, len(before) - 1) + 1):
            reply = self._replies.get(Context(before[:-typed], "", here.suffix, 0).key)
            if reply and reply.content.startswith(before[-typed:]):
                rests.append((reply.content[typed:], reply))
        return max(rests, key=lambda rest: len(rest[0]), default=None)
