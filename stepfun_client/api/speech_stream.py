"""Streamed speech, read: bytes of the event stream in, pieces of sound out (WIRE.md section 6)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from stepfun_client.api.event_reader import EventReader
from stepfun_client.core.call import unreadable

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


class SpeechReader(EventReader[AudioChunk]):
    """Reads one synthesis's event stream: bytes in, pieces of sound out; an end that comes too early is an error.

    Args:
        continuation: What takes out of a part of a long MP3 what belongs to a whole file only.
    """

    kind = "speech"
    last_event = "speech.audio.done"

    def __init__(self, continuation: Mp3Continuation | None = None) -> None:
        super().__init__()
        self._continuation = continuation
        self._has_ended = False
        self._has_spoken = False

    @property
    def complete(self) -> bool:
        """Whether `speech.audio.done` or `[DONE]` has come."""
        return self._has_ended or self.done

    def _understood(self, body: Any, name: str) -> list[AudioChunk]:
        if not isinstance(body, dict):
            return []
        kind = body.get("type") or name
        if kind == "speech.audio.error" or body.get("error"):
            raise self._problem(body)
        self._has_ended = self._has_ended or kind == "speech.audio.done"
        if kind != "speech.audio.delta":
            return []
        sound = decoded(body.get("audio"), trace_id=self.trace_id)
        self._has_spoken = self._has_spoken or bool(sound)
        return self._piece(self._continuation.feed(sound) if self._continuation else sound)

    def _concluded(self) -> list[AudioChunk]:
        if not self._has_spoken:
            raise unreadable(b"[DONE]", ValueError("a speech without any sound"), trace_id=self.trace_id)
        return self._piece(self._continuation.finish()) if self._continuation else []

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
