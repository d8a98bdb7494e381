"""Encodes images with llama.cpp's multimodal library (mtmd).

A projector file ("mmproj"), which belongs to one model, turns an image into embeddings. They are
evaluated in the place of tokens. For the KV cache and the scheduler an image is a run of ids that
are outside the vocabulary and derived from the image's checksum. So the same image after the same
text is found in the cache just like text, and two different images never share a prefix.
"""

import ctypes
import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as C
from llama_cpp import mtmd_cpp as M

from copilotd.engine.worker.llama_log import ErrorLog
from copilotd.engine.worker.vision.image_tokens import EncodingCancelled, ImageChunks, ImageTokens
from copilotd.engine.worker.vision.pixels import decode_pixels
from copilotd.errors import EngineError, EngineLoadFailed

_CACHE_BYTES = 64 * 2**20
"""For images of earlier requests: a conversation sends its images again with every message."""
_NODES = 32
"""Nodes of the encoder's graph between two checks whether to continue."""


class ImageEncoder:
    """The projector in the file `path`; it is loaded for the first image.

    `encode` is called in one thread, which need not be the one that decodes.
    """

    def __init__(self, path: str, model: Any, n_threads: int, log: ErrorLog) -> None:
        self._path = path
        self._log = log
        M.mtmd_helper_log_set(log.callback, None)
        self._model = model
        self._n_threads = n_threads
        self._n_vocab = int(C.llama_vocab_n_tokens(C.llama_model_get_vocab(model)))
        self._n_embd = int(C.llama_model_n_embd_inp(model))
        self._context: Any = None
        self._should_continue: Callable[[], bool] = lambda: True
        # Held by this object, because the library stores only its address.
        self._callback = C.ggml_backend_sched_eval_callback(self._on_node)
        self._nodes = 0
        self._cache: OrderedDict[bytes, ImageChunks] = OrderedDict()

    def encode(self, file: bytes, should_continue: Callable[[], bool]) -> ImageChunks:
        """Encode an image file; takes seconds unless the image is in the cache.

        Raises:
            EncodingCancelled: `should_continue` returned False meanwhile.
            InvalidRequest: the file is no image that can be read.
            EngineError: the projector cannot be loaded, or fails.
        """
        key = hashlib.sha256(file).digest()
        if key not in self._cache:
            self._should_continue = should_continue
            self._cache[key] = self._encode_file(file, key)
        self._cache.move_to_end(key)
        self._evict()
        return self._cache[key]

    def decode(
        self, context: Any, image: ImageTokens, sequence: int, position: int, n_batch: int
    ) -> int:
        """Evaluate an image, at most `n_batch` cells at a time; returns llama_decode's code."""
        end = C.llama_pos(0)
        embeddings = image.embeddings.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        no_callback = M.mtmd_helper_post_decode_callback()
        return int(
            M.mtmd_helper_decode_image_chunk(
                self._context,
                context,
                image.chunk,
                embeddings,
                position,
                sequence,
                n_batch,
                ctypes.byref(end),
                no_callback,
                None,
            )
        )

    # --- encoding ----------------------------------------------------------------------------

    def _encode_file(self, file: bytes, key: bytes) -> ImageChunks:
        pixels = decode_pixels(file)
        if self._context is None:
            self._context = self._load_projector()
        data = (ctypes.c_uint8 * len(pixels.rgb)).from_buffer_copy(pixels.rgb)
        bitmap = M.mtmd_bitmap_init(pixels.width, pixels.height, data)
        chunks = M.mtmd_input_chunks_init()
        try:
            self._split(bitmap, chunks)
            salt = key + self._projector_identity()
            return list(self._encode_chunks(chunks, salt))
        finally:
            M.mtmd_input_chunks_free(chunks)
            M.mtmd_bitmap_free(bitmap)

    def _split(self, bitmap: Any, chunks: Any) -> None:
        """Split the image into its tiles and the text tokens that the model puts around them."""
        marker = M.mtmd_default_marker()
        text = M.mtmd_input_text(marker, len(marker), False, True)
        bitmaps = (M.mtmd_bitmap_p_ctypes * 1)(bitmap)
        code = M.mtmd_tokenize(self._context, chunks, ctypes.byref(text), bitmaps, 1)
        if code != 0:
            raise self._make_error("prepare", code)

    def _encode_chunks(self, chunks: Any, salt: bytes) -> Iterator[list[int] | ImageTokens]:
        for i in range(M.mtmd_input_chunks_size(chunks)):
            chunk = M.mtmd_input_chunks_get(chunks, i)
            if M.mtmd_input_chunk_get_type(chunk) == M.MTMD_INPUT_CHUNK_TYPE_TEXT:
                yield _text_tokens(chunk)
            else:
                yield self._encode_chunk(chunk, salt + bytes([i % 256]))

    def _encode_chunk(self, chunk: Any, salt: bytes) -> ImageTokens:
        code = M.mtmd_encode_chunk(self._context, chunk)
        if not self._should_continue():
            raise EncodingCancelled
        if code != 0:
            raise self._make_error("encode", code)
        cells = int(M.mtmd_input_chunk_get_n_tokens(chunk))
        rows = M.mtmd_get_output_embd(self._context)
        embeddings = np.ctypeslib.as_array(rows, (cells * self._n_embd,)).copy()
        ids = self._make_ids(salt, int(M.mtmd_input_chunk_get_n_pos(chunk)))
        own_chunk = M.mtmd_input_chunk_copy(chunk)
        image = ImageTokens(ids, cells, own_chunk, embeddings)
        weakref.finalize(image, M.mtmd_input_chunk_free, own_chunk)
        return image

    def _make_ids(self, salt: bytes, count: int) -> list[int]:
        """Derive `count` ids of 31 bits, all outside the vocabulary, from `salt`."""
        noise = np.frombuffer(hashlib.shake_256(salt).digest(4 * count), "<u4")
        return [self._n_vocab + int(n) % (2**31 - self._n_vocab) for n in noise]

    def _projector_identity(self) -> bytes:
        """Identify the projector: another one makes other embeddings of the same image."""
        status = Path(self._path).stat()
        return f"{self._path} {status.st_size} {status.st_mtime_ns}".encode()

    def _load_projector(self) -> Any:
        params = M.mtmd_context_params_default()
        params.n_threads, params.print_timings, params.warmup = self._n_threads, False, False
        params.cb_eval = self._callback
        context = M.mtmd_init_from_file(self._path.encode(), self._model, params)
        if not context:
            raise EngineLoadFailed(
                f"llama.cpp cannot load {self._path} for this model{self._log.recent_errors()}",
                "chat.mmproj must be the projector of the chat model.",
            )
        if not M.mtmd_support_vision(context):
            M.mtmd_free(context)
            raise EngineLoadFailed(f"{self._path} does not encode images", "Correct chat.mmproj.")
        return context

    def _make_error(self, verb: str, code: int) -> EngineError:
        return EngineError(
            f"llama.cpp could not {verb} an image (code {code}){self._log.recent_errors()}"
        )

    def _on_node(self, tensor: Any, ask: bool, data: Any) -> bool:
        """Stop the encoder if `should_continue` says so.

        The library calls this for each node of the graph: first with `ask`, to learn whether to
        call again after the node, and then to learn whether to continue.
        """
        if not ask:
            return self._should_continue()
        self._nodes += 1
        return self._nodes % _NODES == 0

    def _evict(self) -> None:
        """Keep only the most recently used images."""
        while len(self._cache) > 1 and sum(map(_size, self._cache.values())) > _CACHE_BYTES:
            self._cache.popitem(last=False)


def _text_tokens(chunk: Any) -> list[int]:
    count = ctypes.c_size_t(0)
    tokens = M.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
    return [int(tokens[i]) for i in range(count.value)]


def _size(chunks: ImageChunks) -> int:
    return sum(chunk.embeddings.nbytes for chunk in chunks if isinstance(chunk, ImageTokens))
