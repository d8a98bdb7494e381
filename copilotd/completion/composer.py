"""From a cursor to a suggestion: prompt, model, filters."""

from contextlib import aclosing

from copilotd.completion.generation import Flight
from copilotd.completion.prompt_store import Anchors
from copilotd.completion.types import Completion, Explanation, Outcome, Status
from copilotd.completion.writing import Written, read
from copilotd.engine.interface import Engine
from copilotd.engine.types import GenerateRequest, Lane
from copilotd.postprocess.context import Draft, FilterStep
from copilotd.postprocess.pipeline import finish
from copilotd.prompt.budget import Budget


class Composer:
    """Has the model write at a flight's scene, and makes of the text what is shown."""

    def __init__(self, engine: Engine, anchors: Anchors) -> None:
        self._engine = engine
        self._anchors = anchors

    async def compose(self, flight: Flight, budget: Budget, lane: Lane) -> Outcome:
        """The outcome of the whole; `flight` grows on the way. Raises: EngineError."""
        scene = flight.scene
        prompt = await self._anchors.at(scene.document, scene.offset, budget, lane)
        flight.prompt = prompt
        wanted = GenerateRequest(
            list(prompt.anchor.prompt),
            budget.max_tokens,
            tail=prompt.fit.tail,
            lane=lane,
            movable=prompt.anchor.movable,
            frugal=True,
        )

        def tell(written: Written) -> bool:
            self._anchors.reached(scene.document, prompt)
            return flight.grow(written)

        async with aclosing(self._engine.generate(wanted)) as events:
            flight.grow(await read(scene, events, flight.started, tell))
        return outcome(flight)


def outcome(flight: Flight) -> Outcome:
    """What can be shown of what is written so far."""
    written = flight.written
    draft, steps = finish(flight.scene, Draft(written.text, unfinished=written.unfinished))
    explanation = _explanation(flight, written, steps)
    if not draft.text:
        by = explanation.filters[-1].name if explanation.filters else ""
        reason = f"nothing left after the filter {by}" if by else "the model wrote nothing"
        return Outcome(Status.EMPTY, reason, explanation=explanation)
    start = flight.scene.offset
    completion = Completion(flight.id, draft.text, start, start + draft.overwrites)
    return Outcome(Status.SHOWN, "the model's answer", completion, explanation)


def _explanation(flight: Flight, written: Written, steps: tuple[FilterStep, ...]) -> Explanation:
    prompt = flight.prompt
    return Explanation(
        source="engine",
        mode=flight.scene.mode,
        prompt=prompt.rendered if prompt else "",
        raw=written.steps[0].before if written.steps else written.text,
        filters=written.steps + steps,
        prompt_tokens=written.usage.prompt_tokens,
        cached_tokens=written.usage.cached_tokens,
        read_tokens=prompt.read if prompt else 0,
        completion_tokens=written.usage.completion_tokens,
        first_token_ms=written.first_token_ms,
    )
