"""The model's vocabulary: text to tokens and back, and the special tokens.

It only reads from llama.cpp, so any thread may use it while another one decodes a batch.
"""

import ctypes
from functools import cached_property
from typing import Any

from llama_cpp import llama_cpp as C

from copilotd.engine.worker.llama.token_bytes import TokenBytes
from copilotd.errors import EngineError, InvalidRequest
from copilotd.models.fim import FimTokens

_MAX_PIECE_BYTES = 512


class Vocabulary:
    """Reads llama.cpp's vocabulary handle, which lives as long as its model."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self._pieces: dict[int, bytes] = {}
        self.size = int(C.llama_vocab_n_tokens(handle))
        self.bos = _optional_id(C.llama_vocab_bos(handle))
        self.eos = _optional_id(C.llama_vocab_eos(handle))
        self.add_bos = bool(C.llama_vocab_get_add_bos(handle))
        self.opening_tokens = [self.bos] if self.add_bos and self.bos is not None else []

    @cached_property
    def closing_tokens(self) -> list[int]:
        """The tokens that follow a complete text (for a model that was trained so)."""
        ends = (
            (C.llama_vocab_get_add_sep, C.llama_vocab_sep),
            (C.llama_vocab_get_add_eos, C.llama_vocab_eos),
        )
        return [int(token(self.handle)) for is_added, token in ends if is_added(self.handle)]

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """Every token that ends a generation."""
        return frozenset(t for t in range(self.size) if C.llama_vocab_is_eog(self.handle, t))

    @cached_property
    def control_texts(self) -> list[str]:
        """The texts of all control tokens; text in a prompt could be mistaken for one."""
        ids = (t for t in range(self.size) if C.llama_vocab_is_control(self.handle, t))
        return [self._render(token, special=True).decode("utf-8", "replace") for token in ids]

    @cached_property
    def token_bytes(self) -> TokenBytes:
        """All tokens, to be found by their bytes."""
        return TokenBytes([self.token_to_piece(token) for token in range(self.size)])

    def prepare(self) -> None:
        """Fill all caches; with 150,000 tokens that takes a good part of a second."""
        _ = self.token_bytes, self.end_tokens, self.control_texts

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Return the token ids of `text`, without BOS; `special` reads control tokens from it."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        ids = (C.llama_token * room)()
        count = C.llama_tokenize(self.handle, data, len(data), ids, room, False, special)
        if count < 0:
            raise EngineError(f"tokenising needs {-count} tokens for {len(data)} bytes")
        return list(ids[:count])

    def token_to_piece(self, token: int) -> bytes:
        """Return the bytes that `token` adds to the output; none for a control token."""
        if token not in self._pieces:
            self._pieces[token] = self._render(token, special=False)
        return self._pieces[token]

    def check(self, tokens: list[int]) -> None:
        """Check token ids, because llama.cpp ends the process on an id that it does not know.

        Raises:
            InvalidRequest: an id is outside the vocabulary.
        """
        if not all(0 <= token < self.size for token in tokens):
            raise InvalidRequest(f"a token id is outside the vocabulary (0 to {self.size - 1})")

    def detokenize(self, tokens: list[int]) -> str:
        """Return the text of `tokens`, control tokens shown as their names.

        Raises:
            InvalidRequest: an id is outside the vocabulary.
        """
        return b"".join(self.render_pieces(tokens)).decode("utf-8", "replace")

    def render_pieces(self, tokens: list[int]) -> list[bytes]:
        """Return the bytes of each of `tokens`, control tokens shown as their names.

        Raises:
            InvalidRequest: an id is outside the vocabulary.
        """
        self.check(tokens)
        return [self._render(token, special=True) for token in tokens]

    def find_fim_tokens(self, fallback: dict[str, str]) -> FimTokens:
        """Return the FIM tokens that the GGUF names; find the others by their `fallback` texts."""
        getters = {
            "prefix": C.llama_vocab_fim_pre,
            "suffix": C.llama_vocab_fim_suf,
            "middle": C.llama_vocab_fim_mid,
            "pad": C.llama_vocab_fim_pad,
            "repository": C.llama_vocab_fim_rep,
            "separator": C.llama_vocab_fim_sep,
        }
        own = {field: _optional_id(read(self.handle)) for field, read in getters.items()}
        for field, text in fallback.items():
            if own.get(field) is None:
                own[field] = self._tokenize_single(text)
        return FimTokens(**own)

    def _tokenize_single(self, text: str) -> int | None:
        ids = self.tokenize(text, special=True)
        return ids[0] if len(ids) == 1 else None

    def _render(self, token: int, *, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(_MAX_PIECE_BYTES)
        size = C.llama_token_to_piece(self.handle, token, buffer, _MAX_PIECE_BYTES, 0, special)
        return buffer.raw[: max(0, size)]


def _optional_id(token: int) -> int | None:
    return int(token) if token >= 0 else None
