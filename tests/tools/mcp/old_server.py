"""A hand-written MCP server of the protocol before 2026. Its tools change while it runs."""

import json
import sys
from typing import Any

tools = ["learn"]


def answer(method: str, params: dict[str, Any]) -> Any:
    """The result of a request; None where there is no such method."""
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "elder", "version": "1"},
        }
    if method == "tools/list":
        # A page for each, as those do that have many.
        at = int(params.get("cursor", 0))
        page = {"tools": [{"name": tools[at], "inputSchema": {"type": "object"}}]}
        return page | ({"nextCursor": str(at + 1)} if at + 1 < len(tools) else {})
    if method == "tools/call":
        tools.append("recite")
        say({"method": "notifications/tools/list_changed"})
        return {"content": [{"type": "text", "text": "learnt"}]}
    return None


def say(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


print("This line is no message.", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        result = answer(request["method"], request.get("params", {}))
        error = {"error": {"code": -32601, "message": "no such method"}}
        say({"id": request["id"], **({"result": result} if result else error)})
