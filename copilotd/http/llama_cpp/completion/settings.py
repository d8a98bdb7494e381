"""The settings of a generation, for the engine and as llama.cpp's server reports them."""

import math
from collections.abc import Mapping
from typing import Any

from copilotd.config import LlamaCppSection
from copilotd.engine.types import Sampling
from copilotd.http.llama_cpp.completion.schema import CompletionBody

_NOT_IMPLEMENTED: Mapping[str, Any] = {
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
"""llama.cpp's settings that copilotd does not implement, with the values that turn them off."""

MAX_PROBS = 1000
"""Alternatives for each token; with more, encoding a response would keep other clients waiting."""

_SAMPLERS = ["penalties", "top_k", "typ_p", "top_p", "min_p", "temperature"]


def resolve_limit(body: CompletionBody, section: LlamaCppSection) -> int:
    """The maximum number of tokens to generate; -1 means as many as fit."""
    return section.n_predict if body.n_predict in (None, -1) else body.n_predict


def build_sampling(
    body: CompletionBody, section: LlamaCppSection, bias: dict[int, float], n_ctx: int
) -> Sampling:
    """The sampling; the settings have the defaults."""
    seed = section.seed if body.seed is None else body.seed
    temperature = section.temperature if body.temperature is None else body.temperature
    return Sampling(
        temperature=max(0.0, temperature),
        top_k=max(0, body.top_k),
        top_p=body.top_p,
        min_p=body.min_p,
        typical_p=body.typical_p,
        repeat_last_n=n_ctx if body.repeat_last_n < 0 else min(body.repeat_last_n, n_ctx),
        repeat_penalty=body.repeat_penalty,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        seed=None if seed < 0 else seed,
        logit_bias=bias,
    )


def report_settings(body: CompletionBody, limit: int, sampling: Sampling) -> dict[str, Any]:
    """The settings of one generation, as llama.cpp's server reports them."""
    return dict(_NOT_IMPLEMENTED) | {
        "seed": -1 if sampling.seed is None else sampling.seed,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "typical_p": sampling.typical_p,
        "repeat_last_n": sampling.repeat_last_n,
        "repeat_penalty": sampling.repeat_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stop": list(body.stop),
        "max_tokens": limit,
        "n_predict": limit,
        "ignore_eos": body.ignore_eos,
        "stream": body.stream,
        "logit_bias": [_report_bias(*one) for one in sampling.logit_bias.items()],
        "n_probs": body.n_probs,
        "grammar": body.grammar,
        "samplers": _SAMPLERS,
    }


def _report_bias(token: int, bias: float) -> dict[str, Any]:
    return {"token": token, "bias": bias if math.isfinite(bias) else None}
