"""A chat stream in LangChain's words: wire chunks in, `ChatGenerationChunk`s out. State machines, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.utils.json import parse_partial_json

from langchain_stepfun.content_blocks import PROVIDER
from langchain_stepfun.messages import extra_content, read_call, transcript_of, usage_metadata
from langchain_stepfun.stream_facts import StreamFacts
from stepfun_client.api.tool_choice import is_server_call

if TYPE_CHECKING:
    from langchain_stepfun.protocols.protocol import ChunkReader
    from stepfun_client.api.chat_stream import ChatChunk

MadeT = TypeVar("MadeT")


class Translator(Protocol[MadeT]):
    """What turns a stream's clean wire chunks into LangChain's words."""

    def read(self, chunk: ChatChunk) -> list[MadeT]:
        """Take a wire chunk; return what it makes."""

    def finish(self, *, trace_id: str | None, headers: Mapping[str, str] | None = None) -> list[MadeT]:
        """Take the end; return what concludes the message."""


class TranslatedReader(Generic[MadeT]):
    """Reads a stream's bytes in LangChain's words: a `StreamReader` around the one that reads wire chunks.

    The driver hands on what one network read completes at once, so no generator stands between it and LangChain. What
    concludes the message is kept in `conclusion`: it is to be said when the call's place and files are given back,
    since langchain-core reads no further than to a message's last event.

    Args:
        translator: What the wire chunks are turned into: message chunks, or v3 events.
        wire: What reads the API's bytes as chat chunks.
        tell_headers: Whether the end tells the reply's headers.
    """

    def __init__(self, translator: Translator[MadeT], wire: ChunkReader, *, tell_headers: bool = False) -> None:
        self._wire = wire
        self._translator = translator
        self._tell_headers = tell_headers
        self.conclusion: list[MadeT] = []

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

    def feed(self, chunk: bytes) -> list[MadeT]:
        """Take the next bytes and return what they complete."""
        return [made for wire in self._wire.feed(chunk) for made in self._translator.read(wire)]

    def finish(self) -> list[MadeT]:
        """Take the end of the stream, and conclude; raise StreamInterruptedError if it came too early."""
        rest = [made for wire in self._wire.finish() for made in self._translator.read(wire)]
        headers = self._wire.headers if self._tell_headers else None
        self.conclusion = self._translator.finish(trace_id=self._wire.trace_id, headers=headers)
        return rest


class MessageStream:
    """Turns a stream's clean wire chunks into message chunks.

    What LangChain adds up must be said once: the names and the finish reason (repeated strings are concatenated) and
    the usage (StepFun repeats it, cumulative, on every chunk) come on one last chunk, from `finish`.
    """

    def __init__(self) -> None:
        self._facts = StreamFacts()
        self._arguments: dict[int, list[str]] = {}

    def read(self, chunk: ChatChunk) -> list[ChatGenerationChunk]:
        """Take a wire chunk; return the message chunk it makes, if it says anything."""
        deltas = self._facts.note(chunk)
        for delta in deltas:
            for call in delta.get("tool_calls") or ():
                if not is_server_call(call) and (text := (call.get("function") or {}).get("arguments")):
                    self._arguments.setdefault(call["index"], []).append(text)
        return [said for delta in deltas if (said := _chunk(delta))]

    def finish(self, *, trace_id: str | None, headers: Mapping[str, str] | None = None) -> list[ChatGenerationChunk]:
        """Return the last chunk: usage, names, finish reason. Arguments that were cut are marked before it."""
        message = AIMessageChunk(
            content="",
            usage_metadata=usage_metadata(self._facts.usage),
            response_metadata=self._facts.conclude(trace_id=trace_id, headers=headers),
            chunk_position="last",
        )
        return [*self._marks(), ChatGenerationChunk(message=message)]

    def _marks(self) -> list[ChatGenerationChunk]:
        marks = [(index, mark) for index, pieces in self._arguments.items() if (mark := cut_mark("".join(pieces)))]
        if not marks:
            return []
        chunks = [tool_call_chunk(name=None, args=mark, id=None, index=index) for index, mark in marks]
        message = AIMessageChunk(content="", tool_call_chunks=chunks, response_metadata={"model_provider": PROVIDER})
        return [ChatGenerationChunk(message=message)]


# Inside brackets, inside a string, and after a backslash inside a string.
_CUT_MARKS = ("", "]", "}", '"]', '"}', '\\"]', '\\"}')


def cut_mark(arguments: str) -> str:
    """Return what makes LangChain see that a call's arguments were cut; nothing where they were not.

    langchain-core completes half of a JSON object by itself, so an agent would run the call with half of its arguments.
    It does not where brackets do not match.

    >>> cut_mark('{"path": "a.txt", "text": "Dear'), cut_mark('{"a": 6}')
    ('"]', '')
    """
    if read_call(None, "", arguments)["type"] == "tool_call":
        return ""
    return next((mark for mark in _CUT_MARKS if not _is_completed(arguments + mark)), "")


def _is_completed(arguments: str) -> bool:
    """Whether langchain-core reads an object out of it."""
    try:
        return isinstance(parse_partial_json(arguments), dict)
    except ValueError:
        return False


def _chunk(delta: Mapping[str, Any]) -> ChatGenerationChunk | None:
    """Turn one delta into a chunk; None where it says nothing, as the first one and the last."""
    text = delta.get("content") or transcript_of(delta)
    extra = extra_content(delta)
    calls = delta.get("tool_calls")
    if not (text or extra or calls):
        return None
    if isinstance(text, str) and not calls:
        return _text_chunk(text, extra)
    message = AIMessageChunk(
        content=text,
        additional_kwargs=extra,
        tool_call_chunks=[_call_chunk(call) for call in calls or () if not is_server_call(call)],
        response_metadata={"model_provider": PROVIDER},
    )
    return ChatGenerationChunk(message=message)


_SILENT = AIMessageChunk(content="", additional_kwargs={}, response_metadata={"model_provider": PROVIDER})
_SILENT_CHUNK = ChatGenerationChunk(message=_SILENT)
_CONTAINERS = [(name, value.copy) for name, value in vars(_SILENT).items() if isinstance(value, (dict, list))]


def _text_chunk(text: str, extra: dict[str, Any]) -> ChatGenerationChunk:
    """Make the chunk nearly all others are like: a copy of one that was validated, with containers of its own.

    Validation would find nothing to do, and take longer than reading the chunk from the wire.
    """
    message = _SILENT.__copy__()
    fields = vars(message)
    for name, fresh in _CONTAINERS:
        fields[name] = fresh()
    fields["content"] = text
    fields["additional_kwargs"] = extra
    chunk = _SILENT_CHUNK.__copy__()
    fields = vars(chunk)
    fields["message"] = message
    fields["text"] = message.text
    return chunk


def _call_chunk(call: Mapping[str, Any]) -> Any:
    function = call.get("function") or {}
    return tool_call_chunk(
        name=function.get("name"), args=function.get("arguments"), id=call.get("id"), index=call["index"]
    )
