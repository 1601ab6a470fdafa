"""Recognition while somebody speaks: the dialogue of `/realtime/asr/stream` (WIRE.md section 8).

With voice activity detection the service ends a turn when it has heard some silence, and no event says that no more
sound will come: a commit is only for sessions without. So silence is appended at the end, somewhat more than the
service waits for; it closes the last turn as any pause does. Then every turn's transcript is waited for, and where the
last one may have come already, a few seconds without an event are the end.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from stepfun_client.api.live_events import (
    Committed,
    LiveCompleted,
    LiveDelta,
    LiveEvent,
    SpeechStarted,
    SpeechStopped,
    event_of,
)
from stepfun_client.api.streams import AsyncStream, End, Stream, to_the_end, to_the_end_async
from stepfun_client.api.transcript import Segment, Transcript, joined
from stepfun_client.errors import InvalidParameterError, StreamInterruptedError, stream_error

if TYPE_CHECKING:
    from stepfun_client.api.live_params import LiveSettings
    from stepfun_client.api.resource import AsyncRunner, Runner

Event = dict[str, Any]

_PIECE_MS = 200
_PIECE_BYTES = 8192  # of what is no pcm
_MARGIN_MS = 500
_UNKNOWN_SILENCE_MS = 2000  # what is appended where nobody has said after how much a turn ends
_SURELY_SILENCE_MS = 100  # no service ends a turn after less


class Commit(Enum):
    """A piece of input that is no sound: the end of an utterance, where the service does not look for it itself."""

    COMMIT = "commit"


COMMIT: Final = Commit.COMMIT
"""Put it among the pieces of audio to end an utterance, with `turn_detection=None`."""

LivePiece: TypeAlias = "bytes | bytearray | memoryview | Commit"


def in_pieces(sound: bytes | bytearray | memoryview) -> Iterator[memoryview]:
    """Give what is in memory already a piece at a time, so that it is not there a second time."""
    held = memoryview(sound).cast("B")
    for at in range(0, len(held), _PIECE_BYTES):
        yield held[at : at + _PIECE_BYTES]


class LiveDialogue:
    """What is said on the WebSocket: sound in, events out.

    Args:
        settings: How the session is to be.
    """

    query: Mapping[str, str] = {}

    def __init__(self, settings: LiveSettings) -> None:
        self.path = settings.path
        self.ready = False
        self.trace_id: str | None = None
        self._settings = settings
        self._answers: list[Event] = []
        self._rest = bytearray()
        self._sent = 0  # bytes of sound
        self._uncommitted = False  # whether sound was sent since the last commit
        self._awaited = 0  # utterances that are committed and have no transcript yet
        self._speaking = False
        self._ended = False
        self._heard_until: float | None = None
        self._spans: dict[str | None, tuple[float | None, float | None]] = {}  # of utterances still open, by item

    @property
    def done(self) -> bool:
        """Whether all has been said, for certain: nothing is owed, and no utterance can follow."""
        return not self.owes and (self._settings.turn_detection is None or self._has_no_room)

    @property
    def owes(self) -> bool:
        """Whether something is still to come: input, or the transcript of an utterance."""
        return not self._ended or self._awaited > 0 or self._speaking

    @property
    def patience(self) -> float | None:
        """How many seconds without an event mean that nothing more comes; None while the service owes an answer."""
        if self.owes:
            return None
        return self._settings.patience if self._settings.turn_detection is not None else 0.0

    @property
    def _has_no_room(self) -> bool:
        """Whether the last transcript ends so late that no further turn finds room before the end of the sound."""
        if self._heard_until is None:
            return False
        rest = self._sent / self._settings.bytes_per_second - self._heard_until
        return rest * 1000 <= (self._settings.silence_ms or _SURELY_SILENCE_MS)

    def begin(self, trace_id: str | None) -> None:
        """Take the trace id of the handshake."""
        self.trace_id = trace_id

    def answers(self) -> list[Event]:
        """Give, once, what is to be sent in answer to what has been received."""
        given, self._answers = self._answers, []
        return given

    def send(self, piece: LivePiece) -> list[Event]:
        """Give the events that carry a piece of sound: cut and joined to about 200 ms each.

        Raises:
            InvalidParameterError: If it is no bytes, or the beginning of a WAV file where samples are to come.
        """
        if isinstance(piece, Commit):
            return self._committed()
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise InvalidParameterError(
                f"audio gave {piece!r:.80}, a {type(piece).__name__}; every piece must be bytes (of an array of 16-bit "
                "samples: array.tobytes()), or COMMIT",
                param="audio",
            )
        if not self._sent and not self._rest and bytes(piece[:4]) == b"RIFF" and self._settings.is_pcm:
            raise InvalidParameterError(
                "the audio is a WAV file, and format is 'pcm'; send its samples alone: wav_info(data) says where they "
                "are",
                param="audio",
            )
        self._rest += piece
        return list(self._appends(self._settings.bytes_of(_PIECE_MS) or _PIECE_BYTES))

    def end(self) -> list[Event]:
        """Give the events that end the last utterance: a commit, or the silence that the service waits for."""
        if self._settings.turn_detection is None:
            events = self._committed()
        else:
            events = list(self._appends(1))
            sound = self._sent
            self._rest += bytes(
                self._settings.bytes_of((self._settings.silence_ms or _UNKNOWN_SILENCE_MS) + _MARGIN_MS)
            )
            events += self._appends(self._settings.bytes_of(_PIECE_MS))
            events += self._appends(1)
            self._sent = sound
        self._ended = True
        return events

    def receive(self, event: Event) -> list[LiveEvent]:
        """Take an event and return what it means; raise the error it reports."""
        kind = event.get("type", "")
        if kind == "error" or kind.endswith(".failed"):
            raise stream_error(event.get("error") or event, trace_id=self.trace_id)
        if kind == "session.created":
            self._answers.append({"type": "session.update", "session": self._settings.session()})
            return []
        if kind == "session.updated":
            self.ready = True
            return []
        return [self._noted(event_of(event))]

    def _noted(self, event: LiveEvent) -> LiveEvent:
        """Keep of an event what the end depends on; give a transcript the times that the events before it told."""
        if isinstance(event, SpeechStarted):
            self._speaking = True
            self._widen(event.item_id, event.start, None)
        elif isinstance(event, SpeechStopped):
            self._speaking = False
            self._widen(event.item_id, None, event.end)
        elif isinstance(event, Committed):
            self._speaking = False
            self._awaited += self._settings.turn_detection is not None
        elif isinstance(event, LiveDelta):
            self._widen(event.item_id, event.start, event.end)
        elif isinstance(event, LiveCompleted):
            self._awaited = max(0, self._awaited - 1)
            self._widen(event.item_id, event.start, event.end)
            start, end = self._spans.pop(event.item_id)
            event.start, event.end = start, end
            if end is not None:
                self._heard_until = max(end, self._heard_until or 0.0)
        return event

    def _widen(self, item_id: str | None, start: float | None, end: float | None) -> None:
        before = self._spans.get(item_id, (None, None))
        starts = [one for one in (before[0], start) if one is not None]
        ends = [one for one in (before[1], end) if one is not None]
        self._spans[item_id] = (min(starts, default=None), max(ends, default=None))

    def _committed(self) -> list[Event]:
        if self._settings.turn_detection is not None:
            raise InvalidParameterError(
                "COMMIT is only for turn_detection=None; with voice activity detection the service ends utterances "
                "itself",
                param="audio",
            )
        events = list(self._appends(1))
        if self._uncommitted:
            self._uncommitted = False
            self._awaited += 1
            events.append({"type": "input_audio_buffer.commit"})
        return events

    def _appends(self, size: int) -> Iterator[Event]:
        """Take what waits, as long as it is at least `size` bytes, in pieces of what is sent at once."""
        at_once = self._settings.bytes_of(_PIECE_MS) or _PIECE_BYTES
        while len(self._rest) >= size:
            piece = bytes(self._rest[:at_once])
            del self._rest[:at_once]
            self._sent += len(piece)
            self._uncommitted = True
            yield {"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode("ascii")}


class _Texts:
    """Keeps of a session what its transcript is made of: the utterances, and nothing of how they came."""

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._segments: list[Segment] = []
        self._usage: dict[str, Any] = {}
        self.end = End()

    def add(self, event: LiveEvent) -> None:
        """Take the next event."""
        if isinstance(event, LiveCompleted):
            if event.transcript.strip():
                self._segments.append(Segment(text=event.transcript.strip(), start=event.start, end=event.end))
            self._usage = _added(self._usage, event.usage or {})

    def transcript(self, trace_id: str | None) -> Transcript:
        """Make the whole.

        Raises:
            StreamInterruptedError: If the session has not come to its end.
        """
        if not self.end.has_come:
            raise StreamInterruptedError(
                "the session was closed or broke before its end, so there is no whole transcript", trace_id=trace_id
            )
        return Transcript(
            text=joined(segment.text for segment in self._segments),
            language=self._settings.language,
            segments=list(self._segments),
            usage=self._usage or None,
            model=self._settings.model,
            trace_id=trace_id,
        )


def _added(usage: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Add numbers to numbers, at every depth; of the rest the newer counts."""
    result = dict(usage)
    for name, value in more.items():
        before = result.get(name)
        if isinstance(value, Mapping):
            value = _added(before if isinstance(before, Mapping) else {}, value)  # noqa: PLW2901 - the sum
        elif isinstance(value, (int, float)) and isinstance(before, (int, float)):
            value = before + value  # noqa: PLW2901 - the sum
        result[name] = value
    return result


class LiveTranscription(Stream[LiveEvent]):
    """What the service makes of the sound, event by event. Nothing but texts is kept, however long it goes on.

    Leaving it unread (`break`, `close`, the end of a `with` block) closes the session.
    """

    def __init__(self, runner: Runner, settings: LiveSettings, audio: Iterable[LivePiece]) -> None:
        self._dialogue = LiveDialogue(settings)
        self._texts = _Texts(settings)
        events = runner.converse(self._dialogue, audio, timeout=settings.timeout)
        super().__init__(to_the_end([events], self._texts.end))

    @property
    def trace_id(self) -> str | None:
        """The session's trace id, as soon as it is open."""
        return self._dialogue.trace_id

    def _take(self, piece: LiveEvent) -> None:
        self._texts.add(piece)

    def transcript(self) -> Transcript:
        """Read what is left and return all that was said, a segment an utterance.

        Raises:
            StreamInterruptedError: If the session was closed before its end.
        """
        self._read_to_end()
        return self._texts.transcript(self.trace_id)


class AsyncLiveTranscription(AsyncStream[LiveEvent]):
    """What the service makes of the sound, asynchronously; see `LiveTranscription`."""

    def __init__(
        self,
        runner: AsyncRunner,
        settings: LiveSettings,
        audio: Iterable[LivePiece] | AsyncIterable[LivePiece],
    ) -> None:
        self._dialogue = LiveDialogue(settings)
        self._texts = _Texts(settings)
        events = runner.converse(self._dialogue, audio, timeout=settings.timeout)
        super().__init__(to_the_end_async([events], self._texts.end))

    @property
    def trace_id(self) -> str | None:
        """The session's trace id, as soon as it is open."""
        return self._dialogue.trace_id

    def _take(self, piece: LiveEvent) -> None:
        self._texts.add(piece)

    async def transcript(self) -> Transcript:
        """Read what is left and return all that was said; see `LiveTranscription.transcript`."""
        await self._read_to_end()
        return self._texts.transcript(self.trace_id)
