"""Converts between the fields of these endpoints and copilotd's values."""

from copilotd.chat.service import ChatRequest
from copilotd.engine.interface import Engine
from copilotd.http.llama_cpp.prompts import tokenize_prompt
from copilotd.http.llama_cpp.tokens.schema import TemplateBody, TokenizeBody, Tokenized, TokenPiece
from copilotd.http.shared.chat_completions.convert import parse_messages
from copilotd.http.shared.chat_completions.tools import parse_tools


async def tokenize(body: TokenizeBody, engine: Engine) -> Tokenized:
    """The tokens, with their texts if the request asks for them.

    Raises:
        EngineError: the engine cannot tokenize.
    """
    info = await engine.info()
    options = {"add_bos": body.add_special, "special": body.parse_special}
    tokens = await tokenize_prompt(engine, info, body.content, **options) if body.content else []
    if not body.with_pieces:
        return Tokenized(tokens=tokens)
    pieces = await engine.token_bytes(tokens)
    return Tokenized(
        tokens=[
            TokenPiece(id=token, piece=_decode_piece(data))
            for token, data in zip(tokens, pieces, strict=True)
        ]
    )


def parse_conversation(body: TemplateBody) -> ChatRequest:
    """The conversation to render."""
    return ChatRequest(parse_messages(body.messages), tools=parse_tools(body))


def _decode_piece(data: bytes) -> str | list[int]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return list(data)
