"""What happens in a realtime conversation: the service's events, typed, and the session's own (WIRE.md section 12)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, ValidationError

from stepfun_client.api.resource import WirePart
from stepfun_client.core.call import unreadable
from stepfun_client.errors import APIStatusError, stream_error

ResponseStatus: TypeAlias = Literal["completed", "cancelled", "failed", "incomplete"]


class RealtimeEvent(WirePart):
    """An event of a session. Fields that are not known here are kept.

    Attributes:
        type: The service's name of it; the session's own begin with `session.` too and are told apart by their class.
        event_id: The service's id of it.
        response_id: Which answer it belongs to, where it belongs to one.
        item_id: Which item of the conversation it is about, where it is about one.
    """

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, protected_namespaces=())

    type: str
    event_id: str | None = None
    response_id: str | None = None
    item_id: str | None = None


class SessionCreated(RealtimeEvent):
    """The service has opened the session; `session` is how it is set up."""

    session: dict[str, Any] = Field(default_factory=dict)


class SessionUpdated(RealtimeEvent):
    """The service has taken the settings over; sound may be sent from now on."""

    session: dict[str, Any] = Field(default_factory=dict)


class SpeechStarted(RealtimeEvent):
    """The user began to speak: clear what is still to be played."""

    audio_start_ms: float | None = None


class SpeechStopped(RealtimeEvent):
    """The user has been silent for a while."""

    audio_end_ms: float | None = None


class Committed(RealtimeEvent):
    """The user's turn has ended, and is an item of the conversation."""


class Cleared(RealtimeEvent):
    """The sound that was not committed yet has been thrown away."""


class ItemCreated(RealtimeEvent):
    """The conversation has a new item."""

    item: dict[str, Any] = Field(default_factory=dict)


class ItemDeleted(RealtimeEvent):
    """An item of the conversation is gone."""


class Transcribed(RealtimeEvent):
    """What the user said."""

    transcript: str = ""


class ResponseCreated(RealtimeEvent):
    """The model begins to answer."""

    response: dict[str, Any] = Field(default_factory=dict)


class AudioDelta(RealtimeEvent):
    """A piece of the spoken answer: `audio` is 16 bit, 24 kHz, mono."""

    audio: bytes = Field(default=b"", repr=False)


class TranscriptDelta(RealtimeEvent):
    """A piece of what the spoken answer says."""

    delta: str = ""


class TextDelta(RealtimeEvent):
    """A piece of a written answer."""

    delta: str = ""


class ThinkingDelta(RealtimeEvent):
    """A piece of what the model thinks before it answers."""

    delta: str = ""


class FunctionCall(RealtimeEvent):
    """The model wants a function called; functions that were given as callables are called by the session.

    Attributes:
        call_id: What the result is answered to.
        name: The function's name.
        arguments: Its arguments, as JSON text.
    """

    call_id: str = ""
    name: str = ""
    arguments: str = ""


class ResponseDone(RealtimeEvent):
    """The answer is over.

    Attributes:
        response: All of it, as the service tells it.
    """

    response: dict[str, Any] = Field(default_factory=dict)

    @property
    def status(self) -> str:
        """`completed`, `cancelled`, `failed` or `incomplete`."""
        return str(self.response.get("status") or "completed")

    @property
    def calls_functions(self) -> bool:
        """Whether functions are to be called; another answer follows their results."""
        return any(item.get("type") == "function_call" for item in self.response.get("output") or ())


class Problem(RealtimeEvent):
    """The service refused something; the session goes on.

    Attributes:
        error: The error, ready to raise.
    """

    error: APIStatusError


class PartEvent(RealtimeEvent):
    """A step of an answer that says nothing new: a part or an item begins or ends."""


class UnknownEvent(RealtimeEvent):
    """An event that is not known here, passed on as it came."""


class Interrupted(RealtimeEvent):
    """The answer was broken off, by the user's voice or by `cancel()`: clear what is still to be played."""

    type: str = "session.interrupted"


class ToolAnswered(RealtimeEvent):
    """A function was called, and its result sent.

    Attributes:
        call_id: The call's id.
        name: The function's name.
        output: What was sent.
        value: What the callable returned beside it, in a `ToolResult`.
        error: What went wrong in it; the model was told so.
    """

    type: str = "session.tool_answered"
    call_id: str = ""
    name: str = ""
    output: str = ""
    value: Any = None
    error: BaseException | None = None


class SessionEnding(RealtimeEvent):
    """The session's time is nearly over; StepFun ends one after 30 minutes.

    Attributes:
        seconds_left: How long it lasts from now on.
    """

    type: str = "session.ending"
    seconds_left: float = 0.0


class Reconnected(RealtimeEvent):
    """The connection was lost or its time was over, and a new session goes on with the conversation.

    Attributes:
        reason: Why the old one ended.
        turns: How many turns of the conversation the new one was told.
        lost_audio_seconds: How much of the user's sound was not heard: sent while nobody listened, or not yet answered.
        lost_calls: The calls of functions that nobody waits for any more.
    """

    type: str = "session.reconnected"
    reason: str = ""
    turns: int = 0
    lost_audio_seconds: float = 0.0
    lost_calls: list[str] = Field(default_factory=list)


_CLASSES: dict[str, type[RealtimeEvent]] = {
    "session.created": SessionCreated,
    "session.updated": SessionUpdated,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "input_audio_buffer.committed": Committed,
    "input_audio_buffer.cleared": Cleared,
    "conversation.item.created": ItemCreated,
    "conversation.item.deleted": ItemDeleted,
    "conversation.item.input_audio_transcription.completed": Transcribed,
    "response.created": ResponseCreated,
    "response.audio_transcript.delta": TranscriptDelta,
    "response.text.delta": TextDelta,
    "response.thinking.delta": ThinkingDelta,
    "response.function_call_arguments.done": FunctionCall,
    "response.done": ResponseDone,
    **dict.fromkeys(
        (
            "response.output_item.added",
            "response.output_item.done",
            "response.content_part.added",
            "response.content_part.done",
            "response.audio.done",
            "response.audio_transcript.done",
            "response.text.done",
            "response.thinking.done",
            "response.function_call_arguments.delta",
        ),
        PartEvent,
    ),
}


def event_of(event: Mapping[str, Any], *, trace_id: str | None) -> RealtimeEvent:
    """Read one of the service's events; what is not known, or not as it should be, is kept whole.

    Raises:
        APIResponseError: If a piece of sound is no base64.
    """
    kind = str(event.get("type") or "")
    try:
        if special := _SPECIAL.get(kind):
            return special(event, trace_id)
        return _CLASSES.get(kind, UnknownEvent).model_validate({**event, "type": kind})
    except ValidationError:
        return UnknownEvent.model_construct(**{**event, "type": kind})


def _audio(event: Mapping[str, Any], trace_id: str | None) -> AudioDelta:
    encoded = event.get("delta") or event.get("audio") or ""
    try:
        sound = base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise unreadable(str(encoded).encode("utf-8", "replace"), error, trace_id=trace_id) from error
    rest = {name: value for name, value in event.items() if name not in ("delta", "audio")}
    return AudioDelta(**rest, audio=sound)


def _problem(event: Mapping[str, Any], trace_id: str | None) -> Problem:
    rest = {name: value for name, value in event.items() if name != "error"}
    return Problem(**rest, error=stream_error(event.get("error") or dict(event), trace_id=trace_id, ends=False))


_SPECIAL: dict[str, Callable[[Mapping[str, Any], str | None], RealtimeEvent]] = {
    "response.audio.delta": _audio,
    "error": _problem,
}
