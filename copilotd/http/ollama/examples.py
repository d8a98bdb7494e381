"""Example requests for the API page."""

from typing import Any

from copilotd.http.shared.chat_completions.examples import WEATHER_TOOL

Examples = dict[str, Any]

_MODEL = "local"


def _build_example(summary: str, **value: object) -> Examples:
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
            "tools": [WEATHER_TOOL],
            "stream": False,
        },
    },
}
GENERATE: Examples = _build_example(
    "Fill in the middle",
    prompt="def add(a, b):\n    return ",
    suffix="\n",
    options={"num_predict": 16},
    stream=False,
)
EMBED: Examples = _build_example("Two texts", input=["def add(a, b):", "def plus(x, y):"])
EMBED_ONE: Examples = _build_example("One text", prompt="def add(a, b):")
SHOW: Examples = _build_example("The model")
PULL: Examples = _build_example("A model that is here", stream=False)
