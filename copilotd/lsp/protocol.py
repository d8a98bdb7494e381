"""pygls' protocol with the gaps closed through which a request would go unanswered."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from cattrs import Converter
from lsprotocol import converters, types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
)
from pygls.protocol.json_rpc import RPCMessage

_OWN_DOCUMENTS = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
)


def message_converter() -> Converter:
    """Turns JSON into messages and back; the parameters of unknown methods stay plain JSON.

    One serves all connections: it compiles its conversions at their first use.
    """
    converter = converters.get_converter()
    for plain in (JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage):
        converter.register_structure_hook(plain, _as_it_is)
    return converter


class EditorProtocol(LanguageServerProtocol):
    """Every request gets exactly one response, whatever the request looks like."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message; a request that cannot be read is answered with the reason."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise

    def handle_message(self, message: RPCMessage) -> None:
        """Pass a message to its handler, if this is the time for it."""
        method = getattr(message, "method", "")
        refusal = self._refusal(method) if method else None
        if refusal is None:
            super().handle_message(message)
        elif hasattr(message, "id"):
            self._send_response(message.id, error=refusal.to_response_error())

    async def cancel_requests(self) -> None:
        """End the work of all pending requests; for when nobody waits for the answers."""
        # Handlers that are coroutines are tasks, which the base class declares as futures.
        futures: Iterable[object] = tuple(self._request_futures.values())
        tasks = [future for future in futures if isinstance(future, asyncio.Task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, method: str, params: Any) -> Any:
        """The client's answer to a request; the client is told when it is not waited for any more.

        Raises: JsonRpcException where the client says that it failed.
        """
        id = str(uuid4())
        waiting = self.send_request(method, params, msg_id=id)
        try:
            return await asyncio.wrap_future(waiting)
        except asyncio.CancelledError:
            self._request_futures.pop(id, None)
            self.notify(types.CANCEL_REQUEST, types.CancelParams(id))
            raise

    # The base class caches these two with its instance as part of the key, which would keep
    # every closed connection and its files in memory. A cached method is of another type, hence
    # the suppressions.

    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        """The class of the messages of `method`."""
        return types.METHOD_TO_TYPES.get(method, (None,))[0]

    def get_result_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        """The class of the responses to `method`."""
        return types.METHOD_TO_TYPES.get(method, (None, None))[1]

    def _refusal(self, method: str) -> JsonRpcException | None:
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


def _as_it_is(data: dict[str, Any], kind: type[Any]) -> Any:
    return kind(**data)
