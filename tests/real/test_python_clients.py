"""Further clients in Python use the daemon and the model."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.real.test_clients import PARIS, QUESTION, RESULT, TOOL

pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(300),
    # They warn of their own parts.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.mark.parametrize("route", ["openai", "hosted_vllm", "ollama_chat", "anthropic"])
def test_litellm_calls_a_tool_through_every_api(
    daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    # It fetches a list of prices otherwise.
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    base = f"{daemon.url}/v1" if route in ("openai", "hosted_vllm") else daemon.url
    made = litellm.completion(
        model=f"{route}/any",
        messages=[{"role": "user", "content": QUESTION}],
        tools=[TOOL],
        api_base=base,
        api_key="any",
        temperature=0,
        max_tokens=100,
    )
    [call] = made.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", PARIS)


def test_litellm_streams(daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    pieces = litellm.completion(
        model="openai/any",
        messages=[{"role": "user", "content": "Count from one to five in words."}],
        api_base=f"{daemon.url}/v1",
        api_key="any",
        temperature=0,
        max_tokens=40,
        stream=True,
    )
    texts = [piece.choices[0].delta.content or "" for piece in pieces]
    assert len(texts) > 3
    assert "three" in "".join(texts).lower()


def test_llm_answers_on_the_command_line_and_continues_the_conversation(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    pytest.importorskip("llm")
    model = {"model_id": "local", "model_name": "any", "api_base": f"{daemon.url}/v1"}
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([model]))

    def llm(*arguments: str) -> str:
        command = [sys.executable, "-m", "llm", *arguments]
        environment = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    options = ("-m", "local", "--key", "any", "-o", "temperature", "0")
    assert "5" in llm(*options, "What is 2 + 3? Answer with the number.")
    answer = llm(*options, "--continue", "Which two numbers did I ask you to add?")
    assert "2" in answer and "3" in answer


@pytest.fixture
async def model(daemon: RunningDaemon) -> AsyncGenerator[Any, None]:
    """pydantic-ai's model with its own connections. It never closes those that it shares."""
    pytest.importorskip("pydantic_ai")
    from httpx import AsyncClient
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with AsyncClient(timeout=200) as connections:
        base = f"{daemon.url}/v1"
        provider = OpenAIProvider(base_url=base, api_key="any", http_client=connections)
        yield OpenAIChatModel("any", provider=provider)


async def test_an_agent_of_pydantic_ai_calls_its_function(model: Any) -> None:
    from pydantic_ai import Agent

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return f"{city}: {RESULT}"

    agent: Any = Agent(model, output_type=get_weather, model_settings={"temperature": 0})
    assert (await agent.run(QUESTION)).output == f"Paris: {RESULT}"


async def test_pydantic_ai_gets_an_object_of_its_class(model: Any) -> None:
    from pydantic import BaseModel
    from pydantic_ai import Agent, NativeOutput

    class City(BaseModel):
        name: str
        country: str

    agent: Any = Agent(model, output_type=NativeOutput(City), model_settings={"temperature": 0})
    answer = await agent.run("Which city has the Eiffel Tower?")
    assert answer.output == City(name="Paris", country="France")
