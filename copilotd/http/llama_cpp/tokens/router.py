"""The endpoints."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

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
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import LLAMA_CPP_RESPONSES

router = APIRouter(tags=["llama.cpp"])


@router.post("/tokenize", summary="A text as tokens", responses=LLAMA_CPP_RESPONSES)
async def tokenize(
    body: Annotated[TokenizeBody, Body(openapi_examples=TEXT)],
    request: Request,
    services: ServicesOf,
) -> Tokenized:
    """The ids of its tokens, for the model that completes."""
    engine = services.models.completion.engine
    return await while_connected(request.receive, convert.tokenized(body, engine))


@router.post("/detokenize", summary="Tokens as text", responses=LLAMA_CPP_RESPONSES)
async def detokenize(
    body: Annotated[DetokenizeBody, Body(openapi_examples=TOKENS)],
    request: Request,
    services: ServicesOf,
) -> Detokenized:
    """The text that they stand for."""
    engine = services.models.completion.engine
    content = await while_connected(request.receive, engine.detokenize(body.tokens))
    return Detokenized(content=content)


@router.post(
    "/apply-template", summary="A conversation as the model reads it", responses=LLAMA_CPP_RESPONSES
)
async def apply_template(
    body: Annotated[TemplateBody, Body(openapi_examples=CONVERSATION)],
    request: Request,
    services: ServicesOf,
) -> Template:
    """The prompt by the model's own chat template, up to where the answer begins."""
    chat = services.models.chat.chat
    wanted = convert.conversation(body)
    return Template(prompt=await while_connected(request.receive, chat.rendered(wanted)))
