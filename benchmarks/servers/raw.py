"""llama-cpp-python in this process, with the context settings of the daemon's engine."""

from collections.abc import Generator
from pathlib import Path

from llama_cpp import Llama, llama_cpp

from benchmarks.servers.timing import TimedGeneration, time_generation


class RawLlama:
    """`Llama` with the same number of threads and the same batch size as the daemon."""

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
        """Token ids of `text`, without BOS; the names of control tokens count as plain text."""
        return list(self.llama.tokenize(text.encode(), add_bos=False, special=False))

    def build_fim_prompt(self, prefix: str, suffix: str) -> list[int]:
        """The FIM prompt, built with the token ids that the GGUF names."""
        before, after = self.tokenize(prefix), self.tokenize(suffix)
        return [self.prefix, *before, self.suffix, *after, self.middle]

    def generate(
        self, prompt: list[int], max_tokens: int, *, to_line: bool = False
    ) -> TimedGeneration:
        """Decode greedily; with `to_line`, stop after the first line that is not blank."""
        return time_generation(self._stream_pieces(prompt, max_tokens), to_line=to_line)

    def _stream_pieces(self, prompt: list[int], max_tokens: int) -> Generator[str, None, None]:
        for chunk in self.llama.create_completion(
            prompt, max_tokens=max_tokens, temperature=0.0, stream=True
        ):
            yield chunk["choices"][0]["text"]
