"""Which tokens a request makes more or less probable."""

import math

from copilotd.engine.interface import Engine
from copilotd.engine.types import ModelInfo
from copilotd.http.llama_cpp.completion.schema import CompletionBody


async def build_bias(body: CompletionBody, engine: Engine, info: ModelInfo) -> dict[int, float]:
    """The value to add to the score of each token, by id; a text means each of its tokens.

    Raises:
        EngineError: the engine cannot tokenize.
    """
    biases: dict[int, float] = {}
    for name, amount in _list_entries(body):
        value = -math.inf if amount is False else float(amount)
        tokens = [name] if isinstance(name, int) else await engine.tokenize(name)
        biases.update((token, value) for token in tokens if 0 <= token < info.n_vocab)
    if body.ignore_eos:
        biases.update(dict.fromkeys(info.end_tokens, -math.inf))
    return biases


def _list_entries(body: CompletionBody) -> list[tuple[int | str, float | bool]]:
    if not isinstance(body.logit_bias, dict):
        return body.logit_bias
    return [
        (int(name) if name.isdecimal() else name, amount)
        for name, amount in body.logit_bias.items()
    ]
