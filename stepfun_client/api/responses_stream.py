"""A stream of the Responses API, read: bytes in, typed events out (WIRE.md section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from stepfun_client.api.event_reader import EventReader
from stepfun_client.api.resource import WirePart, validated
from stepfun_client.api.responses_reply import OutputItem, Response, failure
from stepfun_client.errors import StepFunError, StreamInterruptedError


class ResponseEvent(WirePart):
    """An event of a stream; those that are not known here come as this.

    Attributes:
        type: The service's name of it.
        sequence_number: Its place in the stream.
        item_id: Which item it belongs to.
        output_index: That item's place in the answer.
    """

    type: str
    sequence_number: int | None = None
    item_id: str | None = None
    output_index: int | None = None


class ResponseStarted(ResponseEvent):
    """The answer has been begun."""

    response: dict[str, Any] = Field(default_factory=dict)


class ItemAdded(ResponseEvent):
    """An item begins."""

    item: OutputItem


class ItemDone(ResponseEvent):
    """An item is whole."""

    item: OutputItem


class ReasoningTextDelta(ResponseEvent):
    """A piece of what the model thinks."""

    delta: str = ""


class OutputTextDelta(ResponseEvent):
    """A piece of what the model says."""

    delta: str = ""


class FunctionArgumentsDelta(ResponseEvent):
    """A piece of a function call's arguments."""

    delta: str = ""


class FunctionArgumentsDone(ResponseEvent):
    """A function call's arguments are whole."""

    arguments: str = ""


class ResponseEnded(ResponseEvent):
    """The answer is over: `response.completed` or `response.incomplete`."""

    response: dict[str, Any] = Field(default_factory=dict)


_CLASSES: dict[str, type[ResponseEvent]] = {
    "response.created": ResponseStarted,
    "response.in_progress": ResponseStarted,
    "response.output_item.added": ItemAdded,
    "response.output_item.done": ItemDone,
    "response.reasoning_text.delta": ReasoningTextDelta,
    "response.output_text.delta": OutputTextDelta,
    "response.function_call_arguments.delta": FunctionArgumentsDelta,
    "response.function_call_arguments.done": FunctionArgumentsDone,
    "response.completed": ResponseEnded,
    "response.incomplete": ResponseEnded,
}


class ResponseReader(EventReader[ResponseEvent]):
    """Reads one answer's event stream; an end that comes too early is an error."""

    kind = "answer"
    last_event = "response.completed"

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Any] = []  # those that are whole, should the last event not repeat them
        self._last: Mapping[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether `response.completed` or `response.incomplete` has come."""
        return self._last is not None

    @property
    def done(self) -> bool:
        """Whether nothing more comes."""
        return self.complete

    def _understood(self, body: Any, name: str) -> list[ResponseEvent]:
        kind = body.get("type") or name
        if kind == "error":
            raise self._problem(body)
        if kind == "response.failed":
            raise failure((body.get("response") or {}).get("error"), trace_id=self.trace_id)
        event = _CLASSES.get(kind, ResponseEvent).model_validate({**body, "type": kind})
        if isinstance(event, ItemDone):
            self._items.append(body["item"])
        if isinstance(event, ResponseEnded):
            self._last = event.response if event.response.get("output") else {**event.response, "output": self._items}
        return [event]

    def _problem(self, body: Mapping[str, Any]) -> StepFunError:
        return failure(body.get("error", body), trace_id=self.trace_id)

    def response(self) -> Response:
        """Make the whole of what has been read.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
        """
        if self._last is None:
            raise StreamInterruptedError(
                "the stream was closed or broke before its end, so there is no whole answer", trace_id=self.trace_id
            )
        return validated(Response, self._last, headers=self.headers)
