"""The routes of /tokenize, /detokenize and /apply-template."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.http.llama_cpp.errors import RESPONSES
from copilotd.http.llama_cpp.tokens import convert
from copilotd.http.llama_cpp.tokens.schema import (
    CONVERSATION,
    TEXT,
    TOKENS,
    DetokenizeBody,
    Detokenized,
    Template,
    TemplateBody,
    TokenizeBody,
    Tokenized,
)
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected

router = APIRouter(tags=["llama.cpp"])


@router.post("/tokenize", summary="A text as tokens", responses=RESPONSES)
async def tokenize(
    body: Annotated[TokenizeBody, Body(openapi_examples=TEXT)],
    request: Request,
    services: ServicesOf,
) -> Tokenized:
    """The token ids, for the completion model."""
    engine = services.models.completion.engine
    return await run_while_connected(request.receive, convert.tokenize(body, engine))


@router.post("/detokenize", summary="Tokens as text", responses=RESPONSES)
async def detokenize(
    body: Annotated[DetokenizeBody, Body(openapi_examples=TOKENS)],
    request: Request,
    services: ServicesOf,
) -> Detokenized:
    """The text of the tokens."""
    engine = services.models.completion.engine
    content = await run_while_connected(request.receive, engine.detokenize(body.tokens))
    return Detokenized(content=content)


@router.post("/apply-template", summary="A conversation as a prompt", responses=RESPONSES)
async def apply_template(
    body: Annotated[TemplateBody, Body(openapi_examples=CONVERSATION)],
    request: Request,
    services: ServicesOf,
) -> Template:
    """The prompt that the model's chat template makes, up to where the answer begins."""
    chat = services.models.chat.chat
    conversation = convert.parse_conversation(body)
    return Template(
        prompt=await run_while_connected(request.receive, chat.render_prompt(conversation))
    )
