"""/infill, as the editor plugins of llama.cpp use it."""

from typing import Any

from copilotd.completion.types import Trigger
from copilotd.engine.fake import FakeEngine
from copilotd.errors import EngineDied
from copilotd.http.llama_cpp.infill.convert import build_completion_request
from copilotd.http.llama_cpp.infill.schema import InfillBody
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import run_server

BODY: dict[str, Any] = {
    "input_prefix": "def add(a, b):\n",
    "prompt": "    return ",
    "input_suffix": "\n\nprint(add(1, 2))\n",
}
PLUGIN: dict[str, Any] = {
    **BODY,
    "input_extra": [{"filename": "b.py", "text": "LIMIT = 1\n"}],
    "n_predict": 128,
    "n_indent": 4,
    "stop": [],
    "stream": False,
    "top_k": 40,
    "samplers": ["top_k", "top_p", "infill"],
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 250,
    "response_fields": ["content", "timings/predicted_n", "truncated", "nonsense"],
}


async def test_the_response_has_the_fields_that_the_plugin_selects() -> None:
    async with run_server(FakeEngine("a + b\n")) as server:
        response = await server.post("/infill", PLUGIN)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert set(answer) == {"content", "timings/predicted_n", "truncated"}
    assert (answer["content"], answer["truncated"]) == ("a + b", False)
    assert answer["timings/predicted_n"] > 0


async def test_the_response_has_all_fields_if_the_request_selects_none() -> None:
    async with run_server(FakeEngine("a + b\n")) as server:
        answer = (await server.post("/infill", BODY)).json()
    timings = answer.pop("timings")
    assert answer.pop("tokens_evaluated") - answer.pop("tokens_cached") == timings["prompt_n"]
    assert answer.pop("tokens_predicted") == timings["predicted_n"] > 0
    assert answer == {"content": "a + b", "stop": True, "model": "local", "truncated": False}


async def test_a_bracket_after_the_cursor_is_not_repeated() -> None:
    body = {"input_prefix": "", "prompt": "print(add(1", "input_suffix": "))\n"}
    async with run_server(FakeEngine(", 2))\n")) as server:
        answer = (await server.post("/infill", body)).json()
    assert answer["content"] == ", 2"


async def test_the_content_ends_before_a_bracket_that_the_text_continues_after() -> None:
    body = {"input_prefix": "", "prompt": "def add(", "input_suffix": ")\n"}
    async with run_server(FakeEngine("a, b):\n    return a + b")) as server:
        answer = (await server.post("/infill", body)).json()
    assert answer["content"] == "a, b"


def test_a_request_counts_as_automatic_and_gets_the_whole_text() -> None:
    request = build_completion_request(InfillBody.model_validate(BODY))
    assert (request.trigger, request.waits_for_whole) == (Trigger.AUTOMATIC, True)


async def test_a_request_for_zero_tokens_only_evaluates_the_prompt() -> None:
    async with run_server(FakeEngine("a + b\n")) as server:
        answer = (await server.post("/infill", {**BODY, "n_predict": 0})).json()
    assert answer["content"] == ""


async def test_code_from_other_files_comes_first_in_the_prompt() -> None:
    async with run_server(FakeEngine("a + b\n")) as server:
        await server.post("/infill", PLUGIN)
        prompt = await server.engine.detokenize(list(server.engine.requests[-1].prompt))
    assert prompt == (
        "<REPO>workspace\n<FILE>b.py\nLIMIT = 1\n<FILE>untitled\n"
        "<PRE><SUF>\n\nprint(add(1, 2))\n<MID>"
    )


async def test_a_failure_says_why() -> None:
    async with run_server(ScriptedEngine(EngineDied("the worker is gone"))) as server:
        response = await server.post("/infill", BODY)
    assert response.status_code == 503
    assert "the worker is gone" in response.json()["error"]["message"]


async def test_a_request_without_text_is_refused() -> None:
    async with run_server() as server:
        response = await server.post("/infill", {"prompt": "x"})
    assert response.status_code == 400
    assert "input_prefix" in response.json()["error"]["message"]


async def test_the_properties_name_the_model_and_its_context() -> None:
    async with run_server() as server:
        props = (await server.client.get("/props")).json()
    assert props["model_alias"] == "local"
    assert props["default_generation_settings"]["n_ctx"] > 0
