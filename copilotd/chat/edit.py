"""Rewrites lines of a file as an instruction says.

The model reads the lines without their common indentation. The prompt already contains the opening
of a code block, so everything up to the end of the block is the new text, and the code need not be
found in prose.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from copilotd.chat.code_fence import choose_fence, fence
from copilotd.chat.indentation import Indenter, find_common_indentation
from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.turns import render_diagnostics
from copilotd.documents import Document
from copilotd.engine.types import FinishReason, Sampling
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import UserMessage

LINES_BEFORE, LINES_AFTER = 40, 15
"""Lines around the passage that the model reads: a few seconds of prefill on a slow CPU."""

_LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


class EditCommand(StrEnum):
    """The change to make to the lines."""

    EDIT = "edit"
    FIX = "fix"
    DOC = "doc"


@dataclass(frozen=True, slots=True)
class EditRequest:
    """Rewrite the lines of `document` that `start` to `end` (offsets) touch."""

    document: Document
    start: int
    end: int
    command: EditCommand = EditCommand.EDIT
    instruction: str = ""
    diagnostics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole lines of a file: `text` from `start` to `end`, between `before` and `after`."""

    start: int
    end: int
    text: str
    before: str
    after: str


def find_passage(request: EditRequest) -> Passage:
    """Return the whole lines that the request touches, without blank lines at either end.

    A range that ends at the beginning of a line does not touch that line, because editors select
    whole lines this way.
    """
    text = request.document.text
    start, end = _expand_to_lines(text, request.start, request.end)
    start, end = _skip_blank_lines(text, start, end)
    before = "".join(_LINE_END.split(text[:start])[-LINES_BEFORE:])
    after = "".join(_LINE_END.split(text[end:])[:LINES_AFTER])
    return Passage(start, end, text[start:end], before, after)


def _expand_to_lines(text: str, start: int, end: int) -> tuple[int, int]:
    line_starts = [0, *accumulate(len(line) for line in _LINE_END.split(text))]
    first = max(at for at in line_starts if at <= start)
    return first, min((at for at in line_starts if at >= max(end, first + 1)), default=len(text))


def _skip_blank_lines(text: str, start: int, end: int) -> tuple[int, int]:
    lines = [line for line in _LINE_END.split(text[start:end]) if line]
    while len(lines) > 1 and not lines[0].strip():
        start += len(lines.pop(0))
    while len(lines) > 1 and not lines[-1].strip():
        end -= len(lines.pop())
    return start, end


async def stream_rewrite(
    chat: ChatService, request: EditRequest, passage: Passage
) -> AsyncGenerator[str | FinishReason, None]:
    """Stream the new text of the passage, then why it ended.

    Raises: InvalidRequest for an edit without an instruction; EngineError; ContextOverflow.
    """
    text = passage.text
    indent = find_common_indentation(text)
    indenter = Indenter(indent, _first_indentation(text, indent), _line_end(text))
    conversation = _build_request(request, passage, indent, chat.settings.max_tokens)
    async with aclosing(chat.stream_text(conversation)) as pieces:
        async for piece in pieces:
            if not isinstance(piece, FinishReason):
                yield indenter.add(piece)
                continue
            yield indenter.finish(ends_line=not text or text[-1] in "\r\n")
            yield piece


def _build_request(
    request: EditRequest, passage: Passage, indent: str, max_tokens: int
) -> ChatRequest:
    lines = passage.text.replace("\r\n", "\n").splitlines(keepends=True)
    code = "".join(line.removeprefix(indent) for line in lines)
    marks = choose_fence(request.document.text)
    return ChatRequest(
        messages=(UserMessage(_render_question(request, passage, code)),),
        sampling=Sampling(),  # greedy: the same edit of the same code gives the same text
        answer_prefix=f"{marks}{request.document.language}\n",
        stop=(f"\n{marks}",),
        # A sensible rewrite needs no more tokens than half the characters of the passage.
        max_tokens=max(max_tokens, len(code) // 2),
    )


def _render_question(request: EditRequest, passage: Passage, code: str) -> str:
    language = request.document.language
    context = (
        ("Before it stands:", passage.before),
        ("After it stands:", passage.after),
    )
    blocks = [f"{title}\n{fence(text, language)}" for title, text in context if text.strip()]
    name = f" of `{request.document.path}`" if request.document.path else ""
    parts = (
        f"Rewrite a piece{name}.",
        *blocks,
        f"The piece to rewrite:\n{fence(code, language)}",
        render_diagnostics(request.diagnostics),
        f"{_render_instruction(request)} Answer with the rewritten piece only, in one code block.",
    )
    return "\n\n".join(part for part in parts if part)


def _render_instruction(request: EditRequest) -> str:
    own = request.instruction.strip()
    if request.command is EditCommand.EDIT and not own:
        raise InvalidRequest("there is no instruction", "Say what to do with the code.")
    sentence = own and (own if own[-1] in ".!?" else f"{own}.")
    return " ".join(filter(None, (_INSTRUCTIONS[request.command], sentence)))


_INSTRUCTIONS = {
    EditCommand.EDIT: "",
    EditCommand.FIX: "Correct what is wrong in it, and change nothing else.",
    EditCommand.DOC: (
        "Document it as is usual in its language (a docstring or comment where it is defined), and"
        " change nothing else."
    ),
}


def _first_indentation(text: str, indent: str) -> str:
    """The indentation of the first line that is not blank, beyond `indent`."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    plain = first.removeprefix(indent)
    return plain[: len(plain) - len(plain.lstrip())]


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
