"""The questions and the checker of the Berkeley function-calling leaderboard, from its package.

The checker looks up in a table of models whether dots in function names were replaced. That table
imports the client of every vendor, so this module replaces it with a table of a single model that
keeps the dots.
"""

import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import jsonschema

CATEGORIES = ("simple_python", "multiple", "irrelevance")
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}
_MODEL = "any"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its functions, and the right calls; no calls for irrelevance."""

    messages: list[dict[str, Any]]
    functions: list[dict[str, Any]]
    truth: list[dict[str, Any]]
    category: str

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions in OpenAI's form."""
        return [
            {"type": "function", "function": {**f, "parameters": _convert_schema(f["parameters"])}}
            for f in self.functions
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """The calls of an answer, by name and by arguments as they were sent."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> "Answer":
        """The answer in OpenAI's message."""
        calls = message.get("tool_calls") or []
        return cls([(c["function"]["name"], c["function"]["arguments"]) for c in calls])


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the answer is right, and how many of its calls are well formed."""

    is_right: bool
    calls: int
    well_formed: int
    ms: float


def load_questions(package: Path, category: str, limit: int) -> list[Question]:
    """The first `limit` questions of a category."""
    rows = _read_lines(package, f"data/BFCL_v4_{category}.json")[:limit]
    truths: dict[str, list[dict[str, Any]]] = {}
    if category != "irrelevance":
        answers = _read_lines(package, f"data/possible_answer/BFCL_v4_{category}.json")
        truths = {one["id"]: one["ground_truth"] for one in answers}
    return [
        Question(one["question"][0], one["function"], truths.get(one["id"], []), category)
        for one in rows
    ]


class Checker:
    """Judges answers."""

    def __init__(self, package: Path) -> None:
        table = ModuleType("bfcl_eval.constants.model_config")
        table.MODEL_CONFIG_MAPPING = {_MODEL: SimpleNamespace(underscore_to_dot=False)}  # type: ignore[attr-defined]
        sys.modules[table.__name__] = table
        sys.path.insert(0, str(package))
        from bfcl_eval.constants.enums import Language
        from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

        self._check, self._language = ast_checker, Language.PYTHON

    def judge(self, question: Question, answer: Answer, ms: float) -> Verdict:
        """Apply the leaderboard's rules."""
        formed = [call for call in answer.calls if _is_well_formed(question, *call)]
        return Verdict(self._is_right(question, answer), len(answer.calls), len(formed), ms)

    def _is_right(self, question: Question, answer: Answer) -> bool:
        if answer.error:
            return False
        if question.category == "irrelevance":
            return not answer.calls
        try:
            calls = [{name: json.loads(arguments)} for name, arguments in answer.calls]
        except ValueError:
            return False
        result = self._check(
            question.functions, calls, question.truth, self._language, question.category, _MODEL
        )
        return bool(result["valid"])


def _is_well_formed(question: Question, name: str, arguments: str) -> bool:
    schemas = {f["function"]["name"]: f["function"]["parameters"] for f in question.tools}
    try:
        jsonschema.validate(json.loads(arguments), schemas[name])
    except (ValueError, KeyError, jsonschema.ValidationError):
        return False
    return True


def _convert_schema(schema: Any) -> Any:
    """Replace the leaderboard's own type names with those of JSON Schema."""
    if isinstance(schema, list):
        return [_convert_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _convert_schema(value) for key, value in schema.items()}
    if isinstance(kind := schema.get("type"), str):
        schema["type"] = _TYPES.get(kind, kind)
        if schema["type"] is None:
            del schema["type"]
    return schema


def _read_lines(package: Path, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(package) as archive:
        text = archive.read(f"bfcl_eval/{name}").decode()
    return [json.loads(line) for line in text.splitlines() if line.strip()]
