"""Example requests for the API page."""

from typing import Any

Examples = dict[str, Any]

_MODEL = "local"
_WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city, now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def _one(summary: str, **value: object) -> Examples:
    return {"example": {"summary": summary, "value": {"model": _MODEL, **value}}}


CHAT: Examples = {
    "stream": {
        "summary": "Explain code, line by line",
        "value": {
            "model": _MODEL,
            "messages": [{"role": "user", "content": "What does `sorted(words)[0]` give?"}],
            "options": {"temperature": 0, "num_predict": 120},
        },
    },
    "tools": {
        "summary": "Let the model call a function",
        "value": {
            "model": _MODEL,
            "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
            "tools": [_WEATHER],
            "stream": False,
        },
    },
}
GENERATE: Examples = _one(
    "Fill in the middle",
    prompt="def add(a, b):\n    return ",
    suffix="\n",
    options={"num_predict": 16},
    stream=False,
)
EMBED: Examples = _one("Two texts", input=["def add(a, b):", "def plus(x, y):"])
EMBED_ONE: Examples = _one("One text", prompt="def add(a, b):")
SHOW: Examples = _one("The model")
PULL: Examples = _one("A model that is here", stream=False)
