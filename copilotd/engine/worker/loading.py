"""What a worker loads before it takes its first request."""

from contextlib import nullcontext

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.llama import amx
from copilotd.engine.worker.llama.model import Entry, Model
from copilotd.engine.worker.speculation.draft_model import Drafter, spec_of

_TRIED = 16
"""Tokens that take the same code as a long prompt."""


def load_model(spec: WorkerSpec, interrupt: Interrupt) -> Model:
    """The model, which has been seen to run where a build may have AMX. Raises: EngineError."""
    if not amx.compiled():
        return Model(spec, interrupt)
    with nullcontext() if spec.tiles else amx.refused():
        model = Model(spec, interrupt)
    if not model.writes:
        return model
    # What does not run on this processor ends the process here, and not in a request.
    model.decode([Entry(0, i, 0, wants_logits=False) for i in range(_TRIED)])
    model.trim(0, 0)
    return model


def load_drafter(spec: WorkerSpec, model: Model, interrupt: Interrupt) -> Drafter | None:
    """The smaller model that guesses for `model`, if there is one. Raises: EngineError."""
    if not (spec.draft and model.can_trim):
        # Who cannot take a wrong guess back makes none.
        return None
    return Drafter(load_model(spec_of(spec), interrupt), model.vocabulary, interrupt)
