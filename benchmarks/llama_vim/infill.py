"""llama-server's `/infill` as llama.vim calls it: the requests and the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from benchmarks.recording.buffer import Buffer, from_utf16_units, to_utf16_units
from benchmarks.recording.player import Work

PREFIX_LINES, SUFFIX_LINES = 256, 64
MAX_TOKENS = 128
SCROLL_LINES = 3
TIMINGS = [
    f"timings/{of}_{what}"
    for of in ("prompt", "predicted")
    for what in ("n", "ms", "per_token_ms", "per_second")
]


@dataclass(frozen=True, slots=True)
class Context:
    """The lines above, the line up to the cursor, and the text after it."""

    prefix: str
    middle: str
    suffix: str
    indent: int
    rest_of_line: str = ""

    @property
    def key(self) -> str:
        """The key of the answer in the cache."""
        return f"{self.prefix}{self.middle}\0{self.suffix}"

    def keys(self) -> Iterator[str]:
        """This key, and the keys of the same place in a window up to three lines further down."""
        yield self.key
        prefix = self.prefix
        for _ in range(SCROLL_LINES):
            prefix = prefix.partition("\n")[2]
            if not prefix:
                return
            yield Context(prefix, self.middle, self.suffix, self.indent).key


@dataclass
class Reply:
    """An answer and its cost; `is_shown` is set once the answer or its rest is shown in time."""

    content: str
    work: Work
    is_late: bool = False
    is_shown: bool = False


def build_context(buffer: Buffer, cursor: int) -> Context:
    """The context that is sent for a cursor; a blank line counts as empty."""
    lines = buffer.text.split("\n")
    line, character = buffer.position(cursor)
    current = lines[line] if lines[line].strip() else ""
    above = lines[max(0, line - PREFIX_LINES) : line]
    below = lines[line + 1 : line + 1 + SUFFIX_LINES]
    rest = current[character:]
    indent = len(current) - len(current.lstrip())
    return Context(
        _join_lines(above), current[:character], f"{rest}\n{_join_lines(below)}", indent, rest
    )


def build_next_context(
    buffer: Buffer, cursor: int, accepted: Sequence[str], indent: int
) -> Context:
    """The context behind a suggestion, as if the user had accepted it."""
    lines = buffer.text.split("\n")
    line = buffer.position(cursor)[0]
    first = lines[line] + accepted[0]
    above = lines[max(0, line - PREFIX_LINES + len(accepted) - 1) : line]
    below = lines[line + 1 : line + 1 + SUFFIX_LINES]
    middle = first
    if len(accepted) > 1:
        above, middle = [*above, first, *accepted[1:-1]], accepted[-1]
    return Context(_join_lines(above), middle, f"\n{_join_lines(below)}", indent)


class Infill:
    """A connection to the server."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.AsyncClient(base_url=url, timeout=600)

    async def complete(
        self, here: Context, extra: Sequence[Mapping[str, str]], max_ms: int
    ) -> Reply:
        """Request a completion that decodes for at most `max_ms`."""
        body = build_infill_body(here, extra, max_ms)
        return _parse_reply((await self._post(body)).json())

    async def evaluate_chunks(self, extra: Sequence[Mapping[str, str]]) -> Reply:
        """Let the server evaluate the chunks of the ring."""
        nothing = build_infill_body(Context("", "", "", 0), extra, 1)
        nothing |= {"n_predict": 0, "temperature": 0.0, "samplers": [], "t_max_prompt_ms": 1}
        return _parse_reply((await self._post(nothing)).json())

    async def read_total(self) -> Work:
        """All tokens since the server's start."""
        lines = (await self._http.get("/metrics")).text.splitlines()
        counts = dict(line.split() for line in lines if not line.startswith("#"))
        evaluated, decoded = (
            int(float(counts[f"llamacpp:{name}_total"]))
            for name in ("prompt_tokens", "tokens_predicted")
        )
        return Work(evaluated, decoded)

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _post(self, body: Mapping[str, object]) -> httpx2.Response:
        return (await self._http.post("/infill", json=body)).raise_for_status()


def build_infill_body(
    here: Context, extra: Sequence[Mapping[str, str]], max_ms: int
) -> dict[str, object]:
    """A request with llama.vim's own parameters."""
    return {
        "input_prefix": from_utf16_units(here.prefix),
        "input_suffix": from_utf16_units(here.suffix),
        "input_extra": list(extra),
        "prompt": from_utf16_units(here.middle),
        "n_predict": MAX_TOKENS,
        "n_indent": here.indent,
        "stop": [],
        "top_k": 40,
        "top_p": 0.90,
        "stream": False,
        "samplers": ["top_k", "top_p", "infill"],
        "cache_prompt": True,
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": max_ms,
        "response_fields": ["content", *TIMINGS, "truncated", "tokens_cached"],
    }


def _parse_reply(response: Mapping[str, Any]) -> Reply:
    work = Work(response.get("timings/prompt_n", 0), response.get("timings/predicted_n", 0))
    return Reply(to_utf16_units(response.get("content", "")), work)


def _join_lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
