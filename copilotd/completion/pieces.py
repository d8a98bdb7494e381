"""What a request is shown of a flight that another one began."""

from dataclasses import replace

from copilotd.completion.composer import outcome
from copilotd.completion.generation import Flight
from copilotd.completion.types import CompletionRequest, Outcome, Status

_LEAST = 2
"""Characters, white space aside, for which a piece of a suggestion is worth showing."""


def useful(request: CompletionRequest, flight: Flight) -> Outcome | None:
    """What is written so far, if it is worth showing."""
    piece = cut(request, flight, outcome(flight))
    text = piece.completion.text if piece.completion else ""
    return piece if len("".join(text.split())) >= _LEAST else None


def cut(request: CompletionRequest, flight: Flight, made: Outcome) -> Outcome:
    """`made` without what was typed of it since."""
    if made.completion is None:
        return made
    rest = flight.origin.rest(made.completion, request.document, request.offset)
    if rest is None:
        return Outcome(Status.EMPTY, "typed to its end already", explanation=made.explanation)
    return replace(made, completion=rest)
