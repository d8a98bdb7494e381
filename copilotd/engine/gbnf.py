"""Converts grammars from GBNF, llama.cpp's notation, to the engine's own."""

from copilotd.engine.types import Grammar
from copilotd.errors import InvalidRequest


def convert_gbnf(text: str) -> Grammar:
    """Convert a GBNF grammar, whose start symbol is `root`.

    Raises:
        InvalidRequest: `text` is not GBNF.
    """
    from llguidance.gbnf_to_lark import gbnf_to_lark

    # The converter has its own exception class, but malformed input raises other classes too.
    try:
        return Grammar(gbnf_to_lark(text))
    except Exception as error:
        raise InvalidRequest(
            f"the grammar is not GBNF: {error}",
            "See llama.cpp's grammars/README.md.",
        ) from error
