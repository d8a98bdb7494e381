"""An MCP server that is built with the SDK: `sdk_server.py PID_FILE [MODE]`.

PID_FILE gets a line with the process id at each start. MODE is one of

- stdio (the default);
- a number: HTTP on that port, or on a free one if it is 0; the server prints the port;
- stubborn: as stdio, but neither the end of its input nor SIGTERM ends it;
- silent: it never answers;
- broken: it prints an error and exits at once.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel


class Place(BaseModel):
    city: str


server = MCPServer("sdk-server")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@server.tool(name="go.to", description="Go to a place. " + "Far. " * 200)
def go_to(place: Place) -> str:
    return f"Here is {place.city}."


@server.tool()
def fail() -> str:
    """Fail."""
    raise ToolError("the bridge is out")


@server.tool()
def die() -> str:
    """End the server in the middle of a call."""
    os._exit(3)


@server.tool()
async def hang() -> str:
    """Never answer."""
    await asyncio.Event().wait()
    return ""


@server.tool(structured_output=False)
def picture() -> list[str | Image]:
    """Show a picture."""
    return ["A picture:", Image(data=b"png", format="png")]


@server.tool()
def variable(name: str) -> str:
    """Give an environment variable."""
    return os.environ.get(name, "(unset)")


@server.tool()
def header(name: str, ctx: Context) -> str:
    """Give a header of the request."""
    return str((ctx.headers or {}).get(name))


@server.tool()
def leave_behind() -> str:
    """Start a program in the background, which holds on to the server's streams."""
    return str(subprocess.Popen(["sleep", "600"]).pid)


def main(pid_file: str, mode: str = "stdio") -> None:
    with Path(pid_file).open("a") as file:
        file.write(f"{os.getpid()}\n")
    if mode == "broken":
        sys.exit("no key is set")
    if mode == "silent":
        threading.Event().wait()
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=threading.Event().wait).start()
    if mode.isdigit():
        serve(int(mode))
    else:
        server.run()


def serve(port: int) -> None:
    listening = socket.create_server(("127.0.0.1", port))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="error")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
