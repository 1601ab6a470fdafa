"""A chat stream in LlamaIndex's words: wire chunks in, `ChatResponse`s out, each with the whole message so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatResponse

from llama_index_stepfun.messages import assistant_message, told
from stepfun_client.api.chat_stream import ChatChunk, ChatStreamReader, latest_usage


class ResponseReader:
    """Reads a stream's bytes as `ChatResponse`s: a `StreamReader` around the one that reads wire chunks."""

    def __init__(self) -> None:
        self._wire = ChatStreamReader()
        self._made = ResponseStream()

    @property
    def done(self) -> bool:
        """Whether the service has said that nothing more comes."""
        return self._wire.done

    @property
    def complete(self) -> bool:
        """Whether all that matters has come."""
        return self._wire.complete

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the reply's headers."""
        self._wire.begin(headers)

    def feed(self, chunk: bytes) -> list[ChatResponse]:
        """Take the next bytes and return the responses they complete."""
        return [made for wire in self._wire.feed(chunk) for made in self._made.read(wire)]

    def finish(self) -> list[ChatResponse]:
        """Take the end of the stream; raise StreamInterruptedError if it came too early."""
        rest = [made for wire in self._wire.finish() for made in self._made.read(wire)]
        return [*rest, self._made.finish(trace_id=self._wire.trace_id)]


class ResponseStream:
    """Adds a stream up. Each response has blocks of its own, so that one that is kept does not change later.

    Sound comes whole, with the last response: pieces of it play nothing.
    """

    def __init__(self) -> None:
        self._thinking = ""
        self._text = ""
        self._sound: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._last: ChatChunk = {}
        self._usage: dict[str, Any] | None = None
        self._finish_reason: str | None = None

    def read(self, chunk: ChatChunk) -> list[ChatResponse]:
        """Take a wire chunk; return the response it makes, if it says anything."""
        self._last = chunk
        self._usage = latest_usage(self._usage, chunk.get("usage"))
        responses = []
        for choice in chunk.get("choices") or ():
            if choice["index"]:
                continue  # LlamaIndex has a place for one answer
            self._finish_reason = choice.get("finish_reason", self._finish_reason)
            delta: Mapping[str, Any] = choice["delta"]
            thought, said = delta.get("reasoning_content") or "", self._add(delta)
            self._thinking += thought
            self._text += said
            if thought or said or delta.get("tool_calls"):
                extra = {"thinking_delta": thought} if thought else {}
                responses.append(self._response(said, extra, chunk))
        return responses

    def finish(self, *, trace_id: str | None) -> ChatResponse:
        """Return the last response: nothing new but the sound, the usage and how it ended."""
        raw = {**self._last, "usage": self._usage}
        extra = told(raw, trace_id=trace_id, finish_reason=self._finish_reason)
        return self._response("", extra, raw, sound="".join(self._sound))

    def _add(self, delta: Mapping[str, Any]) -> str:
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        audio = delta.get("audio") or {}
        if audio.get("data"):
            self._sound.append(audio["data"])
        text: str = delta.get("content") or audio.get("transcript") or ""
        return text

    def _add_call(self, call: Mapping[str, Any]) -> None:
        function = call.get("function") or {}
        held = self._calls.setdefault(call["index"], {"type": "function", "function": {"arguments": ""}})
        held.update({name: value for name, value in call.items() if name not in ("index", "function")})
        arguments = held["function"]["arguments"] + (function.get("arguments") or "")
        held["function"] = {**held["function"], **function, "arguments": arguments}

    def _response(self, delta: str, extra: dict[str, Any], raw: Any, *, sound: str = "") -> ChatResponse:
        message = assistant_message(
            thinking=self._thinking,
            text=self._text,
            calls=[self._calls[slot] for slot in sorted(self._calls)] if self._calls else (),
            sound=sound,
        )
        return ChatResponse(message=message, delta=delta, raw=raw, additional_kwargs=extra)
