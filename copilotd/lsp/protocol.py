"""pygls' protocol, changed so that every request gets an answer."""

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from cattrs import Converter
from lsprotocol import converters, types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
)
from pygls.protocol.json_rpc import RPCMessage

from copilotd.lsp.changes import METHOD, decode_changes
from copilotd.lsp.framing import MAX_BYTES, TooLong

log = logging.getLogger(__name__)

_OWN_DOCUMENTS = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
)


def build_converter() -> Converter:
    """A converter between JSON and messages; the parameters of unknown methods stay plain JSON.

    All connections share one, because it compiles each conversion at its first use.
    """
    converter = converters.get_converter()
    for plain in (JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage):
        converter.register_structure_hook(plain, _keep_plain)
    return converter


class EditorProtocol(LanguageServerProtocol):
    """Answers every request with exactly one response, even a malformed one."""

    def receive(self, body: bytes) -> None:
        """Parse a message and pass it to its handler. Broken JSON is answered with an error."""
        try:
            self.handle_message(self._parse(body))
        except (JsonRpcParseError, JsonRpcInvalidRequest) as error:
            self._send_error(None, error)
        except JsonRpcException as error:
            log.info("a message could not be parsed: %s", error)
        except Exception:  # the fault barrier of one message
            log.exception("a message could not be handled")

    def _parse(self, body: bytes) -> Any:
        """The message in `body`. Raises: JsonRpcException."""
        if (changes := decode_changes(body)) is not None:
            return JsonRPCNotification(METHOD, self.VERSION, changes)
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise JsonRpcParseError(f"the message is no JSON: {error}") from error
        if not isinstance(data, dict) or "jsonrpc" not in data:
            raise JsonRpcInvalidRequest("this is no JSON-RPC message")
        return self.structure_message(data)

    def refuse(self, message: TooLong) -> None:
        """Answer a message that was not read, if it is a request."""
        if message.id is not None:
            limit = f"a message has at most {MAX_BYTES:,} bytes; this one has {message.size:,}"
            self._send_error(message.id, JsonRpcInvalidRequest(limit))

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Parse a message. A request that cannot be parsed gets an error with the reason."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_error(data["id"], error)
            raise

    def handle_message(self, message: RPCMessage) -> None:
        """Pass a message to its handler, if it comes between `initialize` and `shutdown`."""
        method = getattr(message, "method", "")
        refusal = self._refuse(method) if method else None
        if refusal is None:
            super().handle_message(message)
        elif hasattr(message, "id"):
            self._send_error(message.id, refusal)

    async def cancel_requests(self) -> None:
        """Cancel all pending requests. Call it when no one waits for the answers."""
        # Handlers that are coroutines are tasks, which the base class declares as futures.
        futures: Iterable[object] = tuple(self._request_futures.values())
        tasks = [future for future in futures if isinstance(future, asyncio.Task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def send_cancellable_request(self, method: str, params: Any) -> Any:
        """Send a request to the client and wait for its answer; cancelling tells the client.

        Raises: JsonRpcException if the client answers with an error.
        """
        id = str(uuid4())
        answer = self.send_request(method, params, msg_id=id)
        try:
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            self._request_futures.pop(id, None)
            self.notify(types.CANCEL_REQUEST, types.CancelParams(id))
            raise

    def _send_error(self, id: str | int | None, error: JsonRpcException) -> None:
        """Answer the request `id`; None stands for one whose id is unknown."""
        # Not as a ResponseErrorMessage, because that is sent without an id if the id is null.
        problem = {"code": error.code, "message": error.message, "data": error.data}
        self._send_data({"jsonrpc": self.VERSION, "id": id, "error": problem})

    # The base class caches the next two methods with the instance in the key, which would keep
    # every closed connection and its files in memory. A cached method has another type, hence the
    # suppressions.

    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        """The class of a message of `method`; None keeps its parameters plain."""
        if method == METHOD:
            return None
        return types.METHOD_TO_TYPES.get(method, (None,))[0]

    def get_result_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        """The class of a response to `method`."""
        return types.METHOD_TO_TYPES.get(method, (None, None))[1]

    def _refuse(self, method: str) -> JsonRpcException | None:
        if method == types.EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest("the server has been shut down")
        if self._workspace is None and method != types.INITIALIZE:
            return JsonRpcServerNotInitialized("send `initialize` first")
        return None

    def _register_builtin_features(self) -> None:
        super()._register_builtin_features()  # type: ignore[no-untyped-call]  # untyped in pygls
        for method in _OWN_DOCUMENTS:
            del self.fm.builtin_features[method]


def _keep_plain(data: dict[str, Any], kind: type[Any]) -> Any:
    return kind(**data)
