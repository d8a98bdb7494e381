"""The model's vocabulary: text to tokens and back, and what the special tokens are.

It only reads, so any thread may use it while another decodes a batch.
"""

import ctypes
from functools import cached_property
from typing import Any

from llama_cpp import llama_cpp as C

from copilotd.engine.worker.llama.token_bytes import Pieces
from copilotd.errors import EngineError, InvalidRequest
from copilotd.models.fim import FimTokens

_LONGEST_PIECE = 512


class Vocabulary:
    """Reads llama.cpp's vocabulary handle, which lives as long as its model."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self._pieces: dict[int, bytes] = {}
        self.size = int(C.llama_vocab_n_tokens(handle))
        self.bos = _id(C.llama_vocab_bos(handle))
        self.eos = _id(C.llama_vocab_eos(handle))
        self.add_bos = bool(C.llama_vocab_get_add_bos(handle))
        self.opens = [self.bos] if self.add_bos and self.bos is not None else []

    @cached_property
    def closes(self) -> list[int]:
        """What stands behind a whole text."""
        ends = (
            (C.llama_vocab_get_add_sep, C.llama_vocab_sep),
            (C.llama_vocab_get_add_eos, C.llama_vocab_eos),
        )
        return [int(token(self.handle)) for is_put, token in ends if is_put(self.handle)]

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """Every token after which a generation is over."""
        return frozenset(t for t in range(self.size) if C.llama_vocab_is_eog(self.handle, t))

    @cached_property
    def controls(self) -> list[str]:
        """The texts of all control tokens: what a prompt's text could be mistaken for."""
        ids = (t for t in range(self.size) if C.llama_vocab_is_control(self.handle, t))
        return [self._render(token, special=True).decode("utf-8", "replace") for token in ids]

    @cached_property
    def pieces(self) -> Pieces:
        """All tokens by their bytes."""
        return Pieces([self.piece(token) for token in range(self.size)])

    def prepare(self) -> None:
        """Look at every token, which takes a good part of a second with 150,000 of them."""
        _ = self.pieces, self.end_tokens, self.controls

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Token ids of `text`, without BOS; control tokens are read from it if `special`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        ids = (C.llama_token * room)()
        count = C.llama_tokenize(self.handle, data, len(data), ids, room, False, special)
        if count < 0:
            raise EngineError(f"tokenising needs {-count} tokens for {len(data)} bytes")
        return list(ids[:count])

    def piece(self, token: int) -> bytes:
        """The bytes that `token` adds to the output; none for a control token."""
        if token not in self._pieces:
            self._pieces[token] = self._render(token, special=False)
        return self._pieces[token]

    def check(self, tokens: list[int]) -> None:
        """Look before llama.cpp does, which ends the process at an id that it does not know.

        Raises:
            InvalidRequest: an id is outside the vocabulary.
        """
        if not all(0 <= token < self.size for token in tokens):
            raise InvalidRequest(f"a token id is outside the vocabulary (0 to {self.size - 1})")

    def text(self, tokens: list[int]) -> str:
        """The text of `tokens`, control tokens shown as their names.

        Raises:
            InvalidRequest: an id is outside the vocabulary.
        """
        return b"".join(self.rendered(tokens)).decode("utf-8", "replace")

    def rendered(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`, control tokens shown as their names.

        Raises:
            InvalidRequest: an id is outside the vocabulary.
        """
        self.check(tokens)
        return [self._render(token, special=True) for token in tokens]

    def fim(self, fallback: dict[str, str]) -> FimTokens:
        """The GGUF's own FIM tokens; where it names none, those whose text is in `fallback`."""
        named = {
            "prefix": C.llama_vocab_fim_pre,
            "suffix": C.llama_vocab_fim_suf,
            "middle": C.llama_vocab_fim_mid,
            "pad": C.llama_vocab_fim_pad,
            "repository": C.llama_vocab_fim_rep,
            "separator": C.llama_vocab_fim_sep,
        }
        own = {field: _id(ask(self.handle)) for field, ask in named.items()}
        for field, text in fallback.items():
            if own.get(field) is None:
                own[field] = self._single(text)
        return FimTokens(**own)

    def _single(self, text: str) -> int | None:
        ids = self.tokenize(text, special=True)
        return ids[0] if len(ids) == 1 else None

    def _render(self, token: int, *, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(_LONGEST_PIECE)
        size = C.llama_token_to_piece(self.handle, token, buffer, _LONGEST_PIECE, 0, special)
        return buffer.raw[: max(0, size)]


def _id(token: int) -> int | None:
    return int(token) if token >= 0 else None
