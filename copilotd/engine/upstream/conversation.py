"""Conversations as pseudo-tokens, for servers that do not show their chat template.

The engine receives tokens, but such a server wants messages. So its model gets a chat template that
writes each message after a marker for its role, and the messages are parsed from the tokens again.
No text of a message can be mistaken for a marker.
"""

from collections.abc import Sequence

from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer

_ANSWER_MARKER = "<|upstream answer|>"
_ROLES = {f"<|upstream {role}|>": role for role in ("system", "developer", "user", "assistant")}

MARKERS = (*_ROLES, _ANSWER_MARKER)
"""The tokenizer for a server must know these markers."""

TEMPLATE = (
    "{% for m in messages %}"
    f"{{% if m.role not in {list(_ROLES.values())} %}}"
    "{{ raise_exception('unknown role ' ~ m.role) }}{% endif %}"
    "<|upstream {{ m.role }}|>{{ m.content }}{% endfor %}"
    f"{_ANSWER_MARKER}"
)
"""The chat template of the model."""


def parse_messages(
    tokenizer: PseudoTokenizer, prompt: Sequence[int]
) -> list[dict[str, str]] | None:
    """The messages of the conversation in `prompt`; None if the prompt is no conversation.

    The last message is the assistant's if the beginning of the answer is given.
    """
    if not prompt or prompt[0] not in {tokenizer.marker_id(marker) for marker in MARKERS}:
        return None
    messages: list[dict[str, str]] = []
    for part in tokenizer.split(prompt):
        if isinstance(part, int):
            role = _ROLES.get(tokenizer.marker_text(part), "assistant")
            messages.append({"role": role, "content": ""})
        else:
            messages[-1]["content"] += tokenizer.break_markers(part)
    return messages if messages[-1]["content"] else messages[:-1]
