"""Renders the result of a call as text. The models here read nothing else."""

import json
from typing import TYPE_CHECKING

from copilotd.tools.errors import ToolFailed

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock


def render_result(result: "CallToolResult") -> str:
    """The texts of the result, with a note for each part that is not text.

    Raises: ToolFailed if the result is an error.
    """
    parts = [_render_block(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(parts)
    if result.is_error:
        raise ToolFailed(text or "It failed without an error message.")
    return text or "It is done; there is nothing to show."


def _render_block(block: "ContentBlock") -> str:
    match block.type:
        case "text":
            return block.text
        case "resource":
            return getattr(block.resource, "text", None) or f"[left out: {block.resource.uri}]"
        case "resource_link":
            return f"[left out: the resource at {block.uri}]"
        case _:
            return f"[left out: {block.type}, {block.mime_type}]"
