"""A chat stream, read: bytes in, clean chunks out, and the fold that makes a completion of them.

StepFun's streams have quirks (WIRE.md section 4). They are taken out here, once, so that whoever reads a chunk after
this module (the fold below, LangChain's messages, LlamaIndex's) finds plain OpenAI chunks:

- the reasoning is in `reasoning_content` only, though the wire repeats it in `reasoning`;
- `finish_reason` is there only where a choice ends, never `""` or null;
- the pieces of a spoken answer join as text, however the base64 was cut;
- every tool-call delta has an `index`, and its `id` and `name` once; server tool calls keep their `results`;
- a stream has one `id`, its first, though step-router-v1 may change it on the way (section 3);
- `usage` stays as it came: cumulative, so the last one counts (`latest_usage`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

import pydantic_core

from stepfun_client.api.audio_pieces import Base64Joiner
from stepfun_client.core.call import unreadable
from stepfun_client.core.sse import ServerSentEvent, SSEDecoder
from stepfun_client.errors import StepFunError, StreamInterruptedError, stream_error, trace_id_of


class FunctionDelta(TypedDict, total=False):
    """A piece of a function call."""

    name: str
    arguments: str


class ToolCallDelta(TypedDict, total=False):
    """A piece of a tool call; `results` only on calls StepFun has run itself."""

    index: int
    id: str
    type: str
    function: FunctionDelta
    results: list[dict[str, Any]]


class AudioDelta(TypedDict, total=False):
    """A piece of spoken answer: base64 samples, and the words they say."""

    data: str
    transcript: str


class Delta(TypedDict, total=False):
    """What one chunk adds to a choice's message."""

    role: str
    content: str | None
    reasoning_content: str | None
    tool_calls: list[ToolCallDelta]
    audio: AudioDelta


class ChunkChoice(TypedDict, total=False):
    """One choice in a chunk; `finish_reason` only where it ends."""

    index: int
    delta: Delta
    finish_reason: str


class ChatChunk(TypedDict, total=False):
    """One chunk of a chat stream."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: dict[str, Any]


class ChatStreamReader:
    """Reads a chat stream: bytes in, clean chunks out; an end that comes too early is an error.

    Args:
        choices: How many choices were asked for: so many must finish, unless `[DONE]` comes.
    """

    def __init__(self, *, choices: int = 1) -> None:
        self.trace_id: str | None = None
        self.headers: Mapping[str, str] = {}
        self._id: str | None = None
        self._sse = SSEDecoder()
        self._tool_calls: dict[int, ToolCallSlots] = {}
        self._sound: dict[int, Base64Joiner] = {}
        self._expected = choices
        self._finished: set[int] = set()
        self._done = False
        self._has_chosen = False
        self._document: list[bytes] | None = None  # a reply that says it is JSON and no stream

    @property
    def done(self) -> bool:
        """Whether `[DONE]` has come."""
        return self._done

    @property
    def complete(self) -> bool:
        """Whether `[DONE]` or every choice's `finish_reason` has come."""
        return self._done or len(self._finished) >= self._expected

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the reply's headers."""
        self.headers = headers
        self.trace_id = trace_id_of(headers)
        if headers.get("content-type", "").startswith("application/json"):
            self._document = []

    def feed(self, chunk: bytes) -> list[ChatChunk]:
        """Take the next bytes and return the chunks they complete.

        Raises:
            APIStatusError: If the service reports an error inside the stream.
            APIResponseError: If an event cannot be read.
        """
        if self._document is not None:
            self._document.append(chunk)
            return []
        return self._read(self._sse.feed(chunk))

    def finish(self) -> list[ChatChunk]:
        """Take the end of the stream.

        Raises:
            StreamInterruptedError: If it came before `[DONE]` and before every choice's `finish_reason`.
        """
        if self._document is not None:
            raise self._document_error()
        rest = self._sse.finish()
        chunks = self._read(rest) if all(map(_is_whole, rest)) else []  # a fragment says nothing
        if self._done and not self._has_chosen:
            raise unreadable(b"[DONE]", ValueError("a stream without a single choice"), trace_id=self.trace_id)
        if not self.complete:
            raise StreamInterruptedError(
                "the stream ended without finish_reason or [DONE]: it was cut, and what came is not the whole answer; "
                "send the request again",
                trace_id=self.trace_id,
            )
        return chunks + self._rest_of_sound()

    def _document_error(self) -> StepFunError:
        """Make the error of a document that came where a stream was promised: the one it holds, if it holds one."""
        content, self._document = b"".join(self._document or ()), []
        try:
            body = pydantic_core.from_json(content)
        except ValueError as error:
            return unreadable(content, error, trace_id=self.trace_id)
        if isinstance(body, dict) and (problem := body.get("error")):
            return stream_error(problem, trace_id=self.trace_id)
        return unreadable(content, ValueError("a whole document, and no stream"), trace_id=self.trace_id)

    def _rest_of_sound(self) -> list[ChatChunk]:
        try:
            ends = [(index, joiner.finish()) for index, joiner in self._sound.items()]
        except ValueError as error:
            raise unreadable(b"", error, trace_id=self.trace_id) from error
        return [{"choices": [{"index": index, "delta": {"audio": {"data": end}}}]} for index, end in ends if end]

    def _read(self, events: list[ServerSentEvent]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        for data, name in events:
            if self._done or not data:
                continue
            if data == b"[DONE]":
                self._done = True
                continue
            try:
                chunks.append(self._chunk(data, name))
            except (ValueError, TypeError, AttributeError) as error:  # no JSON, or not of the shape that was promised
                raise unreadable(data, error, trace_id=self.trace_id) from error
        return chunks

    def _chunk(self, data: bytes, name: str) -> ChatChunk:
        body = pydantic_core.from_json(data)
        if self.trace_id is None:
            self.trace_id = trace_id_of({}, body)
        if problem := body.get("error") or (body if name == "error" else None):
            raise stream_error(problem, trace_id=self.trace_id)
        for choice in body.get("choices") or ():
            self._has_chosen = True
            self._clean(choice)
        if self._id is None:
            self._id = body.get("id")
        elif body.get("id") != self._id:
            body["id"] = self._id
        chunk: ChatChunk = body
        return chunk

    def _clean(self, choice: dict[str, Any]) -> None:
        index = choice.setdefault("index", 0)
        delta = choice.get("delta")
        if delta:
            one_reasoning(delta)
            if isinstance(delta.get("content"), list):
                delta["content"] = "".join(part.get("text", "") for part in delta["content"])
            if calls := delta.get("tool_calls"):
                self._tool_calls.setdefault(index, ToolCallSlots()).place_all(calls)
            if (audio := delta.get("audio")) and audio.get("data"):
                audio["data"] = self._sound.setdefault(index, Base64Joiner()).feed(audio["data"])
        else:
            choice["delta"] = {}
        if "finish_reason" in choice:
            if choice["finish_reason"]:
                self._finished.add(index)
            else:
                del choice["finish_reason"]


class ToolCallSlots:
    """Says which call each delta of a choice belongs to: by index, else by id, else the call before it.

    Current models send OpenAI's deltas; a whole call in one delta, no `index`, and an `id` repeated or `""` on later
    fragments are seen or documented too (WIRE.md section 4).
    """

    def __init__(self) -> None:
        self._ids: list[str] = []  # by slot, as are the names
        self._names: list[str] = []
        self._types: list[str] = []
        self._slot_of_index: dict[int, int] = {}
        self._last = -1

    def place_all(self, calls: list[dict[str, Any]]) -> None:
        """Place the deltas of one chunk; without index and id, the second is not the first one's continuation."""
        for number, call in enumerate(calls):
            if number and call.get("index") is None and not call.get("id"):
                self._last = -1
            self.place(call)

    def place(self, call: dict[str, Any]) -> None:
        """Give a delta its slot as `index` and its call's type, and drop an id and a name that its call has already."""
        function = call.get("function") or {}
        if not isinstance(function.get("arguments") or "", str):
            function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)
        name = function.pop("name", None) or ""
        identifier = call.pop("id", None) or ""
        slot = self._slot(call.get("index"), identifier, name)
        if slot is None:
            slot = len(self._ids)
            self._ids.append("")
            self._names.append("")
            self._types.append("")
        self._types[slot] = self._types[slot] or call.get("type") or ""
        if self._types[slot] not in ("", "function"):
            call["type"] = self._types[slot]  # no later piece of a call StepFun ran is taken for one to be run
        if identifier and not self._ids[slot]:
            self._ids[slot] = call["id"] = identifier
        if name and not self._names[slot]:
            self._names[slot] = function["name"] = name
        if call.get("index") is not None:
            self._slot_of_index[call["index"]] = slot
        call["index"] = self._last = slot

    def _slot(self, index: int | None, identifier: str, name: str) -> int | None:
        """Find the slot a delta continues; None where it begins a call."""
        if index is not None:
            slot = self._slot_of_index.get(index)
            if slot is None or not identifier or self._ids[slot] in ("", identifier):
                return slot
        if identifier:
            return self._ids.index(identifier) if identifier in self._ids else None
        if self._last < 0 or (name and self._names[self._last] not in ("", name)):
            return None
        return self._last


class ChatFold:
    """Folds clean chunks into the body of a whole reply, in time linear in their length."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, _ChoiceFold] = {}
        self._usage: dict[str, Any] | None = None

    def add(self, chunk: ChatChunk) -> None:
        """Take the next chunk."""
        if not self._head.get("created"):  # the first chunk may say 0
            self._head.update({name: chunk[name] for name in ("id", "created", "model") if name in chunk})
        self._usage = latest_usage(self._usage, chunk.get("usage"))
        for choice in chunk.get("choices") or ():
            self._choices.setdefault(choice["index"], _ChoiceFold()).add(choice)

    @property
    def finished(self) -> int:
        """How many choices have a finish reason."""
        return sum(choice.is_finished for choice in self._choices.values())

    def body(self) -> dict[str, Any]:
        """Return what has come so far, shaped like a reply without stream."""
        choices = [fold.body(index) for index, fold in sorted(self._choices.items())]
        body = {**self._head, "object": "chat.completion", "choices": choices}
        return body if self._usage is None else {**body, "usage": self._usage}


class _ChoiceFold:
    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {"content": [], "reasoning_content": []}
        self._audio: dict[str, list[str]] = {}
        self._audio_rest: dict[str, Any] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._finish_reason: str | None = None

    @property
    def is_finished(self) -> bool:
        return self._finish_reason is not None

    def add(self, choice: ChunkChoice) -> None:
        delta: Mapping[str, Any] = choice["delta"]
        for name, pieces in self._texts.items():
            if text := delta.get(name):
                pieces.append(text)
        for name, value in (delta.get("audio") or {}).items():
            if name in ("data", "transcript"):
                self._audio.setdefault(name, []).append(value or "")
            else:
                self._audio_rest[name] = value
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        self._finish_reason = choice.get("finish_reason", self._finish_reason)

    def _add_call(self, call: Mapping[str, Any]) -> None:
        slot = call["index"]
        whole = self._calls.setdefault(slot, {"type": "function", "function": {}})
        function = call.get("function") or {}
        whole.update({name: value for name, value in call.items() if value and name not in ("index", "function")})
        whole["function"].update({name: value for name, value in function.items() if name != "arguments"})
        self._arguments.setdefault(slot, []).append(function.get("arguments") or "")

    def body(self, index: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts["content"])}
        if self._texts["reasoning_content"]:
            message["reasoning_content"] = "".join(self._texts["reasoning_content"])
        if self._calls:
            message["tool_calls"] = [
                {**call, "index": slot, "function": {**call["function"], "arguments": "".join(self._arguments[slot])}}
                for slot, call in sorted(self._calls.items())
            ]
        if self._audio or self._audio_rest:
            message["audio"] = {**self._audio_rest, "transcript": "".join(self._audio.get("transcript", []))}
            message["audio"]["data"] = "".join(self._audio.get("data", []))
        return {"index": index, "message": message, "finish_reason": self._finish_reason}


def one_reasoning(message: dict[str, Any]) -> dict[str, Any]:
    """Keep the reasoning once, as `reasoning_content`: the wire may repeat the same text as `reasoning`."""
    if "reasoning" in message:
        text = message.pop("reasoning")
        if not message.get("reasoning_content"):
            message["reasoning_content"] = text
    return message


def latest_usage(seen: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any] | None:
    """Let the newer statement count, with the cached figure last seen where it makes none of its own.

    >>> latest_usage({"prompt_tokens": 29, "cached_tokens": 26}, {"prompt_tokens": 29, "completion_tokens": 4})
    {'prompt_tokens': 29, 'completion_tokens': 4, 'cached_tokens': 26}
    """
    if not new or (seen and not new.get("total_tokens", 1)):  # a server tool's delta comes with zero usage
        return seen
    if cached_tokens(new) is not None or (cached := cached_tokens(seen)) is None:
        return new
    return {**new, "cached_tokens": cached}


def cached_tokens(usage: Mapping[str, Any] | None) -> int | None:
    """Read the cached input, wherever it stands: `prompt_tokens_details.cached_tokens`, else `cached_tokens`."""
    if not usage:
        return None
    details = usage.get("prompt_tokens_details") or {}
    cached: int | None = details.get("cached_tokens")
    return usage.get("cached_tokens") if cached is None else cached


def _is_whole(event: ServerSentEvent) -> bool:
    """Whether an event that the stream ended without a blank line is all there."""
    if event.data in (b"", b"[DONE]"):
        return True
    try:
        return isinstance(pydantic_core.from_json(event.data), dict)
    except ValueError:
        return False
