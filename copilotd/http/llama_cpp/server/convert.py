"""From what the daemon knows to what llama.cpp's server tells."""

from collections.abc import Iterator

import copilotd
from copilotd.config import LlamaCppSection
from copilotd.engine.types import EngineStats, ModelInfo
from copilotd.http.llama_cpp.completion.schema import CompletionBody
from copilotd.http.llama_cpp.completion.settings import n_predict, sampling, shown
from copilotd.http.llama_cpp.server.schema import Meta, Modalities, Model, Props, Slot
from copilotd.serving.registry import ServedModel

_DEFAULTS = CompletionBody.model_validate({"prompt": ""})


async def props(model: ServedModel, section: LlamaCppSection) -> Props:
    """The model as llama.cpp's server describes one. Raises: EngineError."""
    info = await model.text.info()
    chosen = sampling(_DEFAULTS, section, {}, info.n_ctx)
    params = shown(_DEFAULTS, n_predict(_DEFAULTS, section), chosen)
    return Props(
        default_generation_settings={"n_ctx": info.n_ctx, "params": params},
        total_slots=section.slots,
        model_alias=model.alias,
        model_path=info.path,
        modalities=Modalities(vision=info.sees),
        endpoint_slots=section.show_slots,
        endpoint_metrics=section.metrics,
        chat_template=info.chat_template or "",
        bos_token=await _text(model, info.bos),
        eos_token=await _text(model, info.eos),
        build_info=f"copilotd {copilotd.__version__}",
    )


def slots(info: ModelInfo, stats: EngineStats, section: LlamaCppSection) -> list[Slot]:
    """As many as the settings say, of which those are busy that there are requests for."""
    busy = stats.running + stats.waiting
    return [Slot(id=i, n_ctx=info.n_ctx, is_processing=i < busy) for i in range(section.slots)]


def listed(model: ServedModel, created: int) -> Model:
    """An entry of the list of models."""
    info = model.info
    return Model(id=model.alias, aliases=[model.alias], created=created, meta=_meta(info))


def metrics(stats: EngineStats) -> str:
    """Counts and rates since the start, in Prometheus' text format."""
    return "\n".join([*_lines("counter", _counters(stats)), *_lines("gauge", _gauges(stats)), ""])


_Metric = tuple[str, str, float]
"""Name, meaning, value."""


def _counters(stats: EngineStats) -> list[_Metric]:
    evaluated = stats.prompt_tokens - stats.cached_tokens
    written = stats.completion_tokens
    return [
        ("prompt_tokens_total", "Tokens of prompts that were evaluated", evaluated),
        ("prompt_tokens_cached_total", "Tokens of prompts that were known", stats.cached_tokens),
        ("prompt_seconds_total", "Time spent on prompts", stats.prefill_ms / 1000),
        ("tokens_predicted_total", "Tokens that were written", written),
        ("tokens_predicted_seconds_total", "Time spent on writing", stats.decode_ms / 1000),
    ]


def _gauges(stats: EngineStats) -> list[_Metric]:
    evaluated = stats.prompt_tokens - stats.cached_tokens
    return [
        ("prompt_tokens_seconds", "Tokens of prompts a second", _rate(evaluated, stats.prefill_ms)),
        (
            "predicted_tokens_seconds",
            "Tokens written a second",
            _rate(stats.completion_tokens, stats.decode_ms),
        ),
        ("requests_processing", "Requests that write", stats.running),
        ("requests_deferred", "Requests that wait, or whose prompt is read", stats.waiting),
    ]


def _lines(kind: str, metrics: list[_Metric]) -> Iterator[str]:
    for name, meaning, value in metrics:
        yield f"# HELP llamacpp:{name} {meaning}"
        yield f"# TYPE llamacpp:{name} {kind}"
        yield f"llamacpp:{name} {value}"


def _rate(tokens: int, ms: float) -> float:
    return 1000 * tokens / ms if ms else 0.0


def _meta(info: ModelInfo | None) -> Meta | None:
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


async def _text(model: ServedModel, token: int | None) -> str:
    return "" if token is None else await model.engine.detokenize([token])
