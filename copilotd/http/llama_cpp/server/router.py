"""The routes of /props, /slots, /metrics and /models."""

import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import PlainTextResponse

from copilotd.http.llama_cpp.errors import RESPONSES
from copilotd.http.llama_cpp.server import convert
from copilotd.http.llama_cpp.server.schema import Models, Props, Slot
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected

router = APIRouter(tags=["llama.cpp"], responses=RESPONSES)


@router.get("/props", summary="The model and the server's properties")
async def props(request: Request, services: ServicesOf) -> Props:
    """The model, the size of its context, and the defaults for fields that a request leaves out."""
    props = convert.build_props(services.models.completion, services.llama_cpp)
    return await run_while_connected(request.receive, props)


@router.get("/slots", summary="How many requests are running")
async def slots(
    request: Request,
    services: ServicesOf,
    fail_on_no_slot: Annotated[
        bool, Query(description="Answer 503 if all slots are busy.")
    ] = False,
) -> list[Slot]:
    """Reports llama_cpp.slots slots; as many are busy as there are running or waiting requests."""
    if not services.llama_cpp.show_slots:
        raise HTTPException(501, "/slots is turned off: llama_cpp.show_slots")
    model = services.models.completion
    info = await run_while_connected(request.receive, model.text.info())
    slots = convert.build_slots(info, model.engine.stats(), services.llama_cpp)
    if fail_on_no_slot and all(slot.is_processing for slot in slots):
        raise HTTPException(503, "no slot is free")
    return slots


@router.get("/metrics", summary="Counts and rates for Prometheus", response_class=PlainTextResponse)
async def metrics(services: ServicesOf) -> PlainTextResponse:
    """The counts are those of the completion model since the daemon started."""
    if not services.llama_cpp.metrics:
        raise HTTPException(501, "/metrics is turned off: llama_cpp.metrics")
    stats, status = services.models.completion.engine.stats(), services.status()
    started = int(time.time() - status.uptime)
    response = PlainTextResponse(
        convert.render_metrics(stats, status.stall_ms), media_type="text/plain; version=0.0.4"
    )
    # llama-server spells the name like this; the framework would write it in lower case.
    response.raw_headers.append((b"Process-Start-Time-Unix", str(started).encode()))
    return response


@router.get("/models", summary="List the models, as llama.cpp's server does")
async def models(services: ServicesOf) -> Models:
    """Like /v1/models, with facts from the model's file."""
    started = int(time.time() - services.status().uptime)
    return Models(data=[convert.build_model(model, started) for model in services.models.all])
