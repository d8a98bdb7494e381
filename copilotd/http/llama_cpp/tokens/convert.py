"""Between these fields and our values."""

from copilotd.chat.service import ChatRequest
from copilotd.engine.interface import Engine
from copilotd.http.llama_cpp.prompts import tokens_of
from copilotd.http.llama_cpp.tokens.schema import TemplateBody, TokenizeBody, Tokenized, TokenPiece
from copilotd.http.openai.chat.convert import messages_of
from copilotd.http.openai.chat.tools import toolbox


async def tokenized(body: TokenizeBody, engine: Engine) -> Tokenized:
    """The tokens, with their pieces if they were asked for. Raises: EngineError."""
    info = await engine.info()
    wanted = {"begin": body.add_special, "special": body.parse_special}
    tokens = await tokens_of(engine, info, body.content, **wanted) if body.content else []
    if not body.with_pieces:
        return Tokenized(tokens=tokens)
    pieces = await engine.pieces(tokens)
    return Tokenized(
        tokens=[
            TokenPiece(id=token, piece=_piece(data))
            for token, data in zip(tokens, pieces, strict=True)
        ]
    )


def conversation(body: TemplateBody) -> ChatRequest:
    """What is to be written out."""
    return ChatRequest(messages_of(body.messages), toolbox=toolbox(body))


def _piece(data: bytes) -> str | list[int]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return list(data)
