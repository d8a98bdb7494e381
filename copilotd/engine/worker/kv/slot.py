"""A slot of the KV cache, and a search for the tokens that a prompt can reuse."""

from dataclasses import dataclass, field

from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.worker.kv.memory_tier import ALL_TOKENS


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence id of the context. `tokens[i]` is evaluated at position i, in cell `cells[i]`.

    The pool assigns the cell numbers; they only say which cells two slots share. `is_suspended`
    says that the request will come back for all of its tokens. The first `exact_length` tokens have
    the cells of a fresh evaluation; later cells may differ, because some were repositioned
    (`reposition.py`). No request has needed the tokens of a slot that `is_read_ahead`.
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    is_busy: bool = False
    is_suspended: bool = False
    last_used: int = 0
    exact_length: int = ALL_TOKENS
    is_read_ahead: bool = False

    def can_truncate(self, shared: int, keep_source: bool) -> bool:
        """Whether a request may take over this slot and lose its tokens beyond `shared`.

        That is right for a document that is being typed, and wrong for a conversation that shares
        only its beginning.
        """
        if shared == len(self.tokens):
            return True
        return not keep_source and not self.is_suspended and 2 * shared >= len(self.tokens)


@dataclass(frozen=True, slots=True)
class PrefixQuery:
    """A search for cached tokens of `prompt`, exact ones up to token `approximate_from`."""

    prompt: list[int]
    approximate_from: int

    def match_length(self, tokens: list[int], exact_length: int) -> int:
        """Count the leading `tokens` that match; the last token of the prompt never counts."""
        shared = max(0, min(common_prefix_length(tokens, self.prompt), len(self.prompt) - 1))
        return shared if exact_length >= self.approximate_from else min(shared, exact_length)
