"""Commit messages for a diff."""

import pytest
from msgspec.structs import replace

from copilotd.chat.commit_message import MAX_DIFF_LENGTH, build_request, strip_quotes
from copilotd.chat.service import ChatService
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import FinishReason


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("Set x to 2", "Set x to 2"),
        (' "Set x to 2" ', "Set x to 2"),
        ("`Set x`", "Set x"),
        ("**Set x**", "Set x"),
        ('Say "no"', 'Say "no"'),
        ("", ""),
    ],
)
def test_quotation_marks_around_a_message_are_removed(answer: str, message: str) -> None:
    assert strip_quotes(answer) == message


async def test_every_file_of_a_long_diff_gets_an_equal_share() -> None:
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return "Change much"

    files = [f"diff --git a/{n}.py b/{n}.py\n" + "+x = 1\n" * 2000 for n in range(4)]
    chat = ChatService(
        FakeEngine(answer, info=replace(FAKE_MODEL, n_ctx=20_000)), Live(ChatSection())
    )
    *pieces, reason = [piece async for piece in chat.stream_text(build_request("".join(files)))]
    assert ("".join(map(str, pieces)), reason) == ("Change much", FinishReason.STOP)
    assert all(f"b/{n}.py" in prompts[0] for n in range(4))
    assert prompts[0].count("[more lines of this file]") == 4
    assert len(prompts[0]) < MAX_DIFF_LENGTH + 1000
