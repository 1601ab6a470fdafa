"""Replies of the Messages API as those of chat, whole and streamed (WIRE.md sections 4 and 5).

Whoever reads chat's completions and clean chunks reads this API's answers with the same code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepfun_client.api.chat import ChatCompletion
from stepfun_client.api.messages_stream import MessagesStreamReader, latest_message_usage
from stepfun_client.api.resource import validated

if TYPE_CHECKING:
    from stepfun_client.api.chat_stream import ChatChunk
    from stepfun_client.api.messages_reply import Message, ToolUseBlock
    from stepfun_client.api.messages_stream import MessageEvent

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}


def completion_of(message: Message) -> ChatCompletion:
    """Turn a whole message into a chat completion of one choice."""
    said: dict[str, Any] = {"role": "assistant", "content": message.text}
    if message.thinking:
        said["reasoning_content"] = message.thinking
    if message.tool_uses:
        said["tool_calls"] = [_call(use) for use in message.tool_uses]
    body: dict[str, Any] = {"id": message.id, "model": message.model}
    body["choices"] = [{"index": 0, "message": said, "finish_reason": finish_reason(message.stop_reason)}]
    if message.usage is not None:
        body["usage"] = chat_usage(message.usage.model_dump())
    return validated(ChatCompletion, body, headers=message.headers)


def _call(use: ToolUseBlock) -> dict[str, Any]:
    arguments = json.dumps(use.input, ensure_ascii=False) if use.partial_json is None else use.partial_json
    return {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": arguments}}


def finish_reason(stop_reason: str | None) -> str | None:
    """Say in chat's words why an answer ends; a reason that is not known stays as it is.

    >>> finish_reason("max_tokens"), finish_reason("pause_turn")
    ('length', 'pause_turn')
    """
    return _FINISH_REASONS.get(stop_reason, stop_reason) if stop_reason else None


def chat_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a usage into chat's, where what came from the cache is part of what was read.

    >>> chat_usage({"input_tokens": 20, "output_tokens": 3, "cache_read_input_tokens": 256})["prompt_tokens"]
    276
    """
    cached = usage.get("cache_read_input_tokens")
    read = (usage.get("input_tokens") or 0) + (cached or 0) + (usage.get("cache_creation_input_tokens") or 0)
    written = usage.get("output_tokens") or 0
    counted: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return counted if cached is None else {**counted, "prompt_tokens_details": {"cached_tokens": cached}}


class MessagesChatReader:
    """Reads a Messages stream as clean chat chunks: bytes in, what a `ChatStreamReader` would give out."""

    def __init__(self) -> None:
        self._events = MessagesStreamReader()
        self._usage: dict[str, Any] = {}
        self._calls: dict[int, int] = {}  # the place among the calls, by the block's index
        self._given: dict[int, str] = {}  # inputs that came with the block's start, until pieces say otherwise

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id."""
        return self._events.trace_id

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's headers."""
        return self._events.headers

    @property
    def done(self) -> bool:
        """Whether the service has said that nothing more comes."""
        return self._events.done

    @property
    def complete(self) -> bool:
        """Whether all that matters has come."""
        return self._events.complete

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the reply's headers."""
        self._events.begin(headers)

    def feed(self, chunk: bytes) -> list[ChatChunk]:
        """Take the next bytes and return the chunks they complete; the errors are those of `MessagesStreamReader`."""
        return [made for event in self._events.feed(chunk) for made in self._chunks(event)]

    def finish(self) -> list[ChatChunk]:
        """Take the end of the stream; raise StreamInterruptedError if it came too early."""
        return [made for event in self._events.finish() for made in self._chunks(event)]

    def _chunks(self, event: MessageEvent) -> list[ChatChunk]:
        if event["type"] == "content_block_delta":
            delta = self._grown(event["index"], event["delta"])
            return [_chunk(delta)] if delta else []
        if event["type"] == "content_block_start":
            delta = self._begun(event["index"], event["content_block"])
            return [_chunk(delta)] if delta else []
        if event["type"] == "content_block_stop":
            whole = self._given.pop(event["index"], None)
            return [_chunk(self._arguments(event["index"], whole))] if whole else []
        if event["type"] == "message_start":
            message = event["message"]
            head: ChatChunk = {"id": message.get("id") or "", "model": message.get("model") or "", "choices": []}
            return [self._counted(head, message.get("usage"))]
        if event["type"] == "message_delta":
            return [self._counted(_end(event["delta"].get("stop_reason")), event["usage"])]
        return []

    def _begun(self, index: int, block: Mapping[str, Any]) -> dict[str, Any]:
        kind = block.get("type")
        if kind != "tool_use":
            return _said(kind, block)
        place = self._calls[index] = len(self._calls)
        if block.get("input"):
            self._given[index] = json.dumps(block["input"], ensure_ascii=False)
        function = {"name": block.get("name"), "arguments": ""}
        return {"tool_calls": [{"index": place, "id": block.get("id"), "type": "function", "function": function}]}

    def _grown(self, index: int, delta: Mapping[str, Any]) -> dict[str, Any]:
        piece = delta.get("partial_json")
        if not piece:
            return _said((delta.get("type") or "").removesuffix("_delta"), delta)
        self._given.pop(index, None)
        return self._arguments(index, piece)

    def _arguments(self, index: int, piece: str) -> dict[str, Any]:
        place = self._calls.setdefault(index, len(self._calls))
        return {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}

    def _counted(self, chunk: ChatChunk, usage: Mapping[str, Any] | None) -> ChatChunk:
        if usage:
            self._usage = latest_message_usage(self._usage, usage)
            chunk["usage"] = chat_usage(self._usage)
        return chunk


_KEYS = {"text": "content", "thinking": "reasoning_content"}


def _said(kind: str | None, piece: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a piece of text or of thinking into a delta; nothing where it says nothing."""
    text = piece.get(kind) if kind in _KEYS else None
    return {_KEYS[kind]: text} if kind and text else {}


def _chunk(delta: Any) -> ChatChunk:
    return {"choices": [{"index": 0, "delta": delta}]}


def _end(stop_reason: str | None) -> ChatChunk:
    reason = finish_reason(stop_reason)
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]} if reason else {"choices": []}
