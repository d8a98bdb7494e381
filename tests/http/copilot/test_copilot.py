import logging
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from copilotd.completion.sliding_document import SlidingDocuments
from copilotd.completion.types import Trigger
from copilotd.config import CompletionSection
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Chunk, Finished, GenerateRequest, Lane, Sampling
from copilotd.errors import EngineBusy, EngineDied
from copilotd.http.copilot.convert import build_completion_request
from copilotd.http.copilot.indentation import find_missing_indent
from copilotd.http.copilot.schema import CopilotBody
from copilotd.models.fim import FimTokens
from tests.http.fake_engines import STOP, ScriptedEngine
from tests.http.http_server import RunningServer, parse_events, run_server

PATH = "/v1/engines/gpt-41-copilot/completions"
TOKEN = "gho_0123456789abcdefghij"


def piece(text: str, index: int = 0, reason: str | None = None) -> dict[str, Any]:
    return {
        "model": "local",
        "choices": [{"index": index, "text": text, "finish_reason": reason}],
    }


async def test_the_response_is_a_stream_of_the_extensions_chunks() -> None:
    body = {
        "prompt": "def add(a, b):\n    return ",
        "suffix": "\n\nprint(add(1, 2))",
        "max_tokens": 500,
        "temperature": 0.5,
        "top_p": 0.75,
        "n": 1,
        "stop": ["\n"],
        "stream": True,
        "extra": {
            "language": "python",
            "next_indent": 0,
            "trim_by_indentation": True,
            "prompt_tokens": 12,
            "suffix_tokens": 8,
            "context": ["Path: add.py"],
        },
        "code_annotations": False,
    }
    async with run_server(FakeEngine("a+b\nmore")) as server:
        sent = await server.stream(PATH, body, "cmpl")
        rendered = await server.engine.detokenize(server.engine.requests[0].prompt)

    assert sent == [piece("a+b"), piece("", reason="stop"), "[DONE]"]
    request = next(request for request in server.engine.requests if request.max_tokens)
    assert rendered == "<PRE><SUF>\n\nprint(add(1, 2))<MID>"
    assert request.tail == "def add(a, b):\n    return "
    assert (request.max_tokens, request.sampling, request.lane) == (
        96,
        Sampling(),
        Lane.COMPLETION,
    )


async def test_text_typed_along_an_answer_needs_no_model() -> None:
    body = {"prompt": "x = ", "extra": {"context": ["Path: a.py"]}}
    async with run_server(FakeEngine("a + b")) as server:
        await server.stream(PATH, body, "cmpl")
        sent = await server.stream(PATH, body | {"prompt": "x = a +"}, "cmpl")

    assert sent == [piece(" b"), piece("", reason="stop"), "[DONE]"]
    assert len(server.engine.requests) == 1


async def test_a_prompt_whose_start_slides_along_the_file_still_needs_no_model() -> None:
    file = "".join(f"line {n:03d} of the file\n" for n in range(200)) + "x = a +"
    body = {"extra": {"context": ["Path: a.py"]}}
    async with run_server(FakeEngine("a + b")) as server:
        for end in (-3, -2, -1):
            prompt = file[end - 2000 : end]
            sent = await server.stream(PATH, body | {"prompt": prompt}, "cmpl")

    assert sent == [piece("+ b"), piece("", reason="stop"), "[DONE]"]
    assert [request.max_tokens > 0 for request in server.engine.requests].count(True) == 1


@pytest.mark.parametrize(("n", "trigger"), [(1, Trigger.AUTOMATIC), (3, Trigger.INVOKED)])
def test_only_a_user_who_cycles_through_choices_has_invoked_them(n: int, trigger: Trigger) -> None:
    body = CopilotBody.model_validate({"prompt": "x = ", "n": n})
    request = build_completion_request(body, SlidingDocuments())
    assert (request.trigger, request.waits_for_whole) == (trigger, True)


async def test_the_suffix_begins_on_a_line_of_its_own() -> None:
    async with run_server(FakeEngine("x")) as server:
        await server.stream(PATH, {"prompt": "a = ", "suffix": "b = 1\n"}, "cmpl")
        rendered = await server.engine.detokenize(server.engine.requests[0].prompt)

    assert rendered == "<PRE><SUF>\nb = 1\n<MID>"


async def test_an_answer_ends_at_the_first_stop() -> None:
    body = {"prompt": "def f():\n    ", "stop": ["\n    c", "\n    b"]}
    async with run_server(FakeEngine("a = 1\n    b = 2\n    c = 3\n")) as server:
        sent = await server.stream(PATH, body, "cmpl")

    assert sent == [piece("a = 1"), piece("", reason="stop"), "[DONE]"]


async def test_cycling_gets_the_completion_and_samples_beside_it() -> None:
    body = {"prompt": "x = ", "n": 3, "temperature": 0.5, "top_p": 0.75}
    async with run_server(FakeEngine("ok")) as server:
        sent = await server.stream(PATH, body, "cmpl")

    assert sent == [
        piece("ok", 0),
        piece("", 0, "stop"),
        piece("ok", 1),
        piece("", 1, "stop"),
        piece("ok", 2),
        piece("", 2, "stop"),
        "[DONE]",
    ]
    sampled = Sampling(temperature=0.5, top_p=0.75)
    assert [request.sampling for request in server.engine.requests] == [
        Sampling(),
        sampled,
        sampled,
    ]


async def test_an_answer_at_a_lines_start_gets_the_indentation_it_lacks() -> None:
    body = {"prompt": "def f():\n", "suffix": "\n    return 1", "extra": {"next_indent": 4}}
    async with run_server(ScriptedEngine(Chunk("a = 1"), Chunk(" + 2"), STOP)) as server:
        sent = await server.stream(PATH, body, "cmpl")

    assert sent == [piece("    a = 1 + 2"), piece("", reason="stop"), "[DONE]"]


async def test_an_answer_that_brings_its_indentation_is_left_alone() -> None:
    body = {"prompt": "def f():\n", "extra": {"next_indent": 4}}
    async with run_server(ScriptedEngine(Chunk("        pass"), STOP)) as server:
        sent = await server.stream(PATH, body, "cmpl")

    assert sent == [piece("        pass"), piece("", reason="stop"), "[DONE]"]


@pytest.mark.parametrize(
    ("prompt", "next_indent", "missing"),
    [
        ("def f():\n", 4, "    "),
        ("class A:\n\tx = 1\n\n", 1, "\t"),
        ("if x {\n\tif y {\n", 2, "\t\t"),
        ("    a = 1\n", 4, "    "),
        ("        a = 1\n", 4, "    "),
        ("a = 1\n", 4, ""),
        ("    a = 1", 4, ""),
        ("def f():\n", 0, ""),
        ("", 4, ""),
    ],
)
def test_indentation_is_missing_only_at_a_lines_start_inside_a_block(
    prompt: str, next_indent: int, missing: str
) -> None:
    assert find_missing_indent(prompt, next_indent) == missing


async def test_a_model_without_fim_continues_the_text_before_the_cursor() -> None:
    info = msgspec.structs.replace(FAKE_MODEL, fim=FimTokens())
    async with run_server(FakeEngine("!", info=info)) as server:
        await server.stream(PATH, {"prompt": "before", "suffix": "after"}, "cmpl")

    assert server.engine.requests[0].tail == "before"


async def test_a_long_file_is_cut_to_the_budget_of_our_own_ghost_text() -> None:
    settings = CompletionSection(prefix_tokens=48, suffix_tokens=24)
    body = {"prompt": "x = 1\n" * 2000 + "y", "suffix": "\n" + "z = 1\n" * 2000}
    async with run_server(FakeEngine("!"), completion=settings) as server:
        await server.stream(PATH, body, "cmpl")

    prompt = await server.engine.detokenize(server.engine.requests[0].prompt)
    before, after = prompt.removeprefix("<PRE>").removesuffix("<MID>").split("<SUF>")
    lines = before.splitlines()
    assert lines == ["x = 1"] * len(lines)
    assert 5 < len(lines) < 20
    assert after == "\n" + "z = 1\n" * after.count("z")
    assert 2 < after.count("z") < 10


async def test_the_settings_limit_an_answer_that_names_no_limit(paris: RunningServer) -> None:
    await paris.stream(PATH, {"prompt": "x"}, "cmpl")

    assert paris.engine.requests[0].max_tokens == 96


async def test_a_busy_engine_is_503_which_does_not_disable_completions() -> None:
    async with run_server(ScriptedEngine(EngineBusy("64 requests wait"))) as server:
        response = await server.post(PATH, {"prompt": "x"})

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "engine_busy"


async def test_an_engine_that_dies_is_reported_before_the_stream_begins() -> None:
    engine = ScriptedEngine(Chunk("a"), EngineDied("the worker ended"))
    async with run_server(engine) as server:
        response = await server.post(PATH, {"prompt": "x"})

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "engine_died"


async def test_an_engine_that_dies_while_it_samples_ends_the_stream_with_an_error() -> None:
    async with run_server(DyingEngine("a")) as server:
        response = await server.post(PATH, {"prompt": "x = ", "n": 2})

    *_, last = parse_events(response.text)
    assert last == {
        "error": {
            "message": "the worker ended.",
            "type": "server_error",
            "param": None,
            "code": "engine_died",
        }
    }


class DyingEngine(FakeEngine):
    """Dies at the first request that samples."""

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        if request.sampling.temperature:
            raise EngineDied("the worker ended")
        async for event in super().generate(request):
            yield event


async def test_a_request_not_to_stream_is_refused(paris: RunningServer) -> None:
    response = await paris.post(PATH, {"prompt": "x", "stream": False})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "stream"


@pytest.mark.parametrize(
    "engine",
    [
        FakeEngine("ok"),
        ScriptedEngine(Chunk("a"), RuntimeError("bug")),
        ScriptedEngine(ValueError()),
    ],
    ids=["success", "failure in the stream", "failure before it"],
)
async def test_the_users_github_token_is_never_logged_nor_answered(
    engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    logging.getLogger("uvicorn.error").setLevel(1)
    try:
        async with run_server(engine) as server:
            answers = [
                await server.post(path, body, Authorization=f"Bearer {TOKEN}")
                for path, body in [
                    (PATH, {"prompt": "x"}),
                    (PATH, {"prompt": 1}),
                    ("/v1/completions", {"prompt": "x"}),
                    ("/nowhere", {}),
                ]
            ]
    finally:
        logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)

    logged = [record.getMessage() + str(record.exc_text) for record in caplog.records]
    assert logged, "the log has to be looked at"
    assert TOKEN not in "".join(logged)
    assert TOKEN not in "".join(answer.text for answer in answers)
    assert TOKEN not in repr(engine.requests)
