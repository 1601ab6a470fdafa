"""Streamed speech, read: bytes of the event stream in, pieces of sound out (WIRE.md section 6)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pydantic_core
from typing_extensions import Self

from stepfun_client.core.call import unreadable
from stepfun_client.core.sse import ServerSentEvent, SSEDecoder
from stepfun_client.errors import StepFunError, StreamInterruptedError, stream_error, trace_id_of

if TYPE_CHECKING:
    from stepfun_client.audio.continuing import Mp3Continuation


class AudioChunk(bytes):
    """A piece of sound, as it came: bytes, with what is known about them.

    Attributes:
        sentence: The sentence being spoken, where the service says so (on the WebSocket).
        duration_seconds: How long the piece plays, where the service says so.
        trace_id: The exchange's trace id; quote it to StepFun's support.
    """

    sentence: str | None
    duration_seconds: float | None
    trace_id: str | None

    def __new__(
        cls,
        content: bytes,
        *,
        sentence: str | None = None,
        duration_seconds: float | None = None,
        trace_id: str | None = None,
    ) -> Self:
        """Make the piece."""
        made = super().__new__(cls, content)
        made.sentence, made.duration_seconds, made.trace_id = sentence, duration_seconds, trace_id
        return made


class SpeechReader:
    """Reads one synthesis's event stream: bytes in, pieces of sound out; an end that comes too early is an error.

    Args:
        continuation: What takes out of a part of a long MP3 what belongs to a whole file only.
    """

    def __init__(self, continuation: Mp3Continuation | None = None) -> None:
        self.trace_id: str | None = None
        self._continuation = continuation
        self._sse = SSEDecoder()
        self._headers: Mapping[str, str] = {}
        self._document: list[bytes] | None = None  # a reply that is no event stream
        self._finished = False
        self._done = False
        self._spoke = False

    @property
    def done(self) -> bool:
        """Whether `[DONE]` has come."""
        return self._done

    @property
    def complete(self) -> bool:
        """Whether `speech.audio.done` or `[DONE]` has come."""
        return self._done or self._finished

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the reply's headers."""
        self._headers = headers
        self.trace_id = trace_id_of(headers)
        if not headers.get("content-type", "text/event-stream").startswith("text/event-stream"):
            self._document = []

    def feed(self, chunk: bytes) -> list[AudioChunk]:
        """Take the next bytes and return the pieces they complete.

        Raises:
            APIStatusError: If the service reports an error inside the stream.
            APIResponseError: If an event cannot be read.
        """
        if self._document is not None:
            self._document.append(chunk)
            return []
        return self._read(self._sse.feed(chunk))

    def finish(self) -> list[AudioChunk]:
        """Take the end of the stream.

        Raises:
            StreamInterruptedError: If it came before `speech.audio.done` and before `[DONE]`.
        """
        if self._document is not None:
            raise self._document_error(b"".join(self._document))
        rest = [] if self.complete else self._sse.finish()
        pieces = self._read([event for event in rest if _is_json(event.data)])
        if not self.complete:
            raise StreamInterruptedError(
                "the speech ended without speech.audio.done: it was cut, and what came is not the whole; send the "
                "request again",
                trace_id=self.trace_id,
            )
        if not self._spoke:
            raise unreadable(b"[DONE]", ValueError("a speech without any sound"), trace_id=self.trace_id)
        rest_of_sound = self._continuation.finish() if self._continuation else b""
        return pieces + self._piece(rest_of_sound)

    def _document_error(self, content: bytes) -> StepFunError:
        if _is_json(content) and isinstance(body := pydantic_core.from_json(content), dict) and "error" in body:
            return stream_error(body["error"], trace_id=self.trace_id)
        kind = self._headers.get("content-type", "")
        return unreadable(content, ValueError(f"{kind} and no event stream"), trace_id=self.trace_id)

    def _read(self, events: list[ServerSentEvent]) -> list[AudioChunk]:
        pieces = []
        for event in events:
            if event.data.strip() == b"[DONE]":
                self._done = True
                break
            pieces += self._understood(event.data)
        return pieces

    def _understood(self, data: bytes) -> list[AudioChunk]:
        try:
            body = pydantic_core.from_json(data)
        except ValueError as error:
            raise unreadable(data, error, trace_id=self.trace_id) from error
        kind = body.get("type") if isinstance(body, dict) else None
        if kind == "speech.audio.error" or (isinstance(body, dict) and body.get("error")):
            raise stream_error(body.get("error") or body, trace_id=self.trace_id)
        self._finished = self._finished or kind == "speech.audio.done"
        if kind != "speech.audio.delta":
            return []
        sound = decoded(body.get("audio"), trace_id=self.trace_id)
        self._spoke = self._spoke or bool(sound)
        return self._piece(self._continuation.feed(sound) if self._continuation else sound)

    def _piece(self, sound: bytes) -> list[AudioChunk]:
        return [AudioChunk(sound, trace_id=self.trace_id)] if sound else []


def decoded(encoded: Any, *, trace_id: str | None) -> bytes:
    """Read the base64 of a piece of sound; none is no sound.

    Raises:
        APIResponseError: If it is no base64.
    """
    try:
        return base64.b64decode(encoded or "", validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise unreadable(str(encoded).encode(), error, trace_id=trace_id) from error


def _is_json(data: bytes) -> bool:
    try:
        pydantic_core.from_json(data)
    except ValueError:
        return False
    return True
