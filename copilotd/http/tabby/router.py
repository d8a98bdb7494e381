"""The routes of Tabby's dialect, besides /v1/completions."""

from fastapi import APIRouter, Request, Response

from copilotd.http.health import judge_state
from copilotd.http.services import Services, ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.tabby import convert
from copilotd.http.tabby.schema import (
    ServerSetting,
    TabbyBody,
    TabbyCompletion,
    TabbyEvent,
    TabbyHealth,
)

router = APIRouter(tags=["Tabby"])


async def complete(body: TabbyBody, request: Request, services: Services) -> TabbyCompletion:
    """The completion that copilotd's own editors would show there, from the whole pipeline."""
    completion_request = convert.build_completion_request(body)
    outcome = await run_while_connected(
        request.receive, services.completion.complete(completion_request)
    )
    return convert.build_completion(completion_request, outcome)


@router.get("/v1/health", summary="The models and the machine, for Tabby's plug-ins")
@router.post("/v1/health", include_in_schema=False)
async def health(response: Response, services: ServicesOf) -> TabbyHealth:
    """Older plug-ins send POST. llama-server has this path too."""
    response.status_code, word = judge_state(services.models.completion.engine.state)
    return convert.build_health(services.models, word)


@router.get("/v1beta/server_setting", summary="Settings for Tabby's plug-ins")
async def server_setting() -> ServerSetting:
    """Telemetry is off."""
    return ServerSetting()


@router.post("/v1/events", summary="What the user did with a completion", response_class=Response)
async def event(body: TabbyEvent, services: ServicesOf) -> Response:
    """Counted like the feedback of copilotd's own editors."""
    record = {
        "view": services.completion.mark_drawn,
        "select": services.completion.accept,
        "dismiss": services.completion.reject,
    }.get(body.type)
    if record is not None:
        record(body.completion_id)
    return Response(status_code=200)
