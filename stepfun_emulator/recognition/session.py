"""The recognition session over a WebSocket: client events in, server events out, nothing else.

A session keeps what the present sentence needs and no more, however long the audio is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.recognition.audio import Format, samples_of
from stepfun_emulator.recognition.listening import Listener, Transcript, Utterance, foreign, joined
from stepfun_emulator.recognition.settings import TurnDetection, read_settings
from stepfun_emulator.sound import turn_detector

if TYPE_CHECKING:
    from stepfun_emulator.sound.energy import TurnDetector

Event = dict[str, Any]

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_LOUDEST = 400.0  # the loudness (root mean square, 0-32767) that a threshold of 1 asks for
_LONG_TURN = 60.0  # seconds after which the next pause ends a turn, however short it is
_SHORT_PAUSE_MS = 200
_WORDS_AT_ONCE = 4


class Turn:
    """One item of the conversation: what was said between two commits.

    Args:
        start: Where its audio begins, in seconds of the session.
    """

    def __init__(self, start: float) -> None:
        self.id = f"item_{secrets.token_hex(10)}"
        self.start = start
        self._said: list[Utterance] = []
        self._before: Utterance | None = None
        self._text = ""

    def add(self, utterances: list[Utterance]) -> Iterator[Event]:
        """Take what was heard. The ``text`` of a delta is all that is certain of the turn so far."""
        sentences = joined(utterances, self._before)
        self._before = utterances[-1] if utterances else self._before
        for utterance in sentences:
            self._said.append(utterance)
            words = utterance.words
            for at in range(0, len(words), _WORDS_AT_ONCE):
                group = words[at : at + _WORDS_AT_ONCE]
                self._text += "".join(word.text for word in group)
                times = {"start_time": _ms(self._said[0].start), "end_time": _ms(group[-1].end)}
                yield {"type": f"{_TRANSCRIPTION}.delta", **self._here(), "text": self._text, **times}

    def close(self, end: float, *, noise: bool) -> Iterator[Event]:
        """End the turn; where there was sound but nothing was understood, that is said."""
        if noise and not self._said:
            yield from self.add([foreign(self.start, end)])
        transcript = Transcript(tuple(self._said), end - self.start)
        said = {"transcript": transcript.text, "usage": transcript.usage}
        yield {"type": f"{_TRANSCRIPTION}.completed", **self._here(), **said}

    def _here(self) -> Event:
        return {"item_id": self.id, "content_index": 0}


class Stream:
    """The audio of a session, once its format is known: its turns, one after the other.

    Args:
        format_: The format of the audio.
        turns: How turns are detected; None where the client commits them.
    """

    def __init__(self, format_: Format, turns: TurnDetection | None) -> None:
        self._format = format_
        self._listener = Listener(format_.rate)
        self._detector: TurnDetector | None = None
        if turns is not None:
            level = max(_LOUDEST * turns.threshold, 1.0)
            self._detector = turn_detector(format_.rate, level=level, silence_ms=turns.silence_ms)
        self._turn: Turn | None = None
        self._last: str | None = None
        self._taken = 0  # samples
        self._rest = b""  # of a sample that was cut

    @property
    def takes_turns(self) -> bool:
        """Whether it ends turns by itself."""
        return self._detector is not None

    @property
    def begun(self) -> bool:
        """Whether there was any audio."""
        return bool(self._taken or self._rest)

    def append(self, content: bytes) -> Iterator[Event]:
        """Take the next audio."""
        content = self._rest + content
        whole = len(content) // (2 * self._format.channels) * 2 * self._format.channels
        content, self._rest = content[:whole], content[whole:]
        samples = samples_of(content, self._format).mono
        if self._detector is None:
            yield from self._listen(samples)
            return
        start = self._taken
        for edge in self._detector.feed(samples):
            upto = 2 * (edge.noticed - start)
            yield from self._listen(samples[:upto])
            samples, start = samples[upto:], edge.noticed
            yield from self._started(edge.at) if edge.speaking else self._stopped(edge.at)
        yield from self._listen(samples)
        if self._turn is not None and self._is_long(self._turn):
            end = self._detector.end()
            if end is not None:
                yield from self._stopped(end.at)

    def commit(self) -> Iterator[Event]:
        """End the turn by the client's word.

        Raises:
            Refusal: There is no audio to commit.
        """
        if self._turn is None:
            raise invalid("type", "input_audio_buffer.commit: the buffer is empty, append audio first")
        yield from self._close(self._seconds)

    @property
    def _seconds(self) -> float:
        return self._taken / self._format.rate

    def _is_long(self, turn: Turn) -> bool:
        """Whether a turn should end at the pause that there is now."""
        paused = self._detector is not None and self._detector.silence_ms >= _SHORT_PAUSE_MS
        return paused and self._seconds - turn.start > _LONG_TURN

    def _listen(self, samples: bytes) -> Iterator[Event]:
        if self._detector is None and self._turn is None and samples:
            self._turn = Turn(self._seconds)
        self._taken += len(samples) // 2
        heard = self._listener.feed(samples)
        if self._turn is not None:
            yield from self._turn.add(heard)

    def _started(self, at: int) -> Iterator[Event]:
        self._turn = Turn(at / 1000)
        yield {"type": "input_audio_buffer.speech_started", "audio_start_ms": at, "item_id": self._turn.id}

    def _stopped(self, at: int) -> Iterator[Event]:
        if self._turn is not None:
            yield {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at, "item_id": self._turn.id}
            yield from self._close(at / 1000)

    def _close(self, end: float) -> Iterator[Event]:
        turn, self._turn = self._turn, None
        if turn is not None:
            yield {"type": "input_audio_buffer.committed", "previous_item_id": self._last, "item_id": turn.id}
            self._last = turn.id
            noise = self._listener.noise
            yield from turn.add(self._listener.flush())
            yield from turn.close(end, noise=noise)


class Session:
    """One connection.

    Args:
        session_id: How it is called.
        lenient: Ignore what is not documented, as the service does.
    """

    def __init__(self, session_id: str, *, lenient: bool = False) -> None:
        self._id = session_id
        self._lenient = lenient
        self._stream: Stream | None = None
        self._answers: dict[str, Callable[[Event], Iterator[Event]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
        }

    def open(self) -> Event:
        """What the server says first."""
        return _event({"type": "session.created", "session": {"id": self._id}})

    def receive(self, event: Event) -> Iterator[Event]:
        """Answer one client event.

        Raises:
            Refusal: Something is wrong with it; the session goes on.
        """
        answer = self._answers.get(event["type"])
        if answer is None:
            raise invalid("type", f"unknown event type {event['type']!r}, there are: {', '.join(self._answers)}")
        for one in answer(event):
            yield _event(one)

    def refuse(self, refusal: Refusal) -> Event:
        """A refusal as an event."""
        kind, message = refusal.kind, refusal.message
        error = {"type": kind, "code": refusal.code or kind, "message": message, "param": refusal.param}
        return _event({"type": "error", "error": error})

    def _update(self, event: Event) -> Iterator[Event]:
        self._fields(event, "session")
        settings = read_settings(event.get("session"), lenient=self._lenient)
        if self._stream is not None and self._stream.begun:
            raise invalid("session", "session.update is not possible once audio was appended")
        self._stream = Stream(settings.format, settings.turns)
        yield {"type": "session.updated", "session": {"id": self._id, **event["session"]}}

    def _append(self, event: Event) -> Iterator[Event]:
        stream = self._ready(event)
        yield from stream.append(self._fields(event, "audio").content("audio"))

    def _commit(self, event: Event) -> Iterator[Event]:
        stream = self._ready(event)
        self._fields(event)
        if stream.takes_turns:
            if self._lenient:
                return  # the service ignores it without a word
            raise invalid("type", "input_audio_buffer.commit is for sessions without turn_detection: send silence")
        yield from stream.commit()

    def _ready(self, event: Event) -> Stream:
        if self._stream is None:
            raise invalid("type", f"{event['type']} before session.updated: send session.update first and wait for it")
        return self._stream

    def _fields(self, event: Event, *documented: str) -> Fields:
        return Fields(event, "", ("type", "event_id", *documented), lenient=self._lenient)


def _event(event: Event) -> Event:
    return {"event_id": f"event_{secrets.token_hex(10)}", **event}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
