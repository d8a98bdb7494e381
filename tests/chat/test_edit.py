import asyncio

import pytest

from copilotd.chat.edit import EditCommand, EditRequest, passage, rewritten
from copilotd.chat.service import ChatService
from copilotd.config import ChatSection
from copilotd.documents import Document
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import FinishReason


def request(marked: str, **others: str) -> EditRequest:
    """What is between the two bars is selected."""
    before, selected, after = marked.split("|")
    document = Document("file:///a.py", before + selected + after, "python")
    start = len(before)
    command = EditCommand(others.get("command", "edit"))
    return EditRequest(document, start, start + len(selected), command, others.get("what", "Do it"))


async def edited(marked: str, answer: str) -> tuple[str, str]:
    """The whole text when the model writes `answer`, and the prompt it was given."""
    prompts: list[str] = []

    def written(prompt: str) -> str:
        prompts.append(prompt)
        return answer

    asked = request(marked)
    chat = ChatService(FakeEngine(written), ChatSection(system_prompt=""))
    lines = passage(asked)
    pieces = [piece async for piece in rewritten(chat, asked, lines)]
    assert pieces[-1] is FinishReason.STOP
    new = "".join(piece for piece in pieces[:-1])
    text = asked.document.text
    return text[: lines.start] + new + text[lines.end :], prompts[0]


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
def test_the_lines_that_the_selection_touches_are_rewritten(marked: str, selected: str) -> None:
    assert passage(request(marked)).text == selected


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
async def test_new_lines_stand_where_the_old_ones_did(
    marked: str, answer: str, whole: str | None
) -> None:
    expected = whole or "if a:\n    y = 2\n    if y:\n        go\n    z\n"
    assert (await edited(marked, answer))[0] == expected


async def test_blank_lines_inside_are_kept_and_not_indented() -> None:
    new, _ = await edited("if a:\n    |x|\n", "y\n\n\nz\n```")
    assert new == "if a:\n    y\n\n\n    z\n"


async def test_the_model_reads_the_lines_without_their_indentation_and_begins_in_a_block() -> None:
    _, prompt = await edited("def f():\n    |if a:\n        go|\n    end\n", "pass\n```")
    assert prompt == (
        "<user>Rewrite a piece.\n\n"
        "Before it stands:\n```python\ndef f():\n```\n\n"
        "After it stands:\n```python\n    end\n```\n\n"
        "The piece to rewrite:\n```python\nif a:\n    go\n```\n\n"
        "Do it. Answer with the rewritten piece only, in one code block."
        "</user><assistant>```python\n"
    )


async def test_a_piece_with_a_code_block_in_it_gets_a_longer_fence() -> None:
    new, prompt = await edited("|'''\n```\nx\n```\n'''\n|", "'''\n```\ny\n```\n'''\n````")
    assert prompt.endswith("<assistant>````python\n")
    assert new == "'''\n```\ny\n```\n'''\n"


async def test_closing_the_stream_stops_the_model() -> None:
    gate = asyncio.Event()
    engine = FakeEngine("y\n```", hold=gate)
    asked = request("|x|\n")
    chat = ChatService(engine, ChatSection())
    stream = rewritten(chat, asked, passage(asked))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.wait_for(engine.asked.wait(), 30)
    first.cancel()
    await asyncio.wait([first])
    await stream.aclose()
    assert engine.cancelled == 1
