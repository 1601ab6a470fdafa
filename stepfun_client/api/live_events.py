"""What happens while somebody is listened to: the events of live recognition (WIRE.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import Field

from stepfun_client.api.resource import WirePart
from stepfun_client.api.transcript_timing import times_of

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class _LiveEvent(WirePart):
    """An event, with all the service said in it.

    Attributes:
        item_id: Which utterance it is about, where the service says so.
    """

    item_id: str | None = None


class SpeechStarted(_LiveEvent):
    """Somebody began to speak; `start` in seconds of the session, where the service says so."""

    type: Literal["speech_started"] = "speech_started"
    start: float | None = None


class SpeechStopped(_LiveEvent):
    """Nobody has spoken for a while; `end` in seconds of the session, where the service says so."""

    type: Literal["speech_stopped"] = "speech_stopped"
    end: float | None = None


class Committed(_LiveEvent):
    """An utterance has ended: its transcript follows."""

    type: Literal["committed"] = "committed"


class LiveDelta(_LiveEvent):
    """What is understood so far, and may still change.

    Attributes:
        text: As the service sends it: StepFun's documents do not say whether a delta adds to the last one or takes its
            place. Show it, and rely on `LiveCompleted.transcript`.
        start: When it begins, in seconds of the session; None where the service does not say.
        end: When it ends.
    """

    type: Literal["delta"] = "delta"
    text: str = ""
    start: float | None = None
    end: float | None = None


class LiveCompleted(_LiveEvent):
    """What was said in an utterance, for good.

    Attributes:
        transcript: Its text.
        usage: What it cost, as the service counts.
        start: When it began, in seconds of the session; None where no event said so.
        end: When it ended.
    """

    type: Literal["completed"] = "completed"
    transcript: str = ""
    usage: dict[str, Any] | None = None
    start: float | None = None
    end: float | None = None


class UnknownEvent(_LiveEvent):
    """An event that is not known here, passed on as it came.

    Attributes:
        name: The service's name of it.
        event: All of it.
    """

    type: Literal["unknown"] = "unknown"
    name: str = ""
    event: dict[str, Any] = Field(default_factory=dict)


LiveEvent: TypeAlias = "SpeechStarted | SpeechStopped | Committed | LiveDelta | LiveCompleted | UnknownEvent"


def event_of(event: Mapping[str, Any]) -> LiveEvent:
    """Read one of the service's events; what is not known is kept whole."""
    kind = event.get("type", "")
    rest = {name: value for name, value in event.items() if name not in ("type", "start", "end")}
    start, end = times_of(event)
    if kind == "input_audio_buffer.speech_started":
        return SpeechStarted(**rest, start=_seconds(event.get("audio_start_ms")))
    if kind == "input_audio_buffer.speech_stopped":
        return SpeechStopped(**rest, end=_seconds(event.get("audio_end_ms")))
    if kind == "input_audio_buffer.committed":
        return Committed(**rest)
    if kind == f"{_TRANSCRIPTION}.delta":
        return LiveDelta(**{"text": event.get("delta"), **rest}, start=start, end=end)
    if kind == f"{_TRANSCRIPTION}.completed":
        return LiveCompleted(**rest, start=start, end=end)
    return UnknownEvent(item_id=event.get("item_id"), name=kind, event=dict(event))


def _seconds(milliseconds: Any) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) else None
