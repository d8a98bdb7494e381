"""The endpoints."""

from fastapi import APIRouter, Request, Response

from copilotd.http.health import verdict
from copilotd.http.services import Services, ServicesOf
from copilotd.http.shared.disconnect import while_connected
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
    """What our own editors would show there, by the whole pipeline."""
    wanted = convert.completion_request(body)
    outcome = await while_connected(request.receive, services.completion.complete(wanted))
    return convert.completion(outcome)


@router.get("/v1/health", summary="The models and the machine, for Tabby's plug-ins")
@router.post("/v1/health", include_in_schema=False)
async def health(response: Response, services: ServicesOf) -> TabbyHealth:
    """Older plug-ins ask with POST for the same. llama-server has an address of this name too."""
    response.status_code, word = verdict(services.models.completion.engine.state)
    return convert.health(services.models, word)


@router.get("/v1beta/server_setting", summary="What Tabby's plug-ins shall do")
async def server_setting() -> ServerSetting:
    """They shall report nothing."""
    return ServerSetting()


@router.post("/v1/events", summary="What became of a suggestion", response_class=Response)
async def event(body: TabbyEvent, services: ServicesOf) -> Response:
    """Counted like our own editors' acceptance."""
    settle = {
        "view": services.completion.shown,
        "select": services.completion.accept,
        "dismiss": services.completion.reject,
    }.get(body.type)
    if settle is not None:
        settle(body.completion_id)
    return Response(status_code=200)
