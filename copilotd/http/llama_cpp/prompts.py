"""Prompts in the forms of llama.cpp's server: text, token ids, a mix, or a list of prompts."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from copilotd.engine.interface import Engine
from copilotd.engine.types import ModelInfo
from copilotd.http.shared.fields import join_text_parts
from copilotd.prompt.fim import prepend_bos

Prompt = str | list[int | str]
"""One prompt: a text, or token ids with texts between them."""


def _parse_prompts(value: Any) -> list[Prompt]:
    prompts = value if isinstance(value, list) and not _is_mixed(value) else [value]
    if not prompts:
        raise PydanticCustomError("prompt", "should not be empty")
    return [_parse_prompt(one) for one in prompts]


def _parse_prompt(value: Any) -> Prompt:
    if isinstance(value, str) or _is_mixed(value):
        prompt: Prompt = value
        return prompt
    if isinstance(value, dict) and value.get("multimodal_data"):
        raise PydanticCustomError("prompt", "the model accepts text only, no multimodal_data")
    if isinstance(value, dict) and "prompt_string" in value:
        return _parse_prompt(value["prompt_string"])
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        text: str = join_text_parts(value["content"], "part")
        return text
    raise PydanticCustomError(
        "prompt",
        "should be a text, a list of token ids, both mixed, an object with prompt_string, "
        "or a list of these",
    )


def _is_mixed(value: Any) -> bool:
    """Whether it is one prompt of token ids and texts; a list of texts is several prompts."""
    if not isinstance(value, list):
        return False
    kinds = {type(part) for part in value}
    return int in kinds and kinds <= {int, str}


Prompts = Annotated[
    list[Prompt],
    BeforeValidator(
        _parse_prompts,
        json_schema_input_type=str | list[int | str] | list[str | list[int | str]],
    ),
]
"""One or several prompts; once parsed, always a list."""


async def tokenize_prompt(
    engine: Engine, info: ModelInfo, prompt: Prompt, *, add_bos: bool = True, special: bool = True
) -> list[int]:
    """The token ids of `prompt`.

    With `add_bos`, a prompt that starts with text gets the model's BOS token. With `special`,
    control tokens in texts are parsed as tokens.

    Raises:
        EngineError: the engine cannot tokenize.
    """
    parts: Sequence[int | str] = [prompt] if isinstance(prompt, str) else prompt
    tokens: list[int] = []
    for part in parts:
        tokens += await engine.tokenize(part, special=special) if isinstance(part, str) else [part]
    starts_with_text = isinstance(parts[0], str)
    return prepend_bos(info, tokens) if add_bos and starts_with_text else tokens
