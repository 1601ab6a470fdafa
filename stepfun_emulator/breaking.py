"""ASGI middleware that makes faults happen. Which ones there are stands in ``faults``."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from stepfun_emulator.delivery import Act, HangUp, deliver
from stepfun_emulator.errors import invalid
from stepfun_emulator.faults import HEADER, Delivery, Fault, Instead, find_fault
from stepfun_emulator.tracing import new_trace_id, trace_headers

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from stepfun_emulator.journal import Journal

_FIRST_ERROR = 400


class Breaker:
    """Applies the fault of a server or of a request.

    Args:
        app: What is served.
        fault: The server's fault.
        journal: Where open streams are counted.
        delay: The pause of the slow ones, in seconds.
    """

    def __init__(self, app: ASGIApp, fault: Fault | None, journal: Journal, delay: float) -> None:
        self._app = app
        self._fault = fault
        self._journal = journal
        self._delay = delay
        self._attempts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose the fault and apply it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            fault = self._chosen(scope)
        except ValueError as error:
            await invalid(HEADER, str(error)).response()(scope, receive, send)
            return
        scope.setdefault("state", {})["fault"] = fault
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.instead is not None:
            await self._instead(fault.instead, scope, receive, send)
        elif fault.delivery is not None and scope["type"] == "http":
            await self._broken(fault, fault.delivery, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _chosen(self, scope: Scope) -> Fault | None:
        asked = Headers(scope=scope).get(HEADER)
        return self._fault if asked is None else find_fault(asked)

    async def _instead(self, instead: Instead, scope: Scope, receive: Receive, send: Send) -> None:
        request = _fingerprint(scope)
        outcome = instead(self._attempts[request])
        if outcome is None:
            del self._attempts[request]  # the next one like it fails again
            await self._app(scope, receive, send)
        elif isinstance(outcome, Act):
            hang_up_of(scope)()
            while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
                pass
        else:
            self._attempts[request] += 1
            if outcome.media_type != "text/html":  # a gateway's page knows nothing of traces
                outcome.headers.update(trace_headers(new_trace_id(), scope["path"]))
            await outcome(scope, receive, send)

    async def _broken(self, fault: Fault, delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
        """Collect the reply, then put it on the wire as the fault has it."""
        start: MutableMapping[str, Any] = {}
        pieces: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message.get("body"):
                pieces.append(message["body"])

        # The app must not wait for the client here, and must not learn that nobody listens to it.
        await self._app(scope, _once(receive), collect)
        headers = MutableHeaders(raw=list(start["headers"]))
        if fault.rewrites:
            del headers["content-length"]
        start["headers"] = headers.raw
        if start["status"] >= _FIRST_ERROR:
            await send(start)
            await send({"type": "http.response.body", "body": b"".join(pieces)})
            return
        streamed = headers.get("content-type", "").startswith("text/event-stream")
        with self._journal.streaming() if streamed else contextlib.nullcontext():
            await send(start)
            steps = delivery(pieces, streamed=streamed, delay=self._delay)
            await deliver(steps, receive, send, hang_up_of(scope))


def _once(receive: Receive) -> Receive:
    """The request's body, and after it nothing ever."""
    given = False

    async def once() -> Message:
        nonlocal given
        if not given:
            given = True
            return await receive()
        await asyncio.Event().wait()
        raise AssertionError  # pragma: no cover - the wait never ends

    return once


def hang_up_of(scope: Scope) -> HangUp:
    """How to drop the connection of a request; only the emulator's own server can."""
    hang_up: HangUp = scope.get("state", {}).get("hang_up", _cannot)
    return hang_up


def _cannot() -> None:
    raise ConnectionAbortedError("the connection was to be dropped, which only the emulator's own server can do")


def _fingerprint(scope: Scope) -> str:
    content: bytes = scope["state"].get("content", scope.get("query_string", b""))  # a handshake has no body
    return hashlib.sha256(f"{scope.get('method', 'GET')} {scope['path']} ".encode() + content).hexdigest()
