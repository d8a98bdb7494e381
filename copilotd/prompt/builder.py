"""Builds FIM prompts from values; awaits nothing but the tokenizer.

`completion/prompt_store.py` decides which prompt to build: it knows the existing prompts, and how
much the machine can evaluate in time.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from copilotd.documents import Document, Snippet
from copilotd.engine.types import ModelInfo
from copilotd.prompt.anchor import (
    AnchoredPrompt,
    Layout,
    Match,
    PlacedPrompt,
    lay_out,
    prefix_characters,
)
from copilotd.prompt.brief import lay_out_brief
from copilotd.prompt.budget import Budget
from copilotd.prompt.file_name import choose_file_name
from copilotd.prompt.fim import build_fim_prompt, find_repositionable, prepend_bos
from copilotd.prompt.snippets import REPOSITORY, format_files, select_snippets
from copilotd.prompt.windows import Window, find_windows


class Tokenizer(Protocol):
    """The part of an engine that turns text into token ids and back."""

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of `text`, without BOS. `special` parses control tokens in the text."""
        ...

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`, with the names of control tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a document, as an offset in code points."""

    document: Document
    offset: int


async def build_prompt(
    tokenizer: Tokenizer,
    info: ModelInfo,
    cursor: Cursor,
    budget: Budget,
    snippets: tuple[Snippet, ...] = (),
    previous: Layout | None = None,
) -> PlacedPrompt:
    """The whole prompt that the budget allows; it starts where `previous` does, if possible."""
    layout = lay_out(
        cursor.document,
        cursor.offset,
        info.layout.anchor_lines,
        _prefix_tokens(info, budget),
        min(budget.suffix_tokens, info.n_ctx // 8) if info.fim.is_complete else 0,
        previous,
    )
    return await _tokenize_layout(tokenizer, info, cursor, layout, snippets)


async def build_brief_prompt(
    tokenizer: Tokenizer, info: ModelInfo, cursor: Cursor, budget: Budget
) -> PlacedPrompt:
    """A prompt with the code nearest to the cursor, within `budget.cold_prompt_tokens`."""
    size = budget.cold_prompt_tokens
    after = size // 4 if info.fim.is_complete and budget.suffix_tokens else 0
    brief = lay_out_brief(
        cursor.document, cursor.offset, info.layout.anchor_lines, size - after, after
    )
    placed = await _tokenize_layout(tokenizer, info, cursor, brief.layout, (), brief.similar)
    return replace(placed, prompt=replace(placed.prompt, brief=True))


def list_windows(info: ModelInfo, document: Document, budget: Budget) -> tuple[Window, ...]:
    """The windows of `document` where whole prompts begin."""
    size = prefix_characters(document.text, _prefix_tokens(info, budget))
    return find_windows(document.text, size)


async def build_window(
    tokenizer: Tokenizer,
    info: ModelInfo,
    document: Document,
    window: Window,
    snippets: tuple[Snippet, ...],
) -> tuple[int, ...]:
    """The beginning that the whole prompts for all cursors in `window` share.

    Each prompt ends earlier in the text of the window. These are the snippets only if the model
    reads the text after the cursor first.
    """
    head = await _tokenize_head(tokenizer, info, snippets, document)
    if info.layout.suffix_first:
        return tuple(prepend_bos(info, head))
    before = await tokenizer.tokenize(document.text[window.start : window.end], special=False)
    before = before[: info.n_ctx // 2]
    # Every later prompt begins like this one, up to the markers of suffix and middle.
    prompt = build_fim_prompt(info, before, [], head)[:-2] if info.fim.is_complete else []
    return tuple(prompt or prepend_bos(info, before))


async def build_head(
    tokenizer: Tokenizer, info: ModelInfo, document: Document, snippets: tuple[Snippet, ...]
) -> tuple[int, ...]:
    """The snippets that all prompts of `document` begin with."""
    return tuple(prepend_bos(info, await _tokenize_head(tokenizer, info, snippets, document)))


def choose_snippets(
    info: ModelInfo, document: Document, budget: Budget, previous: tuple[Snippet, ...]
) -> tuple[Snippet, ...]:
    """The code of other files for the front of the prompt, if the model knows several files."""
    if not info.fim.is_complete or info.fim.separator is None:
        return ()
    tokens = min(budget.snippet_tokens, info.n_ctx // 8)
    return select_snippets(document.snippets, previous, tokens)


def _prefix_tokens(info: ModelInfo, budget: Budget) -> int:
    return min(budget.prefix_tokens, info.n_ctx // 4)


async def _tokenize_layout(
    tokenizer: Tokenizer,
    info: ModelInfo,
    cursor: Cursor,
    layout: Layout,
    snippets: tuple[Snippet, ...],
    similar: str = "",
) -> PlacedPrompt:
    head = await _tokenize_head(tokenizer, info, snippets, cursor.document)
    before = await tokenizer.tokenize(similar + layout.before, special=False)
    before = before[-info.n_ctx // 2 :]
    after: list[int] = []
    if info.fim.is_complete:
        after = (await tokenizer.tokenize(layout.after, special=False))[: info.n_ctx // 8]
        tokens = build_fim_prompt(info, before, after, head)
    else:
        tokens = prepend_bos(info, before)
    prompt = AnchoredPrompt(
        layout,
        tuple(tokens),
        rendered=await tokenizer.detokenize(tokens),
        repositionable=find_repositionable(info, tokens),
        snippets=snippets,
        n_suffix=len(after),
    )
    tail = cursor.document.text[layout.anchor : cursor.offset]
    return PlacedPrompt(prompt, Match(tail, fresh=True))


async def _tokenize_head(
    tokenizer: Tokenizer, info: ModelInfo, snippets: tuple[Snippet, ...], document: Document
) -> list[int]:
    """The tokens in front of the document: the snippets, and the document's own name."""
    fim = info.fim
    if fim.separator is None or not fim.is_complete:
        return []
    name = choose_file_name(document)
    tokens: list[int] = []
    if snippets and fim.repository is not None:
        tokens = [fim.repository, *await tokenizer.tokenize(REPOSITORY, special=False)]
    texts = format_files(snippets, document.path) if snippets else [f"{name}\n"] if name else []
    for text in texts:
        tokens += [fim.separator, *await tokenizer.tokenize(text, special=False)]
    return tokens
