"""The routes under /api, and the page at / that clients use to find Ollama."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Request
from starlette.responses import PlainTextResponse, Response

import copilotd
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.engine.types import Phase, Sampling
from copilotd.errors import InvalidRequest
from copilotd.http.ollama import convert, examples, listing
from copilotd.http.ollama.convert import Line, LineWriter
from copilotd.http.ollama.errors import RESPONSES, write_ollama_error
from copilotd.http.ollama.schema import (
    ChatBody,
    EmbedBody,
    GenerateBody,
    OldEmbedBody,
    PullBody,
    ShowBody,
)
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.ndjson import LineStream, stream_lines
from copilotd.http.shared.untyped_json import UntypedRoute

router = APIRouter(tags=["Ollama"], responses=RESPONSES, route_class=UntypedRoute)


@router.get("/", include_in_schema=False)
@router.head("/", include_in_schema=False)
async def root() -> PlainTextResponse:
    """Ollama's clients request this page to find out whether Ollama runs."""
    return PlainTextResponse("Ollama is running: copilotd speaks its dialect. API page: /docs\n")


@router.get("/api/version", summary="The version")
async def version() -> dict[str, str]:
    """Copilotd's version with 1. in front, so clients take it for a newer Ollama."""
    return {"version": f"1.{copilotd.__version__}"}


@router.get("/api/tags", summary="The models")
async def tags(services: ServicesOf) -> dict[str, Any]:
    """The completion model, then the chat model if it is another."""
    return {"models": [listing.describe(model) for model in services.models.all]}


@router.get("/api/ps", summary="The models that are loaded")
async def loaded(services: ServicesOf) -> dict[str, Any]:
    """The models that are in memory."""
    ready = (m for m in services.models.all if m.engine.state.phase is Phase.READY)
    return {"models": [listing.describe_loaded(model) for model in ready]}


@router.post("/api/show", summary="The details of a model")
async def show(
    body: Annotated[ShowBody, Body(openapi_examples=examples.SHOW)],
    request: Request,
    services: ServicesOf,
) -> dict[str, Any]:
    """The named model, or else the chat model. copilotd loads it for this."""
    model = services.models.for_chat(body.model_name)
    return listing.describe_fully(await run_while_connected(request.receive, model.engine.info()))


@router.post("/api/pull", summary="Check that a model is here")
async def pull(
    body: Annotated[PullBody, Body(openapi_examples=examples.PULL)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """The models of the settings are; `copilotd models pull` downloads any other."""
    if not any(model.has_name(body.model_name) for model in services.models.all):
        raise InvalidRequest(
            f"{body.model_name!r} is not served here",
            "`copilotd models pull` downloads a model, and the setting model.name selects it.",
        )
    return await _send_lines(request, body.stream, _pull_lines())


@router.post("/api/chat", summary="Answer a conversation")
async def chat(
    body: Annotated[ChatBody, Body(openapi_examples=examples.CHAT)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """The model answers, with the chat template of its own GGUF; it may call the given tools."""
    model = services.models.for_chat(body.model_name)
    writer = LineWriter.start(body.model or model.alias, is_chat=True)
    if not body.messages:
        await run_while_connected(request.receive, model.load())
        return _to_response(writer.write_loaded())
    default = Sampling(temperature=model.chat.settings.temperature)
    events = model.chat.stream_events(convert.parse_chat_request(body, default))
    return await _answer(request, body.stream, writer, events)


@router.post("/api/generate", summary="Answer or continue a text, or fill in its middle")
async def generate(
    body: Annotated[GenerateBody, Body(openapi_examples=examples.GENERATE)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """The model answers the prompt; with `raw` or a `suffix` it continues the prompt as it is."""
    is_text = body.raw or bool(body.suffix)
    models = services.models
    model = models.for_text(body.model_name) if is_text else models.for_chat(body.model_name)
    writer = LineWriter.start(body.model or model.alias, is_chat=False)
    if not body.prompt and not body.suffix:
        await run_while_connected(request.receive, model.load())
        return _to_response(writer.write_loaded())
    default = Sampling(temperature=model.chat.settings.temperature)
    events: AsyncGenerator[ChatEvent, None] = (
        model.text.generate(convert.parse_text_request(body))
        if is_text
        else model.chat.stream_events(convert.parse_question(body, default))
    )
    return await _answer(request, body.stream, writer, events)


@router.post("/api/embed", summary="Turn texts into vectors")
async def embed(
    body: Annotated[EmbedBody, Body(openapi_examples=examples.EMBED)],
    request: Request,
    services: ServicesOf,
) -> dict[str, Any]:
    """One vector of unit length for each text."""
    model = services.models.for_embedding(body.model_name)
    info = await run_while_connected(request.receive, model.text.info())
    if body.dimensions not in (None, info.n_embd):
        raise InvalidRequest(f"{info.name} has {info.n_embd} dimensions, not {body.dimensions}")
    texts = [body.input] if isinstance(body.input, str) else body.input
    embedded = await run_while_connected(request.receive, model.text.embed([*texts]))
    return {
        "model": body.model or model.alias,
        "embeddings": embedded.vectors,
        "prompt_eval_count": embedded.tokens,
    }


@router.post("/api/embeddings", summary="Turn one text into a vector, the older way")
async def embed_one(
    body: Annotated[OldEmbedBody, Body(openapi_examples=examples.EMBED_ONE)],
    request: Request,
    services: ServicesOf,
) -> dict[str, Any]:
    """A vector of unit length."""
    model = services.models.for_embedding(body.model_name)
    embedded = await run_while_connected(request.receive, model.text.embed([body.prompt]))
    return {"embedding": embedded.vectors[0]}


async def _answer(
    request: Request, stream: bool, writer: LineWriter, events: AsyncGenerator[ChatEvent, None]
) -> Response:
    if stream:
        return await _send_lines(request, stream, convert.stream_lines(writer, events))
    return _to_response(
        await run_while_connected(request.receive, convert.collect_line(writer, events))
    )


async def _send_lines(
    request: Request, stream: bool, lines: AsyncGenerator[Line, None]
) -> Response:
    if stream:
        return await LineStream.open(request, stream_lines(lines, write_ollama_error))
    return _to_response([line async for line in lines][-1])


async def _pull_lines() -> AsyncGenerator[Line, None]:
    yield {"status": "success"}


def _to_response(line: Line) -> Response:
    return Response(msgspec.json.encode(line), media_type="application/json")
