"""Images as the model sees them, made by llama.cpp's multimodal library (mtmd).

A projector file, the "mmproj" that belongs to one model, turns an image into embeddings, which are
evaluated in the place of tokens. To the KV cache and to the scheduler a picture is a run of ids
that no vocabulary has, made of the image's checksum: so the same image behind the same text is
found in the cache as text is, and two images never share a beginning.
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

from copilotd.engine.worker.llama_log import Complaints
from copilotd.engine.worker.vision.image_tokens import GivenUp, Picture, View
from copilotd.engine.worker.vision.pixels import pixels
from copilotd.errors import EngineError, EngineLoadFailed

_KEPT_BYTES = 64 * 2**20
"""For pictures of earlier requests: a conversation sends its images again with every question."""
_NODES = 32
"""Nodes of the encoder's graph between two looks at whether anybody still waits."""


class Vision:
    """The projector `path`, loaded when the first image comes.

    `view` is called in one thread, and may be in another than the one that decodes.
    """

    def __init__(self, path: str, model: Any, n_threads: int, log: Complaints) -> None:
        self._path = path
        self._log = log
        M.mtmd_helper_log_set(log.callback, None)
        self._model = model
        self._n_threads = n_threads
        self._n_vocab = int(C.llama_vocab_n_tokens(C.llama_model_get_vocab(model)))
        self._n_embd = int(C.llama_model_n_embd_inp(model))
        self._context: Any = None
        self._is_wanted: Callable[[], bool] = lambda: True
        # Kept, since the library holds only its address.
        self._asked = C.ggml_backend_sched_eval_callback(self._go_on)
        self._nodes = 0
        self._views: OrderedDict[bytes, View] = OrderedDict()

    def view(self, file: bytes, is_wanted: Callable[[], bool]) -> View:
        """What stands in a prompt for an image file; takes seconds unless it was seen before.

        Raises:
            GivenUp: `is_wanted` said no meanwhile.
            InvalidRequest: it is no image that can be read.
            EngineError: the projector cannot be loaded, or fails.
        """
        key = hashlib.sha256(file).digest()
        if key not in self._views:
            self._is_wanted = is_wanted
            self._views[key] = self._made(file, key)
        self._views.move_to_end(key)
        self._forget()
        return self._views[key]

    def decode(self, context: Any, picture: Picture, sequence: int, position: int, n: int) -> int:
        """Evaluate a picture, at most `n` cells at a time; llama.cpp's code, as of llama_decode."""
        end = C.llama_pos(0)
        embeddings = picture.embeddings.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        nobody = M.mtmd_helper_post_decode_callback()
        return int(
            M.mtmd_helper_decode_image_chunk(
                self._context,
                context,
                picture.chunk,
                embeddings,
                position,
                sequence,
                n,
                ctypes.byref(end),
                nobody,
                None,
            )
        )

    # --- making pictures ---------------------------------------------------------------------

    def _made(self, file: bytes, key: bytes) -> View:
        shown = pixels(file)
        if self._context is None:
            self._context = self._loaded()
        data = (ctypes.c_uint8 * len(shown.rgb)).from_buffer_copy(shown.rgb)
        bitmap = M.mtmd_bitmap_init(shown.width, shown.height, data)
        chunks = M.mtmd_input_chunks_init()
        try:
            self._cut(bitmap, chunks)
            salt = key + self._identity()
            return list(self._parts(chunks, salt))
        finally:
            M.mtmd_input_chunks_free(chunks)
            M.mtmd_bitmap_free(bitmap)

    def _cut(self, bitmap: Any, chunks: Any) -> None:
        """Prepare the image: its tiles, and the tokens that the model has round each."""
        marker = M.mtmd_default_marker()
        text = M.mtmd_input_text(marker, len(marker), False, True)
        bitmaps = (M.mtmd_bitmap_p_ctypes * 1)(bitmap)
        code = M.mtmd_tokenize(self._context, chunks, ctypes.byref(text), bitmaps, 1)
        if code != 0:
            raise self._failed("prepare", code)

    def _parts(self, chunks: Any, salt: bytes) -> Iterator[list[int] | Picture]:
        for i in range(M.mtmd_input_chunks_size(chunks)):
            chunk = M.mtmd_input_chunks_get(chunks, i)
            if M.mtmd_input_chunk_get_type(chunk) == M.MTMD_INPUT_CHUNK_TYPE_TEXT:
                yield _tokens(chunk)
            else:
                yield self._encoded(chunk, salt + bytes([i % 256]))

    def _encoded(self, chunk: Any, salt: bytes) -> Picture:
        code = M.mtmd_encode_chunk(self._context, chunk)
        if not self._is_wanted():
            raise GivenUp
        if code != 0:
            raise self._failed("encode", code)
        cells = int(M.mtmd_input_chunk_get_n_tokens(chunk))
        rows = M.mtmd_get_output_embd(self._context)
        embeddings = np.ctypeslib.as_array(rows, (cells * self._n_embd,)).copy()
        ids = self._ids(salt, int(M.mtmd_input_chunk_get_n_pos(chunk)))
        own = M.mtmd_input_chunk_copy(chunk)
        picture = Picture(ids, cells, own, embeddings)
        weakref.finalize(picture, M.mtmd_input_chunk_free, own)
        return picture

    def _ids(self, salt: bytes, count: int) -> list[int]:
        """`count` ids of 31 bits beyond the vocabulary."""
        noise = np.frombuffer(hashlib.shake_256(salt).digest(4 * count), "<u4")
        return [self._n_vocab + int(n) % (2**31 - self._n_vocab) for n in noise]

    def _identity(self) -> bytes:
        """Another projector sees something else."""
        found = Path(self._path).stat()
        return f"{self._path} {found.st_size} {found.st_mtime_ns}".encode()

    def _loaded(self) -> Any:
        params = M.mtmd_context_params_default()
        params.n_threads, params.print_timings, params.warmup = self._n_threads, False, False
        params.cb_eval = self._asked
        context = M.mtmd_init_from_file(self._path.encode(), self._model, params)
        if not context:
            raise EngineLoadFailed(
                f"llama.cpp cannot load {self._path} for this model{self._log.last_words()}",
                "chat.mmproj has to be the projector of the very model that chats.",
            )
        if not M.mtmd_support_vision(context):
            M.mtmd_free(context)
            raise EngineLoadFailed(f"{self._path} makes nothing of images", "Correct chat.mmproj.")
        return context

    def _failed(self, verb: str, code: int) -> EngineError:
        return EngineError(
            f"llama.cpp could not {verb} an image (code {code}){self._log.last_words()}"
        )

    def _go_on(self, tensor: Any, asks: bool, data: Any) -> bool:
        """Called between the nodes of the encoder's graph: first where to stop, then whether."""
        if not asks:
            return self._is_wanted()
        self._nodes += 1
        return self._nodes % _NODES == 0

    def _forget(self) -> None:
        """Keep the views used last."""
        while len(self._views) > 1 and sum(map(_size, self._views.values())) > _KEPT_BYTES:
            self._views.popitem(last=False)


def _tokens(chunk: Any) -> list[int]:
    count = ctypes.c_size_t(0)
    tokens = M.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
    return [int(tokens[i]) for i in range(count.value)]


def _size(view: View) -> int:
    return sum(part.embeddings.nbytes for part in view if isinstance(part, Picture))
