"""What a ``session.update`` of the recognition socket says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepfun_emulator.fields import Fields
from stepfun_emulator.recognition.audio import Format, check_model, read_format

_CODECS = ("pcm_s16le",)
_SILENCE_MS = 800
_THRESHOLD = 0.5


@dataclass(frozen=True)
class TurnDetection:
    """When the server ends a turn.

    Attributes:
        silence_ms: After how much silence.
        threshold: How loud speech is, 0 to 1.
    """

    silence_ms: int = _SILENCE_MS
    threshold: float = _THRESHOLD


@dataclass(frozen=True)
class Settings:
    """A session's settings.

    Attributes:
        format: The audio that comes.
        turns: How turns are detected; None where the client commits them.
    """

    format: Format
    turns: TurnDetection | None = None


def read_settings(session: Any, *, lenient: bool) -> Settings:
    """Check the ``session`` of a ``session.update``; each update states everything.

    Raises:
        Refusal: Something in it is wrong.
    """
    whole = Fields(session, "session", ("audio",), lenient=lenient)
    given = whole.object("audio", "input").object("input", "format", "transcription", "turn_detection")
    described = given.object("format", "type", "codec", "rate", "bits", "channel")
    # What other containers hold cannot be told apart into turns before it is whole.
    format_ = read_format(described, types=("pcm",), type_name="type", channel_names=("channel",))
    if described.given("codec"):
        described.choice("codec", _CODECS)
    wanted = given.object("transcription", "model", "language", "prompt", "full_rerun_on_commit", "enable_itn")
    check_model(wanted.text("model"), "stream", wanted.path("model"))
    wanted.text("language", "")
    wanted.text("prompt", "")
    wanted.flag("full_rerun_on_commit")
    wanted.flag("enable_itn", default=True)
    return Settings(format_, _turns(given))


def _turns(given: Fields) -> TurnDetection | None:
    if not given.given("turn_detection"):
        return None
    asked = given.object("turn_detection", "type", "silence_duration_ms", "threshold")
    asked.choice("type", ("server_vad",))
    return TurnDetection(
        asked.whole("silence_duration_ms", 100, 10_000, _SILENCE_MS), asked.number("threshold", 0, 1, _THRESHOLD)
    )
