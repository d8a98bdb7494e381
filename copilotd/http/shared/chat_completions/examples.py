"""Example requests for the API page."""

from typing import Any

WEATHER_TOOL: dict[str, Any] = {
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

EXAMPLES: dict[str, Any] = {
    "question": {
        "summary": "Ask a question",
        "value": {
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "What is the capital of France?"},
            ]
        },
    },
    "stream": {
        "summary": "Explain code, as a stream",
        "value": {
            "messages": [
                {"role": "user", "content": "What does `sorted(words, key=len)[-1]` give?"}
            ],
            "max_completion_tokens": 120,
            "temperature": 0,
            "stream": True,
        },
    },
    "tools": {
        "summary": "Let the model call a function",
        "value": {
            "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
            "tools": [WEATHER_TOOL],
        },
    },
    "JSON": {
        "summary": "Get JSON that conforms to a schema",
        "value": {
            "messages": [{"role": "user", "content": "Name a prime number above 90."}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "number",
                    "schema": {
                        "type": "object",
                        "properties": {"prime": {"type": "integer"}},
                        "required": ["prime"],
                    },
                },
            },
        },
    },
    "log probabilities": {
        "summary": "See how sure the model is",
        "value": {
            "messages": [{"role": "user", "content": "Is 91 a prime number? Answer yes or no."}],
            "max_completion_tokens": 2,
            "logprobs": True,
            "top_logprobs": 3,
        },
    },
}
