"""The route of /infill."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from copilotd.completion.types import NotShown, Outcome, Status
from copilotd.errors import EngineNotReady
from copilotd.http.llama_cpp.errors import RESPONSES
from copilotd.http.llama_cpp.infill import convert
from copilotd.http.llama_cpp.infill.schema import EXAMPLES, Infill, InfillBody
from copilotd.http.llama_cpp.selection import select_fields
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected

router = APIRouter(tags=["llama.cpp"])

_SUCCESS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Infill,
        "description": "The whole response, or the fields that the request selects.",
    }
}


@router.post(
    "/infill",
    summary="Ghost text for llama.vim and llama.vscode",
    response_class=JSONResponse,
    responses=_SUCCESS | RESPONSES,
)
async def infill(
    body: Annotated[InfillBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> JSONResponse:
    """The same completion that copilotd's own editors get, at the same cost.

    A newer request ends an older one that is still running; that one gets an empty completion.
    """
    completion_request = convert.build_completion_request(body)
    if body.n_predict == 0:
        services.completion.on_focus(completion_request.document)
        outcome: Outcome = NotShown(Status.SKIPPED, "the request only warms the cache")
    else:
        outcome = await run_while_connected(
            request.receive, services.completion.complete(completion_request)
        )
    if outcome.status is Status.FAILED:
        raise EngineNotReady(outcome.reason)
    answer = convert.build_infill(completion_request, outcome, services.models.completion.alias)
    return JSONResponse(select_fields(answer.model_dump(), body.response_fields))
