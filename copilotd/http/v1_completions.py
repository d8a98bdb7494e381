"""POST /v1/completions, which two dialects use: OpenAI's clients and Tabby's editor plug-ins.

The body shows which dialect it is: only Tabby's has the field `segments`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import Discriminator, Tag

from copilotd.http.openai import completions as openai
from copilotd.http.openai.completions.schema import EXAMPLES, Completion, CompletionBody
from copilotd.http.services import ServicesOf
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.fields import DIALECT_TAG
from copilotd.http.shared.sse import STREAMED, EventStream
from copilotd.http.tabby import complete as complete_for_tabby
from copilotd.http.tabby.schema import EXAMPLES as TABBY_EXAMPLES
from copilotd.http.tabby.schema import TabbyBody, TabbyCompletion

router = APIRouter(tags=["OpenAI"])

_OPENAI = f"{DIALECT_TAG}openai"
_TABBY = f"{DIALECT_TAG}tabby"


def _choose_dialect(body: Any) -> str:
    is_tabby = isinstance(body, TabbyBody) or (isinstance(body, dict) and "segments" in body)
    return _TABBY if is_tabby else _OPENAI


AnyBody = Annotated[
    Annotated[CompletionBody, Tag(_OPENAI)] | Annotated[TabbyBody, Tag(_TABBY)],
    Discriminator(_choose_dialect),
]


@router.post(
    "/v1/completions",
    summary="Continue a text, or fill in its middle",
    response_model=Completion | TabbyCompletion,
    responses=STREAMED | RESPONSES,
)
async def complete(
    body: Annotated[AnyBody, Body(openapi_examples=EXAMPLES | TABBY_EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> Completion | TabbyCompletion | EventStream:
    """The model continues `prompt`; with a `suffix`, it generates the text between the two.

    The prompt is used as it is: no chat template is put around it, and control tokens that a client
    wrote out (a rendered FIM prompt, for example) are parsed as tokens.
    """
    if isinstance(body, TabbyBody):
        return await complete_for_tabby(body, request, services)
    return await openai.complete(body, request, services)
