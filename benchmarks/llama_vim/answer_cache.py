"""llama.vim's cache of answers, in which text typed along one is found again."""

from benchmarks.llama_vim.infill import Context, Reply

ENTRIES = 250
TYPED_ALONG = 128


class AnswerCache:
    """The newest answers by what they were asked for."""

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}

    def has(self, here: Context) -> bool:
        """Whether there is no need to ask for `here`."""
        return any(key in self._replies for key in here.keys())

    def remember(self, here: Context, reply: Reply) -> None:
        """Keep an answer; the oldest makes room."""
        for key in here.keys():
            self._replies.pop(key, None)
            self._replies[key] = reply
        while len(self._replies) > ENTRIES:
            del self._replies[next(iter(self._replies))]

    def find(self, here: Context) -> tuple[str, Reply] | None:
        """What to show for `here`, and the answer that it is from."""
        exact = self._replies.get(here.key)
        return (exact.content, exact) if exact else self._find_typed_along(here)

    def _find_typed_along(self, here: Context) -> tuple[str, Reply] | None:
        """The longest rest of an answer whose beginning was typed since."""
        before = here.prefix + here.middle
        rests = []
        for typed in range(1, min(TYPED_ALONG, len(before) - 1) + 1):
            reply = self._replies.get(Context(before[:-typed], "", here.suffix, 0).key)
            if reply and reply.content.startswith(before[-typed:]):
                rests.append((reply.content[typed:], reply))
        return max(rests, key=lambda found: len(found[0]), default=None)
