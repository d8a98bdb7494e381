"""Rewriting lines of a file by an instruction.

The model is shown the lines without the indentation they have in common, and its answer is begun
for it with the opening of a code block: what it writes until the block's end is the new text, and
nothing has to be picked out of prose.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from copilotd.chat.code_fence import fence, fenced
from copilotd.chat.indentation import Indenter, common_indentation
from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.turns import reported
from copilotd.documents import Document
from copilotd.engine.types import FinishReason, Sampling
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import Message

LINES_BEFORE, LINES_AFTER = 40, 15
"""How much of the file around the lines the model reads: a few seconds' worth on a slow CPU."""

_LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


class EditCommand(StrEnum):
    """What is to be done with the lines."""

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
    """Whole lines of a file: `text` stands at `start` to `end`, between `before` and `after`."""

    start: int
    end: int
    text: str
    before: str
    after: str


def passage(request: EditRequest) -> Passage:
    """The whole lines that the request touches, without blank ones at both ends.

    An end at the beginning of a line does not touch that line: so lines are selected downwards.
    """
    text = request.document.text
    start, end = _without_blank_lines(text, *_whole_lines(text, request.start, request.end))
    before = "".join(_LINE_END.split(text[:start])[-LINES_BEFORE:])
    after = "".join(_LINE_END.split(text[end:])[:LINES_AFTER])
    return Passage(start, end, text[start:end], before, after)


def _whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    starts = [0, *accumulate(len(line) for line in _LINE_END.split(text))]
    first = max(at for at in starts if at <= start)
    return first, min((at for at in starts if at >= max(end, first + 1)), default=len(text))


def _without_blank_lines(text: str, start: int, end: int) -> tuple[int, int]:
    lines = [line for line in _LINE_END.split(text[start:end]) if line]
    while len(lines) > 1 and not lines[0].strip():
        start += len(lines.pop(0))
    while len(lines) > 1 and not lines[-1].strip():
        end -= len(lines.pop())
    return start, end


async def rewritten(
    chat: ChatService, request: EditRequest, passage: Passage
) -> AsyncGenerator[str | FinishReason, None]:
    """Stream the new text in pieces, then why it ended.

    Raises: InvalidRequest for an edit without an instruction; EngineError; ContextOverflow.
    """
    indent = common_indentation(passage.text)
    indenter = Indenter(indent, _first_indentation(passage.text, indent), _line_end(passage.text))
    async with aclosing(chat.say(_conversation(request, passage, indent, chat))) as pieces:
        async for piece in pieces:
            if not isinstance(piece, FinishReason):
                yield indenter.add(piece)
                continue
            yield indenter.end(closed=not passage.text or passage.text[-1] in "\r\n")
            yield piece


def _conversation(
    request: EditRequest, passage: Passage, indent: str, chat: ChatService
) -> ChatRequest:
    code = passage.text.replace("\r\n", "\n")
    plain = "".join(line.removeprefix(indent) for line in code.splitlines(keepends=True))
    marks = fence(request.document.text)
    return ChatRequest(
        messages=(Message("user", _asked(request, passage, plain)),),
        sampling=Sampling(),  # greedy: the same edit of the same code is the same every time
        opening=f"{marks}{request.document.language}\n",
        stop=(f"\n{marks}",),
        # As many tokens as the lines have characters are enough for any sensible rewriting.
        max_tokens=max(chat.settings.max_tokens, len(plain) // 2),
    )


def _asked(request: EditRequest, passage: Passage, plain: str) -> str:
    language = request.document.language
    around = (
        ("Before it stands:", passage.before),
        ("After it stands:", passage.after),
    )
    shown = [f"{title}\n{fenced(text, language)}" for title, text in around if text.strip()]
    name = f" of `{request.document.path}`" if request.document.path else ""
    parts = (
        f"Rewrite a piece{name}.",
        *shown,
        f"The piece to rewrite:\n{fenced(plain, language)}",
        reported(request.diagnostics),
        f"{_instruction(request)} Answer with the rewritten piece only, in one code block.",
    )
    return "\n\n".join(part for part in parts if part)


def _instruction(request: EditRequest) -> str:
    own = request.instruction.strip()
    if request.command is EditCommand.EDIT and not own:
        raise InvalidRequest("there is no instruction", "Say what is to be done with the code.")
    sentence = own and (own if own[-1] in ".!?" else f"{own}.")
    return " ".join(filter(None, (_STANDING[request.command], sentence)))


_STANDING = {
    EditCommand.EDIT: "",
    EditCommand.FIX: "Correct what is wrong in it, and change nothing else.",
    EditCommand.DOC: (
        "Document it as is usual in its language (a docstring or comment where it is defined), and"
        " change nothing else."
    ),
}


def _first_indentation(text: str, indent: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    plain = first.removeprefix(indent)
    return plain[: len(plain) - len(plain.lstrip())]


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
