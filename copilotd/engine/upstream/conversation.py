"""Conversations as tokens, for servers that keep their chat template to themselves.

The engine is given tokens, and such a server wants messages. So the model is said to have a
template that writes every message behind a marker of its role, and from those tokens the messages
are read again. No text of a message can be mistaken for a marker.
"""

from collections.abc import Iterable, Sequence

from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer

_ANSWER = "<|upstream answer|>"
_ROLES = {f"<|upstream {role}|>": role for role in ("system", "developer", "user", "assistant")}

MARKERS = (*_ROLES, _ANSWER)
"""To be known to the `Tokens` of a server."""

TEMPLATE = (
    "{% for m in messages %}"
    f"{{% if m.role not in {list(_ROLES.values())} %}}"
    "{{ raise_exception('no role is called ' ~ m.role) }}{% endif %}"
    "<|upstream {{ m.role }}|>{{ m.content }}{% endfor %}"
    f"{_ANSWER}"
)
"""The chat template of the model."""


def messages(tokens: PseudoTokenizer, prompt: Sequence[int]) -> list[dict[str, str]] | None:
    """The conversation that `prompt` is; None if it is another text.

    It ends with a message of the assistant's if the answer's beginning is given.
    """
    if not prompt or prompt[0] not in _ids(tokens, MARKERS):
        return None
    found: list[dict[str, str]] = []
    for part in tokens.parts(prompt):
        if isinstance(part, int):
            role = _ROLES.get(tokens.text(part), "assistant")
            found.append({"role": role, "content": ""})
        else:
            found[-1]["content"] += tokens.neutral(part)
    return found if found[-1]["content"] else found[:-1]


def _ids(tokens: PseudoTokenizer, markers: Iterable[str]) -> set[int | None]:
    return {tokens.id(marker) for marker in markers}
