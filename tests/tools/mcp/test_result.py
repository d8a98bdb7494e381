"""The text that the model reads of a result."""

from typing import Any

import pytest
from mcp.types import CallToolResult

from copilotd.tools.errors import ToolFailed
from copilotd.tools.mcp.result import render_result

TEXT = {"type": "text", "text": "a"}
FILE = {"uri": "file:///a", "text": "what is in it"}
BYTES = {"uri": "file:///b", "blob": "AA=="}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([TEXT, TEXT], "a\na"),
        (
            [{"type": "audio", "data": "AA==", "mimeType": "audio/wav"}],
            "[left out: audio, audio/wav]",
        ),
        ([{"type": "resource", "resource": FILE}], "what is in it"),
        ([{"type": "resource", "resource": BYTES}], "[left out: file:///b]"),
        (
            [TEXT, {"type": "resource_link", "name": "c", "uri": "https://c.example/"}],
            "a\n[left out: the resource at https://c.example/]",
        ),
        ([], "It is done; there is nothing to show."),
    ],
)
def test_a_result_is_its_texts_and_a_note_for_each_other_part(
    content: list[Any], text: str
) -> None:
    assert render_result(CallToolResult.model_validate({"content": content})) == text


def test_a_result_with_only_structured_content_becomes_json() -> None:
    assert render_result(CallToolResult(content=[], structured_content={"ä": 1})) == '{"ä": 1}'


def test_an_error_without_a_message_is_a_failure() -> None:
    with pytest.raises(ToolFailed, match="It failed without an error message"):
        render_result(CallToolResult(content=[], is_error=True))
