"""Speech over the WebSocket, while its text is still being written: the dialogue of `/realtime/audio`.

WIRE.md section 6. What an event carries stands in its `data`; it is looked for at the top of the event too, since the
sources show both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepfun_client.api.speech_params import MAX_CHARACTERS, creation
from stepfun_client.api.speech_stream import AudioChunk, decoded
from stepfun_client.audio.sentences import split_text
from stepfun_client.core.call import unreadable
from stepfun_client.errors import InvalidParameterError, stream_error

Event = dict[str, Any]


class SpeechDialogue:
    """What is said on the WebSocket: text in, pieces of sound out.

    Args:
        model: The model's id.
        voice: An official voice's name, or a cloned voice's id.
        params: The parameters, checked, by their HTTP names.
    """

    path = "/realtime/audio"

    def __init__(self, *, model: str, voice: str, params: Mapping[str, Any]) -> None:
        self.query = {"model": model}
        self.ready = False
        self.done = False
        self.trace_id: str | None = None
        self._voice = voice
        self._params = params
        self._session_id = ""
        self._answers: list[Event] = []
        self._sentence: str | None = None
        self._has_spoken = False
        self._has_ended = False

    def begin(self, trace_id: str | None) -> None:
        """Take the trace id of the handshake."""
        self.trace_id = trace_id

    def answers(self) -> list[Event]:
        """Give, once, what is to be sent in answer to what has been received."""
        given, self._answers = self._answers, []
        return given

    def send(self, piece: str) -> list[Event]:
        """Give the events that carry a piece of text: one, or several where it is longer than one may be.

        Raises:
            InvalidParameterError: If it is no text.
        """
        if not isinstance(piece, str):
            raise InvalidParameterError(
                f"input gave {piece!r:.80}, a {type(piece).__name__}; every piece must be a text, such as a message "
                "chunk's `.text`",
                param="input",
            )
        pieces = split_text(piece, MAX_CHARACTERS) if len(piece) > MAX_CHARACTERS else [piece]
        return [self._event("tts.text.delta", text=part) for part in pieces]

    def end(self) -> list[Event]:
        """Give the event that says that the text is whole."""
        self._has_ended = True
        return [self._event("tts.text.done")]

    def receive(self, event: Event) -> list[AudioChunk]:
        """Take an event and return the sound it carries.

        Raises:
            APIStatusError: If the service reports an error.
        """
        own = event.get("data")
        data = {**event, **own} if isinstance(own, dict) else event
        match event.get("type"):
            case "tts.connection.done":
                self._greet(data)
            case "tts.response.created":
                self.ready = True
            case "tts.response.sentence.start":
                self._sentence = data.get("text")
            case "tts.response.audio.delta":
                return self._sound(data)
            case "tts.response.audio.done":
                self.done = self._has_ended
                return [] if self._has_spoken else self._sound(data)
            case "tts.response.error" | "error":
                raise stream_error(_problem(event), trace_id=self.trace_id)
        return []

    def _greet(self, data: Event) -> None:
        self._session_id = data.get("session_id") or ""
        if not self._session_id:
            raise unreadable(str(data).encode(), ValueError("no session_id"), trace_id=self.trace_id)
        self.trace_id = self.trace_id or self._session_id
        self._answers.append(creation(session_id=self._session_id, voice=self._voice, params=self._params))

    def _event(self, kind: str, **data: str) -> Event:
        return {"type": kind, "data": {"session_id": self._session_id, **data}}

    def _sound(self, data: Event) -> list[AudioChunk]:
        sound = decoded(data.get("audio"), trace_id=self.trace_id)
        if not sound:
            return []
        self._has_spoken = True
        seconds = data.get("duration")
        return [AudioChunk(sound, sentence=self._sentence, duration_seconds=seconds, trace_id=self.trace_id)]


def _problem(event: Event) -> Any:
    """What an event reports: its code stands where other errors have their type."""
    problem = event.get("error") or event.get("data") or {name: event[name] for name in event if name != "type"}
    return {"type": problem.get("code"), **problem} if isinstance(problem, dict) else problem
