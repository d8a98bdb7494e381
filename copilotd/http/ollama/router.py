"""The endpoints."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Request
from starlette.responses import PlainTextResponse, Response

import copilotd
from copilotd.chat.tool_calls.stream import Heard
from copilotd.engine.types import Phase, Sampling
from copilotd.errors import InvalidRequest
from copilotd.http.ollama import convert, examples, listing
from copilotd.http.ollama.convert import Line, Telling
from copilotd.http.ollama.schema import (
    ChatBody,
    EmbedBody,
    GenerateBody,
    OldEmbedBody,
    PullBody,
    ShowBody,
)
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import OllamaError, responses
from copilotd.http.shared.ndjson import LineStream, json_lines
from copilotd.http.shared.untyped_json import UntypedRoute

router = APIRouter(tags=["Ollama"], responses=responses(OllamaError), route_class=UntypedRoute)


@router.get("/", include_in_schema=False)
@router.head("/", include_in_schema=False)
async def root() -> PlainTextResponse:
    """What Ollama's clients look at to see whether it is there."""
    return PlainTextResponse("Ollama is running: copilotd speaks its dialect. API page: /docs\n")


@router.get("/api/version", summary="The version")
async def version() -> dict[str, str]:
    """Ours. Clients that compare it with Ollama's take it as that of a newer one."""
    return {"version": f"1.{copilotd.__version__}"}


@router.get("/api/tags", summary="The models")
async def tags(services: ServicesOf) -> dict[str, Any]:
    """The model that completes, then the one that chats if that is another."""
    return {"models": [listing.entry(model) for model in services.models.all]}


@router.get("/api/ps", summary="The models that are loaded")
async def loaded(services: ServicesOf) -> dict[str, Any]:
    """Those of them that are in memory."""
    ready = (m for m in services.models.all if m.engine.state.phase is Phase.READY)
    return {"models": [listing.running(model) for model in ready]}


@router.post("/api/show", summary="All about a model")
async def show(
    body: Annotated[ShowBody, Body(openapi_examples=examples.SHOW)],
    request: Request,
    services: ServicesOf,
) -> dict[str, Any]:
    """The model that is named, or the one for chat; it is loaded for that."""
    model = services.models.for_chat(body.called)
    return listing.shown(await while_connected(request.receive, model.engine.info()))


@router.post("/api/pull", summary="Make sure that a model is there")
async def pull(
    body: Annotated[PullBody, Body(openapi_examples=examples.PULL)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Those that the settings name are; any other is pulled with `copilotd models pull`."""
    if not any(model.is_called(body.called) for model in services.models.all):
        raise InvalidRequest(
            f"{body.called!r} is not served here",
            "`copilotd models pull` fetches a model, and model.name of the settings chooses it.",
        )
    return await _answered(request, body.stream, _pulled())


@router.post("/api/chat", summary="Answer a conversation")
async def chat(
    body: Annotated[ChatBody, Body(openapi_examples=examples.CHAT)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """The model answers, by the chat template of its own GGUF; it may call the tools given."""
    model = services.models.for_chat(body.called)
    telling = Telling.of(body.model or model.alias, is_chat=True)
    if not body.messages:
        await while_connected(request.receive, model.load())
        return _json(telling.loaded())
    default = Sampling(temperature=model.chat.settings.temperature)
    events = model.chat.reply(convert.chat_request(body, default))
    return await _told(request, body.stream, telling, events)


@router.post("/api/generate", summary="Answer or continue a text, or fill in its middle")
async def generate(
    body: Annotated[GenerateBody, Body(openapi_examples=examples.GENERATE)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """A prompt is answered as a question; with `raw` or a `suffix` it is continued as it is."""
    is_text = body.raw or bool(body.suffix)
    models = services.models
    model = models.for_text(body.called) if is_text else models.for_chat(body.called)
    telling = Telling.of(body.model or model.alias, is_chat=False)
    if not body.prompt and not body.suffix:
        await while_connected(request.receive, model.load())
        return _json(telling.loaded())
    default = Sampling(temperature=model.chat.settings.temperature)
    events: AsyncGenerator[Heard, None] = (
        model.text.generate(convert.continued(body))
        if is_text
        else model.chat.reply(convert.asked(body, default))
    )
    return await _told(request, body.stream, telling, events)


@router.post("/api/embed", summary="Turn texts into vectors")
async def embed(
    body: Annotated[EmbedBody, Body(openapi_examples=examples.EMBED)],
    request: Request,
    services: ServicesOf,
) -> dict[str, Any]:
    """One vector of unit length per text."""
    model = services.models.for_embedding(body.called)
    info = await while_connected(request.receive, model.text.info())
    if body.dimensions not in (None, info.n_embd):
        raise InvalidRequest(f"{info.name} has {info.n_embd} dimensions, not {body.dimensions}")
    texts = [body.input] if isinstance(body.input, str) else body.input
    found = await while_connected(request.receive, model.text.embed([*texts]))
    return {
        "model": body.model or model.alias,
        "embeddings": found.vectors,
        "prompt_eval_count": found.tokens,
    }


@router.post("/api/embeddings", summary="Turn one text into a vector, the older way")
async def embed_one(
    body: Annotated[OldEmbedBody, Body(openapi_examples=examples.EMBED_ONE)],
    request: Request,
    services: ServicesOf,
) -> dict[str, Any]:
    """A vector of unit length."""
    model = services.models.for_embedding(body.called)
    found = await while_connected(request.receive, model.text.embed([body.prompt]))
    return {"embedding": found.vectors[0]}


async def _told(
    request: Request, stream: bool, telling: Telling, events: AsyncGenerator[Heard, None]
) -> Response:
    if stream:
        return await _answered(request, stream, convert.lines(telling, events))
    return _json(await while_connected(request.receive, convert.whole(telling, events)))


async def _answered(request: Request, stream: bool, lines: AsyncGenerator[Line, None]) -> Response:
    if stream:
        return await LineStream.opened(request, json_lines(lines))
    return _json([line async for line in lines][-1])


async def _pulled() -> AsyncGenerator[Line, None]:
    yield {"status": "success"}


def _json(line: Line) -> Response:
    return Response(msgspec.json.encode(line), media_type="application/json")
