"""What came of a call, as text: models here read nothing else."""

import json
from typing import TYPE_CHECKING

from copilotd.tools.errors import ToolFailed

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock


def text(result: "CallToolResult") -> str:
    """The texts of it, and what else there was, named. Raises: ToolFailed for an error."""
    parts = [_part(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    whole = "\n".join(parts)
    if result.is_error:
        raise ToolFailed(whole or "It failed, and does not say why.")
    return whole or "It is done; there is nothing to show."


def _part(block: "ContentBlock") -> str:
    match block.type:
        case "text":
            return block.text
        case "resource":
            return getattr(block.resource, "text", None) or f"[left out: {block.resource.uri}]"
        case "resource_link":
            return f"[left out: what is at {block.uri}]"
        case _:
            return f"[left out: {block.type}, {block.mime_type}]"
