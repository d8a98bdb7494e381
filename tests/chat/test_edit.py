"""Rewriting lines of a file."""

import asyncio

import pytest

from copilotd.chat.edit import EditCommand, EditRequest, find_passage, stream_rewrite
from copilotd.chat.service import ChatService
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import FinishReason


def edit_request(marked: str, **others: str) -> EditRequest:
    """The text between the two bars is selected."""
    before, selected, after = marked.split("|")
    document = Document("file:///a.py", before + selected + after, "python")
    start = len(before)
    command = EditCommand(others.get("command", "edit"))
    return EditRequest(document, start, start + len(selected), command, others.get("what", "Do it"))


async def rewrite(marked: str, answer: str) -> tuple[str, str]:
    """Return the new text of the file if the model writes `answer`, and the prompt."""
    prompts: list[str] = []

    def record(prompt: str) -> str:
        prompts.append(prompt)
        return answer

    request = edit_request(marked)
    chat = ChatService(FakeEngine(record), Live(ChatSection(system_prompt="")))
    passage = find_passage(request)
    pieces = [piece async for piece in stream_rewrite(chat, request, passage)]
    assert pieces[-1] is FinishReason.STOP
    new = "".join(piece for piece in pieces[:-1])
    text = request.document.text
    return text[: passage.start] + new + text[passage.end :], prompts[0]


@pytest.mark.parametrize(
    ("marked", "selected"),
    [
        ("a\nb|\nc|\nd\n", "b\nc\n"),
        ("a\n|b\nc\n|d\n", "b\nc\n"),
        ("a\nb|b|b\nc", "bbb\n"),
        ("a\n||b\n", "b\n"),
        ("a\nlast| |line", "last line"),
        ("a\r\n|b\r\n|c\r\n", "b\r\n"),
        ("a\rb|x|\rc", "bx\r"),
        ("a\n|\n \nb\n\n|c", "b\n"),
        ("|\n\n|", "\n"),
        ("||", ""),
        ("a\n||", ""),
    ],
)
def test_the_passage_is_the_lines_that_the_selection_touches(marked: str, selected: str) -> None:
    assert find_passage(edit_request(marked)).text == selected


@pytest.mark.parametrize(
    ("marked", "answer", "whole"),
    [
        ("|x = 1|\n", "y = 2\n```", "y = 2\n"),
        ("if a:\n    |x = 1|\n    z\n", "y = 2\nif y:\n    go\n```", None),
        ("if a:\n    |x = 1|\n    z\n", "    y = 2\n    if y:\n        go\n```", None),
        ("if a:\n|    x = 1\n|    z\n", "\n\ny = 2\nif y:\n    go\n\n\n```", None),
        ("|x = 1\r\n|z\r\n", "y = 2\n\nw = 3\n```", "y = 2\r\n\r\nw = 3\r\nz\r\n"),
        ("a\n|x = 1|", "y = 2\n```", "a\ny = 2"),
        ("a\n\t|x|\n", "y\n\tz\n```", "a\n\ty\n\t\tz\n"),
    ],
)
async def test_new_lines_are_indented_like_the_old_ones(
    marked: str, answer: str, whole: str | None
) -> None:
    expected = whole or "if a:\n    y = 2\n    if y:\n        go\n    z\n"
    assert (await rewrite(marked, answer))[0] == expected


async def test_blank_lines_inside_are_kept_without_indentation() -> None:
    new, _ = await rewrite("if a:\n    |x|\n", "y\n\n\nz\n```")
    assert new == "if a:\n    y\n\n\n    z\n"


async def test_the_prompt_has_the_lines_without_indentation_and_opens_a_code_block() -> None:
    _, prompt = await rewrite("def f():\n    |if a:\n        go|\n    end\n", "pass\n```")
    assert prompt == (
        "<user>Rewrite a piece.\n\n"
        "Before it stands:\n```python\ndef f():\n```\n\n"
        "After it stands:\n```python\n    end\n```\n\n"
        "The piece to rewrite:\n```python\nif a:\n    go\n```\n\n"
        "Do it. Answer with the rewritten piece only, in one code block."
        "</user><assistant>```python\n"
    )


async def test_a_passage_with_a_code_block_gets_a_longer_fence() -> None:
    new, prompt = await rewrite("|'''\n```\nx\n```\n'''\n|", "'''\n```\ny\n```\n'''\n````")
    assert prompt.endswith("<assistant>````python\n")
    assert new == "'''\n```\ny\n```\n'''\n"


async def test_closing_the_stream_stops_the_model() -> None:
    gate = asyncio.Event()
    engine = FakeEngine("y\n```", gate=gate)
    request = edit_request("|x|\n")
    chat = ChatService(engine, Live(ChatSection()))
    stream = stream_rewrite(chat, request, find_passage(request))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    first.cancel()
    await asyncio.wait([first])
    await stream.aclose()
    assert engine.cancelled == 1
