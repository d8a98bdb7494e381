"""Loads the models of a worker before it takes its first request."""

from contextlib import nullcontext

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.llama import amx
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.llama.model import Model
from copilotd.engine.worker.speculation.draft_model import DraftModel, make_draft_spec

_TRIAL_TOKENS = 16
"""A batch of this many tokens runs the same kernels as a long prompt."""


def load_model(spec: WorkerSpec, interrupt: Interrupt) -> Model:
    """Load a model; if this build may use AMX, also try one batch. Raises: EngineError."""
    if not amx.is_compiled_in():
        return Model(spec, interrupt)
    with nullcontext() if spec.amx else amx.disable():
        model = Model(spec, interrupt)
    if not model.can_generate:
        return model
    # If an instruction does not run on this processor, the process ends here and not in a request.
    model.decode([BatchEntry(0, i, 0, wants_logits=False) for i in range(_TRIAL_TOKENS)])
    model.trim(0, 0)
    return model


def load_draft_model(spec: WorkerSpec, model: Model, interrupt: Interrupt) -> DraftModel | None:
    """Load the smaller model that drafts for `model`, if there is one. Raises: EngineError."""
    if not (spec.draft and model.can_trim):
        # A model that cannot remove a wrong guess from its cache cannot use a draft.
        return None
    draft_spec = make_draft_spec(spec)
    draft_model = load_model(draft_spec, interrupt)
    return DraftModel(draft_spec.name, draft_model, model.vocabulary, interrupt)
