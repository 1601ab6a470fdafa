"""What every endpoint does alike: the key, the trace headers, the JSON body, the event stream."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from stepfun_emulator.breaking import hang_up_of
from stepfun_emulator.delivery import Step, deliver
from stepfun_emulator.errors import Refusal, invalid, undocumented
from stepfun_emulator.service import service_of
from stepfun_emulator.tracing import new_trace_id, trace_headers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from stepfun_emulator.journal import Journal, Received

Handler = Callable[[Request], Awaitable[Response]]
PLAN_PREFIX = "/step_plan/v1"


def guarded(handler: Handler, *, anthropic: bool = False) -> Handler:
    """An endpoint with its key checked, its refusals answered and its trace headers written.

    Args:
        handler: What answers the request.
        anthropic: Take the key from ``x-api-key`` too, and say of an error's body that it is one, as Anthropic's API.
    """

    async def endpoint(request: Request) -> Response:
        request.state.trace_id = new_trace_id()
        try:
            check_key(request, anthropic=anthropic)
            response = await handler(request)
        except Refusal as refusal:
            response = refusal.response(typed=anthropic)
        response.headers.update(trace_headers(request.state.trace_id, request.url.path))
        return response

    return endpoint


def check_key(request: HTTPConnection, *, anthropic: bool = False) -> None:
    """Any key is accepted, except none, one that begins with ``invalid`` (401) and one with ``broke`` (402).

    Args:
        request: What was sent.
        anthropic: Whether the key may stand in ``x-api-key`` (WIRE.md section 5).

    Raises:
        Refusal: As the service refuses such keys (WIRE.md section 2).
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if anthropic and not scheme:
        scheme, key = "bearer", request.headers.get("x-api-key", "")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or key.startswith("invalid"):
        raise Refusal(401, "invalid_api_key", "Incorrect API key provided")
    if key.startswith("broke"):
        raise Refusal(402, "quota_exceeded", "You exceeded your current quota, please check your balance")


def json_body(request: Request) -> Any:
    """The JSON body.

    Raises:
        Refusal: It is not JSON.
    """
    received: Received = request.state.received
    if received.body is None:
        raise Refusal(400, "request_params_invalid", "the body is not valid JSON")
    return received.body


def quotable_body(request: Request) -> Any:
    """The JSON body of a request whose own words come back in the reply.

    Raises:
        Refusal: It is not JSON, or a text in it is none: half a surrogate pair cannot be written in UTF-8.
    """
    body = json_body(request)
    if b"\\u" in request.state.content:
        try:
            json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Refusal(400, "request_params_invalid", "the body has half a surrogate pair in a text") from None
    return body


def json_fields(request: Request, *documented: str) -> dict[str, Any]:
    """The fields of a JSON body that must be an object; null is as good as none.

    Raises:
        Refusal: It is no object, or has a field that is not documented, unless the emulator is lenient.
    """
    body = quotable_body(request)
    if not isinstance(body, dict):
        raise invalid("body", "the body must be a JSON object")
    for name in body:
        if name not in documented and not service_of(request).lenient:
            raise undocumented(name)
    return {name: value for name, value in body.items() if value is not None}


def named_event(event: dict[str, Any]) -> bytes:
    """A typed event as a server-sent event of that name, as Messages and Responses write theirs."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def plan_of(request: HTTPConnection) -> bool:
    """Whether a request came under the Step Plan's prefix (WIRE.md section 1)."""
    return request.url.path.startswith(PLAN_PREFIX)


class EventStream(Response):
    """A stream of server-sent events that stops when the client goes away, and is counted while it is open."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, events: Iterable[bytes], journal: Journal, *, delay: float = 0.0) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._events = events
        self._journal = journal
        self._delay = delay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the events until they end or the client goes away."""
        with self._journal.streaming():
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await deliver(self._steps(), receive, send, hang_up_of(scope))

    def _steps(self) -> Iterable[Step]:
        for event in self._events:
            yield event
            if self._delay:
                yield self._delay
