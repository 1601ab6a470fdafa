"""What can go wrong, by name: the one table of faults.

A fault is chosen for a whole server (``running(fault="...")``, ``--fault``) or for one request by the header
``x-emulator-fault``; the header wins, and ``none`` switches the server's fault off for that request. The faults of
WebSockets come after three server events, or as many as the handshake's header ``x-emulator-after`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from starlette.responses import HTMLResponse, Response

from stepfun_emulator import cutting
from stepfun_emulator.chat import shapes
from stepfun_emulator.chat.shapes import Shape
from stepfun_emulator.delivery import Act, Step
from stepfun_emulator.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "x-emulator-fault"
AFTER_HEADER = "x-emulator-after"
OFF = "none"
_FLAKY_TIMES = 2


class Delivery(Protocol):
    """A function of ``cutting``."""

    def __call__(self, pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
        """The steps that deliver a body."""
        ...


Instead = Callable[[int], "Response | Act | None"]


class Break(Enum):
    """How a conversation over a WebSocket goes wrong."""

    CUT = auto()  # the connection is dropped
    CLOSE = auto()  # it is closed in order, as by a server in trouble
    STALL = auto()  # nothing more is said
    SLOW = auto()  # a pause before each event


class Quirk(Enum):
    """How a reply of Messages or Responses differs from the usual."""

    REASON_ON_TOP = auto()  # Messages: stop_reason at the top level of message_delta (WIRE.md section 5)
    FAILED = auto()  # Responses: the response fails


@dataclass(frozen=True)
class Fault:
    """One way to fail.

    Attributes:
        name: How it is asked for.
        summary: What happens, for ``--help``.
        instead: Gives, by the number of earlier attempts, what comes instead of the reply; None lets it through.
        delivery: How the reply is put on the wire.
        rewrites: Whether the delivery changes what a whole reply says, and so its length.
        shape: How a chat reply is written.
        quirk: How a reply of Messages or Responses differs.
        talk: How a conversation over a WebSocket goes wrong.
        result: The path that the URL of a generated picture points at instead (see ``images.hostile``).
    """

    name: str
    summary: str
    instead: Instead | None = None
    delivery: Delivery | None = None
    rewrites: bool = False
    shape: Shape = Shape()  # noqa: RUF009 - frozen, so sharing it is safe
    quirk: Quirk | None = None
    talk: Break | None = None
    result: str = ""


def _rate_limited(attempt: int) -> Response:
    del attempt
    return Refusal(429, "rate_limited", "request limited concurrency reached, current: 16, limit: 15").response()


def _rate_limited_with_advice(attempt: int) -> Response:
    response = _rate_limited(attempt)
    response.headers["retry-after"] = "1"
    return response


def _overloaded(attempt: int) -> Response:
    del attempt
    return Refusal(503, "server_error", "the service is overloaded, please try again later").response()


def _flaky(attempt: int) -> Response | None:
    return _overloaded(attempt) if attempt < _FLAKY_TIMES else None


def _timed_out(attempt: int) -> Response:
    del attempt
    return Refusal(503, "timeout", "the request did not complete within 10 minutes and was ended").response()


def _html(attempt: int) -> Response:
    del attempt
    head = "<head><title>502 Bad Gateway</title></head>"
    body = "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>"
    return HTMLResponse(f"<html>\r\n{head}\r\n{body}\r\n</html>\r\n", 502, {"server": "nginx"})


def _dropped(attempt: int) -> Act:
    del attempt
    return Act.HANG_UP


_TABLE = (
    Fault("rate-limit", "429 rate_limited, without Retry-After", instead=_rate_limited),
    Fault("rate-limit-retry-after", "429 rate_limited, with Retry-After: 1", instead=_rate_limited_with_advice),
    Fault("flaky", "503 for the first two attempts of a request, then the reply", instead=_flaky),
    Fault("overloaded", "503, always", instead=_overloaded),
    Fault("timeout-503", "the 503 that ends a request after ten minutes, at once", instead=_timed_out),
    Fault("html-error", "502 with a gateway's HTML page", instead=_html),
    Fault("drop-connection", "the connection closes without an HTTP reply", instead=_dropped),
    Fault("cut-stream", "a stream ends after three events; of a whole reply half arrives", delivery=cutting.cut_stream),
    Fault(
        "cut-connection", "as cut-stream, inside an event and without an orderly end", delivery=cutting.cut_connection
    ),
    Fault("cut-before-first", "headers, but not one event or byte", delivery=cutting.cut_before_first),
    Fault(
        "garbage",
        "200 with a body that is not JSON, or such an event in a stream",
        delivery=cutting.garbage,
        rewrites=True,
    ),
    Fault(
        "error-in-stream",
        "200 and then an error: an event of a stream, or the whole body",
        delivery=cutting.error_in_stream,
        rewrites=True,
    ),
    Fault("no-done", "a stream with a finish reason but without [DONE] or message_stop", delivery=cutting.no_done),
    Fault(
        "slow",
        "bytes trickle, with a pause (--delay) after each; one before each event of a WebSocket",
        delivery=cutting.slow,
        talk=Break.SLOW,
    ),
    Fault("stall", "headers, then silence", delivery=cutting.stall),
    Fault("stall-after-first", "two events or half a reply, then silence", delivery=cutting.stall_after_first),
    Fault("one-byte", "every byte is a write of its own", delivery=cutting.one_byte),
    Fault("odd-chunks", "writes end anywhere: inside characters, line ends and keys", delivery=cutting.odd_chunks),
    Fault("crlf", "a stream with a byte order mark, comments and CRLF", delivery=cutting.crlf),
    Fault("tool-whole", "each streamed tool call in one delta", shape=Shape(shapes.tool_whole)),
    Fault("tool-no-index", "tool calls without index", shape=Shape(shapes.tool_no_index, shapes.no_index)),
    Fault(
        "tool-repeated-id",
        "streamed tool calls repeat their id, or state it as empty",
        shape=Shape(shapes.tool_repeated_id),
    ),
    Fault(
        "finish-empty",
        "finish_reason and role are empty until the end; created 0 first",
        shape=Shape(shapes.finish_empty),
    ),
    Fault(
        "reasoning-only",
        "reasoning without reasoning_content",
        shape=Shape(shapes.reasoning_only_chunks, shapes.reasoning_only),
    ),
    Fault(
        "stop-reason-on-top",
        "a Messages stream states stop_reason at the top level of message_delta",
        quirk=Quirk.REASON_ON_TOP,
    ),
    Fault(
        "response-failed",
        "a response of the Responses API fails, in a stream after its first delta",
        quirk=Quirk.FAILED,
    ),
    Fault("cut-websocket", "a WebSocket's connection drops after some server events", talk=Break.CUT),
    Fault("close-websocket", "a WebSocket is closed with 1011 after some server events", talk=Break.CLOSE),
    Fault("stall-websocket", "a WebSocket falls silent after some server events", talk=Break.STALL),
    Fault("hostile-redirect", "a picture's URL redirects to a private address", result="/hostile/redirect"),
    Fault("hostile-svg", "at a picture's URL is an SVG posing as a PNG", result="/hostile/svg.png"),
    Fault("hostile-html", "at a picture's URL is a web page posing as a PNG", result="/hostile/html.png"),
    Fault("hostile-endless", "at a picture's URL is a PNG that never ends", result="/hostile/endless.png"),
    Fault("hostile-huge", "at a picture's URL are 1 GiB, and the headers say so", result="/hostile/huge.png"),
)

FAULTS: dict[str, Fault] = {fault.name: fault for fault in _TABLE}


def find_fault(name: str | None) -> Fault | None:
    """The fault of that name; None for no name and for ``none``.

    Raises:
        ValueError: There is no such fault.
    """
    if name is None or name == OFF:
        return None
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
    return FAULTS[name]
