"""The endpoints."""

import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import PlainTextResponse

from copilotd.http.llama_cpp.server import convert
from copilotd.http.llama_cpp.server.schema import Models, Props, Slot
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import LLAMA_CPP_RESPONSES

router = APIRouter(tags=["llama.cpp"], responses=LLAMA_CPP_RESPONSES)


@router.get("/props", summary="What runs, as llama.cpp's server says it")
async def props(request: Request, services: ServicesOf) -> Props:
    """The model, the size of its context, and what happens to fields that are left open."""
    asking = convert.props(services.models.completion, services.llama_cpp)
    return await while_connected(request.receive, asking)


@router.get("/slots", summary="How many requests are under way")
async def slots(
    request: Request,
    services: ServicesOf,
    fail_on_no_slot: Annotated[bool, Query(description="Answer 503 if all are busy.")] = False,
) -> list[Slot]:
    """As many slots as llama_cpp.slots of the settings says; they are busy in their order."""
    if not services.llama_cpp.show_slots:
        raise HTTPException(501, "/slots is turned off: llama_cpp.show_slots")
    model = services.models.completion
    info = await while_connected(request.receive, model.text.info())
    found = convert.slots(info, model.engine.stats(), services.llama_cpp)
    if fail_on_no_slot and all(slot.is_processing for slot in found):
        raise HTTPException(503, "no slot is free")
    return found


@router.get("/metrics", summary="Counts and rates for Prometheus", response_class=PlainTextResponse)
async def metrics(services: ServicesOf) -> PlainTextResponse:
    """Of the model that completes, since the daemon's start."""
    if not services.llama_cpp.metrics:
        raise HTTPException(501, "/metrics is turned off: llama_cpp.metrics")
    stats = services.models.completion.engine.stats()
    born = int(time.time() - services.status().uptime)
    response = PlainTextResponse(convert.metrics(stats), media_type="text/plain; version=0.0.4")
    # As it is written there; the framework would write it small.
    response.raw_headers.append((b"Process-Start-Time-Unix", str(born).encode()))
    return response


@router.get("/models", summary="List the models, as llama.cpp's server does")
async def models(services: ServicesOf) -> Models:
    """As /v1/models, with what the model's file says of it."""
    born = int(time.time() - services.status().uptime)
    return Models(data=[convert.listed(model, born) for model in services.models.all])
