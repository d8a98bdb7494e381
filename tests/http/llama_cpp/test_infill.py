"""llama.cpp's dialect, as its editor plugins speak it."""

from typing import Any

from copilotd.engine.fake import FakeEngine
from copilotd.errors import EngineDied
from tests.http.fake_engines import PlayedEngine
from tests.http.http_server import serving

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


async def test_a_plugins_request_is_answered_with_the_fields_that_it_asked_for() -> None:
    async with serving(FakeEngine("a + b\n")) as served:
        response = await served.post("/infill", PLUGIN)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert set(answer) == {"content", "timings/predicted_n", "truncated"}
    assert (answer["content"], answer["truncated"]) == ("a + b", False)
    assert answer["timings/predicted_n"] > 0


async def test_without_a_choice_of_fields_all_are_there() -> None:
    async with serving(FakeEngine("a + b\n")) as served:
        answer = (await served.post("/infill", BODY)).json()
    timings = answer.pop("timings")
    assert answer.pop("tokens_evaluated") - answer.pop("tokens_cached") == timings["prompt_n"]
    assert answer.pop("tokens_predicted") == timings["predicted_n"] > 0
    assert answer == {"content": "a + b", "stop": True, "model": "local", "truncated": False}


async def test_a_bracket_that_stands_behind_the_cursor_is_not_written_again() -> None:
    body = {"input_prefix": "", "prompt": "print(add(1", "input_suffix": "))\n"}
    async with serving(FakeEngine(", 2))\n")) as served:
        answer = (await served.post("/infill", body)).json()
    assert answer["content"] == ", 2"


async def test_a_request_for_no_tokens_only_has_the_text_read() -> None:
    async with serving(FakeEngine("a + b\n")) as served:
        answer = (await served.post("/infill", {**BODY, "n_predict": 0})).json()
    assert answer["content"] == ""


async def test_code_of_other_files_stands_in_front_of_the_prompt() -> None:
    async with serving(FakeEngine("a + b\n")) as served:
        await served.post("/infill", PLUGIN)
        asked = await served.engine.detokenize(list(served.engine.requests[-1].prompt))
    assert asked == (
        "<REPO>workspace\n<FILE>b.py\nLIMIT = 1\n<FILE>untitled\n"
        "<PRE><SUF>\n\nprint(add(1, 2))\n<MID>"
    )


async def test_a_failure_says_why() -> None:
    async with serving(PlayedEngine(EngineDied("the worker is gone"))) as served:
        response = await served.post("/infill", BODY)
    assert response.status_code == 503
    assert "the worker is gone" in response.json()["error"]["message"]


async def test_a_request_without_text_is_refused() -> None:
    async with serving() as served:
        response = await served.post("/infill", {"prompt": "x"})
    assert response.status_code == 400
    assert "input_prefix" in response.json()["error"]["message"]


async def test_the_properties_name_the_model_and_its_context() -> None:
    async with serving() as served:
        props = (await served.client.get("/props")).json()
    assert props["model_alias"] == "local"
    assert props["default_generation_settings"]["n_ctx"] > 0
