import asyncio
from typing import Any

import pytest

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk
from copilotd.errors import (
    CopilotdError,
    DownloadFailed,
    EngineBusy,
    EngineDied,
    EngineLoadFailed,
    EngineNotReady,
    InvalidRequest,
)
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import JSON, RunningServer, parse_events, run_server

COMPLETIONS = "/v1/completions"
CHAT = "/v1/chat/completions"
HI = {"messages": [{"role": "user", "content": "Hi"}]}


def error(message: str, kind: str, param: str | None, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def invalid(message: str, param: str | None, code: str = "invalid_value") -> dict[str, Any]:
    return error(message, "invalid_request_error", param, code)


def anthropics(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


FAILURES: list[tuple[CopilotdError, int, str | None, dict[str, Any]]] = [
    (
        EngineBusy("64 requests wait already", "Try again in a moment."),
        503,
        "1",
        error(
            "64 requests wait already. Try again in a moment.",
            "server_error",
            None,
            "engine_busy",
        ),
    ),
    (
        EngineNotReady("qwen is being downloaded"),
        503,
        "5",
        error("qwen is being downloaded.", "server_error", None, "engine_not_ready"),
    ),
    (
        EngineDied("the worker ended"),
        503,
        "1",
        error("the worker ended.", "server_error", None, "engine_died"),
    ),
    (
        EngineLoadFailed("not a GGUF"),
        500,
        None,
        error("not a GGUF.", "server_error", None, "engine_load_failed"),
    ),
    (
        DownloadFailed("no source answers"),
        500,
        None,
        error("no source answers.", "server_error", None, "model_unavailable"),
    ),
    (
        InvalidRequest("the prompt is empty"),
        400,
        None,
        invalid("the prompt is empty.", None, "invalid_request"),
    ),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("failure", "status", "retry_after", "body"),
    FAILURES,
    ids=[type(failure[0]).__name__ for failure in FAILURES],
)
async def test_a_failure_before_the_first_token_has_a_status_of_its_own(
    failure: CopilotdError, status: int, retry_after: str | None, body: Any, stream: bool
) -> None:
    async with run_server(ScriptedEngine(failure)) as server:
        response = await server.post(COMPLETIONS, {"prompt": "x", "stream": stream})

    assert response.status_code == status
    assert response.headers.get("retry-after") == retry_after
    assert response.json() == body


async def test_a_prompt_that_exceeds_the_context_is_context_length_exceeded() -> None:
    async with run_server(FakeEngine()) as server:
        completion = await server.post(COMPLETIONS, {"prompt": "x" * 4096})
        chat = await server.post(
            CHAT, {"messages": [{"role": "user", "content": "x" * 5000}], "stream": True}
        )

    assert (completion.status_code, chat.status_code) == (400, 400)
    assert completion.json() == invalid(
        "the prompt has 4096 tokens, the context 4096. Shorten the prompt, or raise model.n_ctx.",
        None,
        "context_length_exceeded",
    )
    assert chat.json()["error"]["code"] == "context_length_exceeded"


async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event() -> None:
    engine = ScriptedEngine(Chunk("a"), EngineDied("the worker ended", "Try again."))
    async with run_server(engine) as server:
        response = await server.post(CHAT, HI | {"stream": True})

    assert response.status_code == 200
    sent = parse_events(response.text)
    assert [c["choices"][0]["delta"] for c in sent[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": "a"},
    ]
    assert sent[-1] == error("the worker ended. Try again.", "server_error", None, "engine_died")


async def test_a_failure_after_some_text_of_a_whole_answer_is_an_error() -> None:
    async with run_server(ScriptedEngine(Chunk("a"), EngineDied("the worker ended"))) as server:
        response = await server.post(COMPLETIONS, {"prompt": "x"})

    assert response.status_code == 503


UNFORESEEN = error(
    "copilotd failed unexpectedly; its log says more: copilotd logs.",
    "server_error",
    None,
    "internal_error",
)


async def test_a_bug_is_500_in_the_same_shape_and_reveals_nothing_of_the_request() -> None:
    async with run_server(ScriptedEngine(ValueError("secret code"))) as server:
        response = await server.post(COMPLETIONS, {"prompt": "x"})

    assert response.status_code == 500
    assert response.json() == UNFORESEEN


async def test_a_bug_in_the_middle_of_a_stream_is_its_last_event() -> None:
    async with run_server(ScriptedEngine(Chunk("a"), ValueError("secret code"))) as server:
        response = await server.post(COMPLETIONS, {"prompt": "x", "stream": True})

    assert parse_events(response.text)[-1] == UNFORESEEN


@pytest.mark.parametrize(
    ("path", "body", "param", "message"),
    [
        (COMPLETIONS, {}, "prompt", "prompt: Field required."),
        (
            COMPLETIONS,
            {"prompt": 1},
            "prompt",
            "prompt: should be a string, a list of strings, a list of token ids or a list of such "
            "lists.",
        ),
        (COMPLETIONS, {"prompt": []}, "prompt", "prompt: should have 1 to 2048 entries."),
        (
            "/v1/embeddings",
            {"input": ["a"] * 2049},
            "input",
            "input: should have 1 to 2048 entries.",
        ),
        (
            COMPLETIONS,
            {"prompt": "x", "n": 0},
            "n",
            "n: Input should be greater than or equal to 1.",
        ),
        (
            COMPLETIONS,
            {"prompt": "x", "n": 2, "best_of": 3},
            "best_of",
            "best_of: should equal n, or be left out.",
        ),
        (
            COMPLETIONS,
            {"prompt": [1], "suffix": "x"},
            "suffix",
            "suffix: needs a prompt that is text, not token ids.",
        ),
        (
            COMPLETIONS,
            {"prompt": "x", "stop": [""]},
            "stop",
            "stop.0: String should have at least 1 character.",
        ),
        (
            COMPLETIONS,
            {"prompt": "x", "logit_bias": {"word": 1}},
            "logit_bias",
            "logit_bias.word.[key]: Input should be a valid integer, unable to parse string as an "
            "integer.",
        ),
        (
            CHAT,
            {"messages": []},
            "messages",
            "messages: List should have at least 1 item after validation, not 0.",
        ),
        (
            CHAT,
            HI | {"tools": [{"type": "function"}]},
            "tools",
            "tools.0.function: Field required.",
        ),
        (
            CHAT,
            HI | {"response_format": {"type": "json_schema"}},
            "response_format",
            "response_format.json_schema.json_schema: Field required.",
        ),
        (
            CHAT,
            HI | {"top_logprobs": 2},
            "top_logprobs",
            "top_logprobs: needs logprobs to be true.",
        ),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages",
            "messages.0.content: accepts text and image parts only, not input_audio.",
        ),
        (
            CHAT,
            {"messages": [{"role": "wizard", "content": "x"}]},
            "messages",
            "messages.0.role: "
            "Input should be 'system', 'developer', 'user', 'assistant' or 'tool'.",
        ),
        (
            "/v1/embeddings",
            {"input": ["a", ""]},
            "input",
            "input: should not contain an empty string.",
        ),
    ],
)
async def test_a_request_that_is_not_valid_is_400_and_names_the_field(
    paris: RunningServer, path: str, body: Any, param: str, message: str
) -> None:
    response = await paris.post(path, body)

    assert response.status_code == 400
    assert response.json() == invalid(message, param)
    assert paris.engine.requests == []


async def test_a_number_that_is_not_finite_is_refused(paris: RunningServer) -> None:
    response = await paris.client.post(
        COMPLETIONS,
        content='{"prompt": "x", "temperature": NaN}',
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 400
    assert response.json() == invalid(
        "temperature: Input should be a finite number.", "temperature"
    )


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ('{"prompt": ', "application/json", "The body is not JSON: Expecting value."),
        (
            '{"prompt": "x"}',
            "text/plain",
            "Send a JSON object, with the header Content-Type: application/json.",
        ),
        (
            "[]",
            "application/json",
            "Send a JSON object, with the header Content-Type: application/json.",
        ),
        (
            "",
            "application/json",
            "Send a JSON object, with the header Content-Type: application/json.",
        ),
    ],
    ids=["broken JSON", "another type", "no object", "no body"],
)
async def test_a_body_that_is_not_a_json_object_is_400_and_says_what_to_send(
    paris: RunningServer, content: str, kind: str, message: str
) -> None:
    response = await paris.client.post(COMPLETIONS, content=content, headers={"content-type": kind})

    assert response.status_code == 400
    assert response.json() == invalid(message, None, "invalid_body")


async def test_an_unknown_path_is_404_in_the_same_shape(paris: RunningServer) -> None:
    response = await paris.client.get("/v2/nothing")

    assert response.status_code == 404
    assert response.json() == invalid(
        "There is no GET /v2/nothing; the API page is at /docs.", None, "unknown_url"
    )


async def test_a_wrong_method_is_405_in_the_same_shape(paris: RunningServer) -> None:
    response = await paris.client.get(COMPLETIONS)

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json() == invalid(
        "/v1/completions does not accept GET; the API page is at /docs.",
        None,
        "method_not_supported",
    )


TOO_LARGE = invalid("The body exceeds 8388608 bytes.", None, "request_too_large")


async def test_a_declared_length_that_is_too_large_is_413(paris: RunningServer) -> None:
    response = await paris.post(COMPLETIONS, {"prompt": "x" * 8 * 1024 * 1024})

    assert response.status_code == 413
    assert response.json() == TOO_LARGE


async def test_a_declared_length_is_checked_before_the_body_is_sent(paris: RunningServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", paris.port)
    writer.write(
        b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    )
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()

    assert line.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_turns_out_too_large_is_413(paris: RunningServer) -> None:
    async def endless() -> Any:
        for _ in range(9):
            yield b"x" * 1024 * 1024

    response = await paris.client.post(
        COMPLETIONS, content=endless(), headers={"content-type": "application/json"}
    )

    assert response.status_code == 413
    assert response.json() == TOO_LARGE
    assert paris.engine.requests == []


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "message"),
    [
        ("/v1/messages", {}, 400, "invalid_request_error", "messages: Field required."),
        (
            "/v1/messages/count_tokens",
            [],
            400,
            "invalid_request_error",
            "Send a JSON object, with the header Content-Type: application/json.",
        ),
        (
            "/v1/messages/batches",
            {},
            404,
            "not_found_error",
            "There is no POST /v1/messages/batches; the API page is at /docs.",
        ),
        (
            "/v1/messages",
            {"system": "x" * 8 * 1024 * 1024},
            413,
            "request_too_large",
            "The body exceeds 8388608 bytes.",
        ),
    ],
)
async def test_anthropics_clients_get_errors_in_its_shape(
    paris: RunningServer, path: str, body: Any, status: int, kind: str, message: str
) -> None:
    response = await paris.post(path, body)

    assert response.status_code == status
    assert response.json() == anthropics(kind, message)


async def test_a_wrong_method_of_anthropics_dialect_is_an_invalid_request(
    paris: RunningServer,
) -> None:
    response = await paris.client.get("/v1/messages")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json() == anthropics(
        "invalid_request_error", "/v1/messages does not accept GET; the API page is at /docs."
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (
            "/api/embed",
            {"dimensions": 0},
            400,
            "dimensions: Input should be greater than or equal to 1.",
        ),
        ("/api/push", {}, 404, "There is no POST /api/push; the API page is at /docs."),
        ("/api/tags", {}, 405, "/api/tags does not accept POST; the API page is at /docs."),
    ],
)
async def test_ollamas_clients_get_errors_in_its_shape(
    paris: RunningServer, path: str, body: Any, status: int, message: str
) -> None:
    response = await paris.post(path, body)

    assert response.status_code == status
    assert response.json() == {"error": message}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", anthropics("overloaded_error", "64 wait.")),
        ("/api/chat", {"error": "64 wait."}),
    ],
)
async def test_status_and_retry_are_the_same_in_every_shape(path: str, body: Any) -> None:
    async with run_server(ScriptedEngine(EngineBusy("64 wait"))) as server:
        response = await server.post(path, HI)

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == body


FOREIGN_PAGE = (
    "Web pages from 'https://evil.example' may not call copilotd; "
    "add the origin to server.allowed_origins if you want to allow them."
)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", anthropics("permission_error", FOREIGN_PAGE)),
        ("/api/chat", {"error": FOREIGN_PAGE}),
    ],
)
async def test_a_web_page_is_refused_in_the_shape_of_the_dialect(
    paris: RunningServer, path: str, body: Any
) -> None:
    response = await paris.post(path, HI, Origin="https://evil.example")

    assert response.status_code == 403
    assert response.json() == body


async def test_any_model_name_is_accepted(paris: RunningServer) -> None:
    response = await paris.post(COMPLETIONS, {"prompt": "x", "model": "gpt-99"})

    assert response.status_code == 200
    assert response.json()["model"] == "local"


@pytest.mark.parametrize("echo", [False, True])
async def test_an_unknown_token_id_is_an_invalid_request(paris: RunningServer, echo: bool) -> None:
    response = await paris.post(COMPLETIONS, {"prompt": [99_999_999], "echo": echo})

    assert response.status_code == 400
    assert response.json() == invalid(
        "a token id is outside the vocabulary.", None, "invalid_request"
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (COMPLETIONS, r'{"prompt": "x", "logit_bias": {"\ud800": 1}}'),
        ("/v1/messages", r'{"messages": [], "max_tokens": 9, "model": "\ud800"}'),
        ("/api/chat", r'{"messages": [], "model": "\ud800"}'),
    ],
)
async def test_half_a_surrogate_pair_is_an_error_of_the_client(
    paris: RunningServer, path: str, body: str
) -> None:
    response = await paris.client.post(path, content=body, headers=JSON)

    assert response.status_code == 400
