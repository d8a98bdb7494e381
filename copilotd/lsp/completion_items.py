"""Completes at a position in a file, for both kinds of completion request."""

from lsprotocol import types

from copilotd.completion.types import Completion, CompletionRequest, Shown, Status, Trigger
from copilotd.lsp.client import Client
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.offered_items import OfferedItem
from copilotd.lsp.selected_item import SelectedItem
from copilotd.serving.services import Services


async def complete_at(
    snapshot: Snapshot | None,
    position: types.Position,
    trigger: Trigger,
    services: Services,
    client: Client,
    selected: types.SelectedCompletionInfo | None = None,
) -> OfferedItem | None:
    """The item to offer at `position` of `snapshot`; None if there is nothing to offer.

    The item continues the one that is `selected` in the editor's menu, if there is one.
    """
    if snapshot is None:
        return None
    offset = snapshot.offset_at(position, client.encoding)
    selection = SelectedItem(offset, offset, "")
    if selected is not None:
        selection = SelectedItem.of(selected, snapshot, client.encoding)
    document, cursor = selection.accept_in(snapshot.document)
    request = CompletionRequest(document, cursor, trigger, client.id)
    outcome = await services.completion.complete(request)
    if outcome.status is not Status.CANCELLED:
        client.last_outcome = outcome
    if outcome.status is Status.FAILED:
        client.error_messages.show(outcome.reason)
    if not isinstance(outcome, Shown):
        return None
    item = OfferedItem(snapshot, selection.extend(outcome.completion))
    if not _can_be_sent(item.completion):
        return None
    client.offered_items.record(item)
    if outcome.is_partial:
        client.follower.follow(request, outcome.completion, item)
    return item


def _can_be_sent(completion: Completion) -> bool:
    # Emacs drops a message that contains U+0000, and then waits for the answer forever.
    return "\0" not in completion.text
