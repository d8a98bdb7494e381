"""`textDocument/completion`: the fallback for editors that have no inline completion."""

from lsprotocol import types

from copilotd.completion.types import Trigger
from copilotd.lsp.completion_items import ghost_text
from copilotd.lsp.insertion import Abilities
from copilotd.lsp.menu_item import menu_item
from copilotd.lsp.server import EditorServer


async def completion(ls: EditorServer, params: types.CompletionParams) -> types.CompletionList:
    """At most one item; the client asks again at the next character.

    An editor that has asked for ghost text, though it never declared that it can, gets none:
    the two kinds of request would cancel each other.
    """
    offer = None
    if not ls.has_ghost_text:
        offer = await ghost_text(ls, params.text_document.uri, params.position, _trigger(params))
    abilities = Abilities.of(ls.client_capabilities)
    items = [menu_item(offer, ls.encoding, abilities)] if offer else []
    return types.CompletionList(is_incomplete=True, items=items)


def _trigger(params: types.CompletionParams) -> Trigger:
    """A client that does not say is asked by hand as a rule, and a menu cannot grow later."""
    invoked = types.CompletionTriggerKind.Invoked
    by_hand = params.context is None or params.context.trigger_kind == invoked
    return Trigger.INVOKED if by_hand else Trigger.AUTOMATIC
