"""`textDocument/inlineCompletion`: ghost text."""

from lsprotocol import types

from copilotd.completion.types import Trigger
from copilotd.lsp.client import Client
from copilotd.lsp.completion_items import complete_at
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.offered_items import OfferedItem
from copilotd.lsp.positions import Encoding
from copilotd.serving.services import Services

_TRIGGERS = {
    types.InlineCompletionTriggerKind.Invoked: Trigger.INVOKED,
    types.InlineCompletionTriggerKind.Automatic: Trigger.AUTOMATIC,
}


async def inline_completion(
    snapshot: Snapshot | None,
    params: types.InlineCompletionParams,
    services: Services,
    client: Client,
) -> types.InlineCompletionList:
    """At most one item.

    A request that a newer one replaced gets an empty list, which no client reports to its user.
    Only a request that the client itself cancels gets the error for that.
    """
    client.has_ghost_text = True
    trigger = _TRIGGERS[params.context.trigger_kind]
    selected = params.context.selected_completion_info
    item = await complete_at(snapshot, params.position, trigger, services, client, selected)
    return types.InlineCompletionList([_to_inline_item(item, client.encoding)] if item else [])


def _to_inline_item(item: OfferedItem, encoding: Encoding) -> types.InlineCompletionItem:
    """The LSP item that inserts `item`.

    Its range begins at the cursor, or where the item that is selected in the menu begins. It ends
    on the same line, after the code that the text has its own copy of.
    """
    completion = item.completion
    return types.InlineCompletionItem(
        insert_text=completion.text,
        range=item.range(completion.start, completion.end, encoding),
        command=item.command,
    )
