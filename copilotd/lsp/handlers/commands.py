"""`workspace/executeCommand`: the commands that report a state."""

from typing import Any

import msgspec

from copilotd.completion.types import OutcomeRecord
from copilotd.lsp.client import Client
from copilotd.serving.services import Services


def status(arguments: tuple[Any, ...], services: Services, client: Client) -> Any:
    """`copilotd.status`: the daemon's status (`copilotd.serving.status.DaemonStatus`) as JSON."""
    return msgspec.to_builtins(services.status())


def last_completion(arguments: tuple[Any, ...], services: Services, client: Client) -> Any:
    """`copilotd.lastCompletion`: the outcome of this client's last completion request as JSON.

    It has the form of `copilotd.completion.types.OutcomeRecord`, or is null before any request.
    """
    outcome = client.last_outcome
    return msgspec.to_builtins(outcome and OutcomeRecord.of(outcome))
