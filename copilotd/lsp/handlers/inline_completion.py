"""`textDocument/inlineCompletion`: ghost text."""

from lsprotocol import types

from copilotd.completion.types import Trigger
from copilotd.lsp.completion_items import ghost_text
from copilotd.lsp.offered_items import Offer
from copilotd.lsp.positions import Encoding
from copilotd.lsp.server import EditorServer

_TRIGGERS = {
    types.InlineCompletionTriggerKind.Invoked: Trigger.INVOKED,
    types.InlineCompletionTriggerKind.Automatic: Trigger.AUTOMATIC,
}


async def inline_completion(
    ls: EditorServer, params: types.InlineCompletionParams
) -> types.InlineCompletionList:
    """At most one item.

    A request that a newer one took the place of gets an empty list, which every client takes
    without a word; only one that the client itself cancels gets the error for that.
    """
    ls.has_ghost_text = True
    trigger = _TRIGGERS[params.context.trigger_kind]
    offer = await ghost_text(ls, params.text_document.uri, params.position, trigger)
    return types.InlineCompletionList([inline_item(offer, ls.encoding)] if offer else [])


def inline_item(offer: Offer, encoding: Encoding) -> types.InlineCompletionItem:
    """The item that inserts `offer`.

    Its range begins at the cursor and ends on the same line, behind the closing brackets of
    which the text brings its own copy.
    """
    completion = offer.completion
    return types.InlineCompletionItem(
        insert_text=completion.text,
        range=offer.range(completion.start, completion.end, encoding),
        command=offer.command,
    )
