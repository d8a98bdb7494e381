"""Converts the daemon's values to the responses of llama.cpp's server.

The page of /metrics is written by hand. prometheus-client writes every number as a float (0.0, and
1.5e+06 for a million and a half), while llama-server writes counts as integers, and scripts expect
integers.
"""

from collections.abc import Iterator

import copilotd
from copilotd.config import LlamaCppSection
from copilotd.engine.types import EngineStats, ModelInfo
from copilotd.http.llama_cpp.completion.schema import CompletionBody
from copilotd.http.llama_cpp.completion.settings import (
    build_sampling,
    report_settings,
    resolve_limit,
)
from copilotd.http.llama_cpp.server.schema import Meta, Modalities, Model, Props, Slot
from copilotd.serving.registry import ServedModel

_DEFAULTS = CompletionBody.model_validate({"prompt": ""})


async def build_props(model: ServedModel, section: LlamaCppSection) -> Props:
    """The properties of the model.

    Raises:
        EngineError: the model cannot be loaded.
    """
    info = await model.text.info()
    default_sampling = build_sampling(_DEFAULTS, section, {}, info.n_ctx)
    params = report_settings(_DEFAULTS, resolve_limit(_DEFAULTS, section), default_sampling)
    return Props(
        default_generation_settings={"n_ctx": info.n_ctx, "params": params},
        total_slots=section.slots,
        model_alias=model.alias,
        model_path=info.path,
        modalities=Modalities(vision=info.supports_images),
        endpoint_slots=section.show_slots,
        endpoint_metrics=section.metrics,
        chat_template=info.chat_template or "",
        bos_token=await _detokenize_one(model, info.bos),
        eos_token=await _detokenize_one(model, info.eos),
        build_info=f"copilotd {copilotd.__version__}",
    )


def build_slots(info: ModelInfo, stats: EngineStats, section: LlamaCppSection) -> list[Slot]:
    """Reports `section.slots` slots; as many are busy as there are running or waiting requests."""
    busy = stats.running + stats.waiting
    return [Slot(id=i, n_ctx=info.n_ctx, is_processing=i < busy) for i in range(section.slots)]


def build_model(model: ServedModel, created: int) -> Model:
    """An entry of the list of models."""
    info = model.info
    return Model(id=model.alias, aliases=[model.alias], created=created, meta=_build_meta(info))


def render_metrics(stats: EngineStats, stall_ms: float) -> str:
    """Counts and rates since the start, in Prometheus' text format."""
    stall = ("event_loop_stall_seconds", "Longest wait of all clients in an hour", stall_ms / 1000)
    return "\n".join(
        [
            *_render("llamacpp", "counter", _list_counters(stats)),
            *_render("llamacpp", "gauge", _list_gauges(stats)),
            *_render("copilotd", "gauge", [stall]),
            "",
        ]
    )


_Metric = tuple[str, str, float]
"""Name, help text, value."""


def _list_counters(stats: EngineStats) -> list[_Metric]:
    evaluated = stats.prompt_tokens - stats.cached_tokens
    return [
        ("prompt_tokens_total", "Tokens of prompts that were evaluated", evaluated),
        (
            "prompt_tokens_cached_total",
            "Tokens of prompts that were in the KV cache",
            stats.cached_tokens,
        ),
        ("prompt_seconds_total", "Time spent on prompts", stats.prefill_ms / 1000),
        ("tokens_predicted_total", "Tokens that were generated", stats.completion_tokens),
        ("tokens_predicted_seconds_total", "Time spent on generation", stats.decode_ms / 1000),
    ]


def _list_gauges(stats: EngineStats) -> list[_Metric]:
    evaluated = stats.prompt_tokens - stats.cached_tokens
    return [
        (
            "prompt_tokens_seconds",
            "Prompt tokens evaluated per second",
            _compute_rate(evaluated, stats.prefill_ms),
        ),
        (
            "predicted_tokens_seconds",
            "Tokens generated per second",
            _compute_rate(stats.completion_tokens, stats.decode_ms),
        ),
        ("requests_processing", "Requests that generate", stats.running),
        ("requests_deferred", "Requests that wait or evaluate their prompt", stats.waiting),
    ]


def _render(prefix: str, kind: str, metrics: list[_Metric]) -> Iterator[str]:
    for name, help_text, value in metrics:
        yield f"# HELP {prefix}:{name} {help_text}"
        yield f"# TYPE {prefix}:{name} {kind}"
        yield f"{prefix}:{name} {value}"


def _compute_rate(tokens: int, ms: float) -> float:
    return 1000 * tokens / ms if ms else 0.0


def _build_meta(info: ModelInfo | None) -> Meta | None:
    if info is None:
        return None
    return Meta(
        n_vocab=info.n_vocab,
        n_ctx=info.n_ctx,
        n_ctx_train=info.n_ctx_train,
        n_embd=info.n_embd,
        n_params=info.parameters,
        size=info.size,
    )


async def _detokenize_one(model: ServedModel, token: int | None) -> str:
    return "" if token is None else await model.engine.detokenize([token])
