"""A chat stream as LangChain's v3 events: each content block starts, grows and finishes on its own.

The same reader that makes message chunks (`streaming`) feeds this state machine. A block is finished when another kind
of block follows, so whoever watches knows when the thinking is over; tool calls may grow side by side and finish at the
end. Sound is told whole, with its MIME type, on the event that finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_stepfun.content_blocks import (
    PROVIDER,
    audio_block,
    reasoning_block,
    server_call_blocks,
    text_block,
)
from langchain_stepfun.messages import extra_content, read_call, transcript_of, usage_metadata
from langchain_stepfun.stream_facts import StreamFacts
from stepfun_client.api.tool_choice import is_server_call

if TYPE_CHECKING:
    from langchain_protocol.protocol import MessagesData

    from stepfun_client.api.chat_stream import ChatChunk

Block = dict[str, Any]

# Told on the event that finishes a block which does not grow, and not twice.
_HEAVY = frozenset({"args", "base64", "output"})


class EventStream:
    """Turns a stream's clean wire chunks into events."""

    def __init__(self) -> None:
        self._facts = StreamFacts()
        self._started = False
        self._next_index = 0
        self._open: tuple[int, Block] | None = None  # the text or the reasoning that grows
        self._calls: dict[int, tuple[int, Block]] = {}
        self._cited: list[Block] = []  # by the text that grows
        self._sound: list[str] = []
        self._audio: Block = {}

    def read(self, chunk: ChatChunk) -> list[MessagesData]:
        """Take a wire chunk; return the events it makes."""
        events: list[Any] = []
        deltas = self._facts.note(chunk)
        if not self._started:
            self._started = True
            events.append(self._message_start())
        for delta in deltas:
            events.extend(self._read_delta(delta))
        return events

    def finish(self, *, trace_id: str | None, headers: Mapping[str, str] | None = None) -> list[MessagesData]:
        """Return what finishes the open blocks, and the message."""
        events: list[Any] = [] if self._started else [self._message_start()]
        events.extend(self._close())
        if self._audio:
            events.extend(self._whole({**self._audio, "base64": "".join(self._sound)}))
        events.extend(self._finished(index, _read_call(call)) for index, call in self._calls.values())
        last: dict[str, Any] = {
            "event": "message-finish",
            "metadata": self._facts.conclude(trace_id=trace_id, headers=headers),
        }
        if usage := usage_metadata(self._facts.usage):
            last["usage"] = usage
        return [*events, last]

    def _message_start(self) -> Any:
        metadata = {"provider": PROVIDER, **({"model": self._facts.model} if self._facts.model else {})}
        return {"event": "message-start", "role": "ai", "id": "", "metadata": metadata}  # core keeps its run's id

    def _read_delta(self, delta: Mapping[str, Any]) -> list[Any]:
        events: list[Any] = []
        extra = extra_content(delta)
        if reasoning := extra.get("reasoning_content"):
            events.extend(self._grow("reasoning", reasoning))
        for call in extra.get("server_tool_calls") or ():
            events.extend(self._close())
            for block in server_call_blocks(call):
                events.extend(self._whole(block))
        if text := delta.get("content") or transcript_of(delta):
            events.extend(self._grow("text", text))
            self._cited += extra.get("citations", ())
        if audio := extra.get("audio"):
            piece = audio_block(audio)
            self._sound.append(piece["base64"])
            self._audio = {**piece, **self._audio}
        for call in delta.get("tool_calls") or ():
            if not is_server_call(call):
                events.extend(self._grow_call(call))
        return events

    def _grow(self, kind: str, text: str) -> list[Any]:
        """Add to the open block, or close it and open one of this kind."""
        events: list[Any] = []
        if self._open is None or self._open[1]["type"] != kind:
            events.extend(self._close())
            empty = reasoning_block("") if kind == "reasoning" else text_block("")
            self._open = (self._take_index(), empty)
            events.append(_event("content-block-start", self._open[0], content=dict(empty)))
        index, block = self._open
        block[kind] += text
        events.append(_event("content-block-delta", index, delta={"type": f"{kind}-delta", kind: text}))
        return events

    def _grow_call(self, call: Mapping[str, Any]) -> list[Any]:
        events: list[Any] = []
        function = call.get("function") or {}
        if call["index"] not in self._calls:
            events.extend(self._close())
            begun = {"id": call.get("id"), "name": function.get("name"), "index": call["index"]}
            block = {"type": "tool_call_chunk", "args": "", **begun}
            self._calls[call["index"]] = (self._take_index(), block)
            events.append(_event("content-block-start", self._calls[call["index"]][0], content=dict(block)))
        index, block = self._calls[call["index"]]
        block["id"], block["name"] = block["id"] or call.get("id"), block["name"] or function.get("name")
        if arguments := function.get("arguments"):
            block["args"] += arguments
            events.append(_event("content-block-delta", index, delta={"type": "tool-call-delta", "args": arguments}))
        return events

    def _close(self) -> list[Any]:
        """Finish the text or the reasoning that grows, if any."""
        if self._open is None:
            return []
        (index, block), self._open = self._open, None
        if block["type"] == "text":
            block, self._cited = text_block(block["text"], self._cited), []
        return [self._finished(index, block)]

    def _whole(self, block: Block) -> list[Any]:
        """Start and finish a block that does not grow."""
        index = self._take_index()
        skeleton = {key: value for key, value in block.items() if key not in _HEAVY}
        if block["type"] == "server_tool_call":
            skeleton["args"] = {}
        return [_event("content-block-start", index, content=skeleton), self._finished(index, block)]

    @staticmethod
    def _finished(index: int, block: Block) -> Any:
        return _event("content-block-finish", index, content=block)

    def _take_index(self) -> int:
        index = self._next_index
        self._next_index += 1
        return index


def _event(name: str, index: int, **content: Any) -> Any:
    return {"event": name, "index": index, **content}


def _read_call(block: Block) -> Block:
    return dict(read_call(block["id"], block["name"] or "", block["args"]))
