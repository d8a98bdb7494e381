"""How a GGUF names its fill-in-the-middle tokens.

Newer files have metadata keys for the token ids, older files have other keys, and the oldest have
only the tokens, which llama.cpp finds by their text. The texts here are those of llama.cpp
(llama-vocab.cpp), so the answer is the same whether the model is loaded or not.
"""

import msgspec


class FimTokens(msgspec.Struct, frozen=True):
    """The token ids for fill-in-the-middle in a GGUF file; None for a missing token."""

    prefix: int | None = None
    suffix: int | None = None
    middle: int | None = None
    pad: int | None = None
    repository: int | None = None
    separator: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether a FIM prompt can be built; some families need no `middle`."""
        return self.prefix is not None and self.suffix is not None


class FimLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the FIM prompts of a model family are laid out.

    `suffix_first` means that the family was trained on prompts that begin with the suffix. The
    prefix ends `anchor_lines` lines above the cursor's line; the lines after that follow the
    middle marker.
    """

    suffix_first: bool = False
    anchor_lines: int = 2


METADATA_KEYS: dict[str, tuple[str, ...]] = {
    "prefix": ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"),
    "suffix": ("tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"),
    "middle": ("tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"),
    "pad": ("tokenizer.ggml.fim_pad_token_id",),
    "repository": ("tokenizer.ggml.fim_rep_token_id",),
    "separator": ("tokenizer.ggml.fim_sep_token_id",),
}
"""Field of `FimTokens` → the metadata keys that may hold it, newest first."""

TOKEN_TEXTS: dict[str, tuple[str, ...]] = {
    "prefix": (
        "<|fim_prefix|>",
        "<fim-prefix>",
        "<fim_prefix>",
        "<｜fim▁begin｜>",  # noqa: RUF001 - DeepSeek's tokens are written with these characters.
        "<PRE>",
        "▁<PRE>",
        "<|code_prefix|>",
        "<|prefix|>",
    ),
    "suffix": (
        "<|fim_suffix|>",
        "<fim-suffix>",
        "<fim_suffix>",
        "<｜fim▁hole｜>",  # noqa: RUF001 - see above.
        "<SUF>",
        "▁<SUF>",
        "<|code_suffix|>",
        "<|suffix|>",
    ),
    "middle": (
        "<|fim_middle|>",
        "<fim-middle>",
        "<fim_middle>",
        "<｜fim▁end｜>",  # noqa: RUF001 - see above.
        "<MID>",
        "▁<MID>",
        "<|code_middle|>",
        "<|middle|>",
    ),
    "pad": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "repository": ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    "separator": ("<|file_sep|>",),
}
"""Field of `FimTokens` → the texts that llama.cpp searches for to find the token."""

FIELD_BY_TEXT: dict[bytes, str] = {
    text.encode(): field for field, texts in TOKEN_TEXTS.items() for text in texts
}
"""Token text (UTF-8) → field of `FimTokens`."""
