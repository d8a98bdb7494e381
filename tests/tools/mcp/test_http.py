"""MCP servers over streamable HTTP."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.tools.mcp.session import NAMES, SDK_SERVER, Begin, Clock


@asynccontextmanager
async def http_server(file: Path, port: int = 0) -> AsyncGenerator[str, None]:
    """The server on `port`, or a free one: its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SDK_SERVER), str(file), str(port)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), 60))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


async def test_an_http_server_gets_the_headers_of_the_settings(
    begin: Begin, tmp_path: Path
) -> None:
    async with http_server(tmp_path / "pids") as url:
        session = begin(
            server={"command": [], "url": url, "headers": {"Authorization": "Bearer x"}}
        )
        await session.runner.wait_until_ready()
        assert session.names == NAMES
        assert (await session.call("s_add", a=1, b=2)).text == "3"
        assert (await session.call("s_header", name="authorization")).text == "Bearer x"
        failed = await session.call("s_fail")
        assert failed.is_failure and "the bridge is out" in failed.text


async def test_a_call_fails_while_an_http_server_is_down_and_works_when_it_is_back(
    begin: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    async with http_server(tmp_path / "pids") as url:
        session = begin(server={"command": [], "url": url}, clock=clock)
        await session.runner.wait_until_ready()
    gone = await session.call("s_add", a=1, b=2)
    assert gone.text.startswith("The MCP server s went away during the call")
    again = await session.call("s_add", a=1, b=2)
    assert again.text.startswith("The MCP server s cannot be used: ")
    assert "the MCP server s is gone: " in caplog.text
    port = int(url.rpartition(":")[2].partition("/")[0])
    async with http_server(tmp_path / "pids", port):
        clock.now = 2.0
        await session.runner.wait_until_ready()
        assert (await session.call("s_add", a=1, b=2)).text == "3"
