"""From a position in a file to an offer: what both kinds of completion request have in common."""

from lsprotocol import types

from copilotd.completion.types import Completion, CompletionRequest, Shown, Status, Trigger
from copilotd.lsp.offered_items import Offer
from copilotd.lsp.server import EditorServer


async def ghost_text(
    ls: EditorServer, uri: str, position: types.Position, trigger: Trigger
) -> Offer | None:
    """What to offer at `position`, in the version of the file that stands when this is called."""
    snapshot = ls.documents.get(uri)
    if snapshot is None:
        return None
    offset = snapshot.lines.offset(position.line, position.character, ls.encoding)
    request = CompletionRequest(snapshot.document, offset, trigger, ls.client_id)
    outcome = await ls.completion.complete(request)
    if outcome.status is not Status.CANCELLED:
        ls.last_outcome = outcome
    if outcome.status is Status.FAILED:
        ls.notices.failed(outcome.reason)
    if not isinstance(outcome, Shown) or not _can_be_sent(outcome.completion):
        return None
    offer = Offer(snapshot, outcome.completion)
    ls.offers.made(offer)
    if outcome.is_partial:
        ls.growth.follow(request, offer)
    return offer


def _can_be_sent(completion: Completion) -> bool:
    # Emacs drops a whole message for one U+0000 in it, and would wait for its answer for ever.
    return "\0" not in completion.text
