"""The endpoint."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from copilotd.completion.types import Outcome, Status
from copilotd.errors import EngineNotReady
from copilotd.http.llama_cpp.infill import convert
from copilotd.http.llama_cpp.infill.schema import EXAMPLES, Infill, InfillBody
from copilotd.http.llama_cpp.selection import selected
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import LLAMA_CPP_RESPONSES

router = APIRouter(tags=["llama.cpp"])

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": Infill, "description": "All of it, or the fields that were asked for."}
}


@router.post(
    "/infill",
    summary="Ghost text for llama.vim and llama.vscode",
    response_class=JSONResponse,
    responses=_ANSWER | LLAMA_CPP_RESPONSES,
)
async def infill(
    body: Annotated[InfillBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> JSONResponse:
    """The same suggestion that an editor of our own would get, with the same economy.

    A newer request ends one that is still being answered, with an empty answer.
    """
    wanted = convert.completion_request(body)
    if body.n_predict == 0:
        services.completion.opened(wanted.document)
        outcome = Outcome(Status.SKIPPED, "it was only to be read")
    else:
        outcome = await while_connected(request.receive, services.completion.complete(wanted))
    if outcome.status is Status.FAILED:
        raise EngineNotReady(outcome.reason)
    answer = convert.infill(wanted, outcome, services.models.completion.alias)
    return JSONResponse(selected(answer.model_dump(), body.response_fields))
