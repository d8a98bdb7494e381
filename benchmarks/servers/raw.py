"""The other side: llama-cpp-python in this process, with the engine's own context settings."""

import time
from dataclasses import dataclass
from pathlib import Path

from llama_cpp import Llama, llama_cpp


@dataclass(frozen=True)
class TimedGeneration:
    """One generation: its text, milliseconds to the first piece and to the end, its pieces."""

    text: str
    first_ms: float
    total_ms: float
    tokens: int


class RawLlama:
    """`Llama` with as many threads and as large a batch as the daemon takes."""

    def __init__(self, model: Path, n_threads: int, n_ctx: int = 8192) -> None:
        self.llama = Llama(
            str(model),
            n_ctx=n_ctx,
            n_batch=512,
            n_threads=n_threads,
            n_threads_batch=n_threads,
            flash_attn=False,
            verbose=False,
        )
        vocab = llama_cpp.llama_model_get_vocab(self.llama.model)
        self.prefix = llama_cpp.llama_vocab_fim_pre(vocab)
        self.suffix = llama_cpp.llama_vocab_fim_suf(vocab)
        self.middle = llama_cpp.llama_vocab_fim_mid(vocab)

    def tokenize(self, text: str) -> list[int]:
        """Ids of `text`, control tokens read as text, no BOS."""
        return list(self.llama.tokenize(text.encode(), add_bos=False, special=False))

    def build_fim_prompt(self, prefix: str, suffix: str) -> list[int]:
        """The FIM prompt, built from the ids that the GGUF names."""
        before, after = self.tokenize(prefix), self.tokenize(suffix)
        return [self.prefix, *before, self.suffix, *after, self.middle]

    def generate(
        self, prompt: list[int], max_tokens: int, *, to_line: bool = False
    ) -> TimedGeneration:
        """Greedy; with `to_line`, only to the end of the first line that is not blank."""
        started = time.perf_counter()
        text, first, count = "", 0.0, 0
        for chunk in self.llama.create_completion(
            prompt, max_tokens=max_tokens, temperature=0.0, stream=True
        ):
            piece = chunk["choices"][0]["text"]
            if not piece:
                continue
            first = first or (time.perf_counter() - started) * 1000
            text += piece
            count += 1
            if to_line and "\n" in text.lstrip():
                break
        return TimedGeneration(text, first, (time.perf_counter() - started) * 1000, count)
