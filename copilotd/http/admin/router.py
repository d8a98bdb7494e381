"""The routes under /admin."""

from fastapi import APIRouter, Request, Response

from copilotd.completion.types import OutcomeRecord
from copilotd.http.admin import convert
from copilotd.http.admin.schema import CursorBody, Stopping
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.sse import EventStream

router = APIRouter(prefix="/admin", tags=["admin"])


@router.get("/status", summary="The state of the daemon", response_class=Response)
async def status(services: ServicesOf) -> Response:
    """Model, memory, uptime, connected editors, and counts since the start."""
    return convert.to_json_response(services.status())


@router.post(
    "/complete",
    summary="Ghost text at a cursor, with its explanation",
    response_class=Response,
    responses=RESPONSES,
)
async def complete(body: CursorBody, request: Request, services: ServicesOf) -> Response:
    """The completion that an editor would show there, or why it would show none."""
    completion_request = convert.build_completion_request(body, services.completion.budget)
    outcome = await run_while_connected(
        request.receive, services.completion.complete(completion_request)
    )
    return convert.to_json_response(OutcomeRecord.of(outcome))


@router.post(
    "/tune",
    summary="Measure what the model costs on this machine",
    status_code=200,
    response_class=EventStream,
    responses=RESPONSES,
)
async def tune(request: Request, services: ServicesOf) -> EventStream:
    """Server-sent events with the progress, then the result."""
    return await EventStream.open(request, convert.stream_tuning(services.tune()))


@router.post("/stop", summary="Stop the daemon", status_code=202)
async def stop(services: ServicesOf) -> Stopping:
    """The daemon finishes this request and stops."""
    services.stop()
    return Stopping()


@router.get(
    "/events", summary="The engine's state, live", status_code=200, response_class=EventStream
)
async def events(request: Request, services: ServicesOf) -> EventStream:
    """Server-sent events: the current state of the completion model's engine, then each new one."""
    engine = services.models.completion.engine
    return await EventStream.open(request, convert.stream_states(engine))
