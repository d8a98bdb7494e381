"""Grammars in GBNF, llama.cpp's notation, in the one that the engine knows."""

from copilotd.engine.types import Grammar
from copilotd.errors import InvalidRequest


def convert_gbnf(text: str) -> Grammar:
    """The grammar whose first symbol is `root`.

    Raises:
        InvalidRequest: it is not GBNF.
    """
    from llguidance.gbnf_to_lark import gbnf_to_lark

    # The converter raises its own error for what it foresaw, and others for what it did not.
    try:
        return Grammar(gbnf_to_lark(text))
    except Exception as error:
        raise InvalidRequest(
            f"the grammar is not GBNF: {error}",
            "See llama.cpp's grammars/README.md.",
        ) from error
