"""`textDocument/completion`: the fallback for editors without inline completion."""

from lsprotocol import types

from copilotd.completion.types import Trigger
from copilotd.lsp.client import Client
from copilotd.lsp.completion_items import complete_at
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.menu_item import MenuCapabilities, build_menu_item
from copilotd.serving.services import Services

OPTIONS = types.CompletionOptions(trigger_characters=[".", "(", "[", "{", "=", ",", ":"])


async def completion(
    snapshot: Snapshot | None, params: types.CompletionParams, services: Services, client: Client
) -> types.CompletionList:
    """At most one item; the client asks again at the next character.

    An editor that requests ghost text without declaring it gets no menu items: the two kinds of
    request would cancel each other.
    """
    item = None
    if not client.has_ghost_text:
        trigger = _find_trigger(params)
        item = await complete_at(snapshot, params.position, trigger, services, client)
    menu = MenuCapabilities.of(client.capabilities, client.name)
    menu_item = build_menu_item(item, client.encoding, menu) if item else None
    return types.CompletionList(is_incomplete=True, items=[menu_item] if menu_item else [])


def _find_trigger(params: types.CompletionParams) -> Trigger:
    """INVOKED if the client does not say.

    Such a client usually completes when the user asks for it, and a menu cannot grow later.
    """
    kind = types.CompletionTriggerKind.Invoked
    is_invoked = params.context is None or params.context.trigger_kind == kind
    return Trigger.INVOKED if is_invoked else Trigger.AUTOMATIC
