"""A Messages stream, read: bytes in, typed events out, and the fold that makes a message of them (WIRE.md section 5).

What differs from service to service is taken out here, once: `ping` says nothing and is left out, and `stop_reason`,
which StepFun may state at the top level of `message_delta`, is in its `delta` always. Events this package does not know
pass as they came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypedDict, cast

from stepfun_client.api.event_reader import EventReader
from stepfun_client.errors import StepFunError, stream_error


class MessageStart(TypedDict):
    """The message begins: its id, its model, and what was read."""

    type: Literal["message_start"]
    message: dict[str, Any]


class ContentBlockStart(TypedDict):
    """A block begins; a tool's `input` comes in pieces."""

    type: Literal["content_block_start"]
    index: int
    content_block: dict[str, Any]


class ContentBlockDelta(TypedDict):
    """A block grows: by a `text_delta`, a `thinking_delta`, a `signature_delta` or an `input_json_delta`."""

    type: Literal["content_block_delta"]
    index: int
    delta: dict[str, Any]


class ContentBlockStop(TypedDict):
    """A block is whole."""

    type: Literal["content_block_stop"]
    index: int


class MessageDelta(TypedDict):
    """The message ends: why, in `delta`, and what it used, cumulative."""

    type: Literal["message_delta"]
    delta: dict[str, Any]
    usage: dict[str, Any]


class MessageStop(TypedDict):
    """Nothing more comes."""

    type: Literal["message_stop"]


MessageEvent = MessageStart | ContentBlockStart | ContentBlockDelta | ContentBlockStop | MessageDelta | MessageStop


class MessagesStreamReader(EventReader[MessageEvent]):
    """Reads a Messages stream: bytes in, events out; an end that comes too early is an error."""

    kind = "answer"
    last_event = "stop_reason or message_stop"

    def __init__(self) -> None:
        super().__init__()
        self._has_stop_reason = False
        self._has_stopped = False

    @property
    def done(self) -> bool:
        """Whether `message_stop` has come, or `[DONE]`, which is chat's."""
        return self._has_stopped or self._has_been_told

    @property
    def complete(self) -> bool:
        """Whether nothing more comes, or nothing that matters: after a `stop_reason`."""
        return self.done or self._has_stop_reason

    def _understood(self, body: dict[str, Any], name: str) -> list[MessageEvent]:
        kind = body.setdefault("type", name)
        if kind == "error" or body.get("error"):
            raise self._problem(body)
        if kind == "ping":
            return []
        if tidy := _TIDY.get(kind):
            tidy(body)
        if kind == "message_stop":
            self._has_stopped = True
        elif kind == "message_delta" and body["delta"].get("stop_reason"):
            self._has_stop_reason = True
        return [cast("MessageEvent", body)]

    def _concluded(self) -> list[MessageEvent]:
        """Say that the message stops where only `[DONE]` has said so."""
        return [] if self._has_stopped or self._has_stop_reason else [{"type": "message_stop"}]

    def _problem(self, body: Mapping[str, Any]) -> StepFunError:
        """Make the error: its own type is in `error`; beside the message it is only the event's."""
        problem = body.get("error") or {name: value for name, value in body.items() if name != "type"}
        return stream_error(problem, trace_id=self.trace_id)


def _message_start(body: Any) -> None:
    body["message"] = dict(body.get("message"))


def _block_start(body: Any) -> None:
    body["content_block"] = dict(body.get("content_block"))
    body.setdefault("index", 0)


def _block_delta(body: Any) -> None:
    body["delta"] = dict(body.get("delta"))
    body.setdefault("index", 0)


def _message_delta(body: Any) -> None:
    """Put where it belongs what StepFun may state at the top."""
    delta = dict(body.get("delta") or {})
    for name in ("stop_reason", "stop_sequence"):
        value = body.pop(name, None)
        if value is not None and delta.get(name) is None:
            delta[name] = value
    body["delta"] = delta
    body["usage"] = dict(body.get("usage") or {})


_TIDY = {
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "message_delta": _message_delta,
}


class MessageFold:
    """Folds events into the body of a whole reply, in time linear in their length."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._blocks: dict[int, _BlockFold] = {}
        self._usage: dict[str, Any] = {}
        self._has_ended = False

    @property
    def is_whole(self) -> bool:
        """Whether the end has been taken: a `stop_reason`, or `message_stop`."""
        return self._has_ended or bool(self._head.get("stop_reason"))

    def add(self, event: MessageEvent) -> None:
        """Take the next event."""
        if event["type"] == "message_start":
            self._head.update(event["message"])
            self._usage = latest_message_usage(self._usage, event["message"].get("usage"))
        elif event["type"] == "content_block_start":
            self._blocks[event["index"]] = _BlockFold(event["content_block"])
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            fold = self._blocks.setdefault(
                event["index"], _BlockFold({"type": _BLOCK_OF.get(delta.get("type", ""), "text")})
            )
            fold.add(delta)
        elif event["type"] == "message_delta":
            self._head.update({name: value for name, value in event["delta"].items() if value is not None})
            self._usage = latest_message_usage(self._usage, event["usage"])
        elif event["type"] == "message_stop":
            self._has_ended = True

    def body(self) -> dict[str, Any]:
        """Return what has come so far, shaped like a reply without stream."""
        content = [fold.body() for _, fold in sorted(self._blocks.items())]
        body = {**self._head, "content": [*(self._head.get("content") or ()), *content]}
        return {**body, "usage": self._usage} if self._usage else body


_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
_PIECES["input_json_delta"] = "partial_json"
_BLOCK_OF = {"thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use"}


class _BlockFold:
    def __init__(self, block: dict[str, Any]) -> None:
        self._block = block
        self._pieces: dict[str, list[str]] = {}

    def add(self, delta: Mapping[str, Any]) -> None:
        name = _PIECES.get(delta.get("type", ""))
        if name:
            self._pieces.setdefault(name, []).append(delta.get(name) or "")

    def body(self) -> dict[str, Any]:
        texts = {name: "".join(pieces) for name, pieces in self._pieces.items()}
        written = texts.pop("partial_json", "")
        grown = {name: f"{self._block.get(name) or ''}{text}" for name, text in texts.items()}
        return {**self._block, **grown, **(_arguments(written) if written else {})}


def _arguments(written: str) -> dict[str, Any]:
    """Read a tool's input; keep its text where it was cut, since half an object is none."""
    try:
        read = json.loads(written, strict=False)  # models write line breaks into strings
    except (ValueError, RecursionError):
        read = None
    return {"input": read} if isinstance(read, dict) else {"input": {}, "partial_json": written}


def latest_message_usage(seen: Mapping[str, Any], new: Mapping[str, Any] | None) -> dict[str, Any]:
    """Let the newer statement count, name by name: what was read is stated at the beginning, what was written grows.

    >>> latest_message_usage({"input_tokens": 29, "output_tokens": 1}, {"input_tokens": 0, "output_tokens": 4})
    {'input_tokens': 29, 'output_tokens': 4}
    """
    stated = {name: value for name, value in (new or {}).items() if value is not None}
    if not stated.get("input_tokens", 1) and seen.get("input_tokens"):  # nothing read: not stated
        del stated["input_tokens"]
    return {**seen, **stated}
