"""How an answer is made, as the engine is told and as llama.cpp's server shows it."""

import math
from collections.abc import Mapping
from typing import Any

from copilotd.config import LlamaCppSection
from copilotd.engine.types import Sampling
from copilotd.http.llama_cpp.completion.schema import CompletionBody

_ABSENT: Mapping[str, Any] = {
    "dynatemp_range": 0.0,
    "dynatemp_exponent": 1.0,
    "top_n_sigma": -1.0,
    "xtc_probability": 0.0,
    "xtc_threshold": 0.1,
    "dry_multiplier": 0.0,
    "dry_base": 1.75,
    "dry_allowed_length": 2,
    "dry_penalty_last_n": 0,
    "mirostat": 0,
    "mirostat_tau": 5.0,
    "mirostat_eta": 0.1,
    "adaptive_target": -1.0,
    "adaptive_decay": 0.9,
    "n_keep": 0,
    "n_discard": 0,
    "min_keep": 0,
    "timings_per_token": False,
    "post_sampling_probs": False,
    "lora": [],
}
"""What there is none of here."""

_SAMPLERS = ["penalties", "top_k", "typ_p", "top_p", "min_p", "temperature"]


def n_predict(body: CompletionBody, section: LlamaCppSection) -> int:
    """The most tokens to write; -1 for as many as fit."""
    return section.n_predict if body.n_predict in (None, -1) else body.n_predict


def sampling(
    body: CompletionBody, section: LlamaCppSection, bias: dict[int, float], n_ctx: int
) -> Sampling:
    """How tokens are chosen."""
    seed = section.seed if body.seed is None else body.seed
    temperature = section.temperature if body.temperature is None else body.temperature
    return Sampling(
        temperature=max(0.0, temperature),
        top_k=max(0, body.top_k),
        top_p=body.top_p,
        min_p=body.min_p,
        typical_p=body.typical_p,
        repeat_last_n=n_ctx if body.repeat_last_n < 0 else body.repeat_last_n,
        repeat_penalty=body.repeat_penalty,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        seed=None if seed < 0 else seed,
        logit_bias=bias,
    )


def shown(body: CompletionBody, limit: int, chosen: Sampling) -> dict[str, Any]:
    """The settings of one generation."""
    return dict(_ABSENT) | {
        "seed": -1 if chosen.seed is None else chosen.seed,
        "temperature": chosen.temperature,
        "top_k": chosen.top_k,
        "top_p": chosen.top_p,
        "min_p": chosen.min_p,
        "typical_p": chosen.typical_p,
        "repeat_last_n": chosen.repeat_last_n,
        "repeat_penalty": chosen.repeat_penalty,
        "presence_penalty": chosen.presence_penalty,
        "frequency_penalty": chosen.frequency_penalty,
        "stop": list(body.stop),
        "max_tokens": limit,
        "n_predict": limit,
        "ignore_eos": body.ignore_eos,
        "stream": body.stream,
        "logit_bias": [_biased(*one) for one in chosen.logit_bias.items()],
        "n_probs": body.n_probs,
        "grammar": body.grammar,
        "samplers": _SAMPLERS,
    }


def _biased(token: int, bias: float) -> dict[str, Any]:
    return {"token": token, "bias": bias if math.isfinite(bias) else None}
