"""What live recognition takes, checked before a session is opened (WIRE.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from stepfun_client.api.resource import checked, some_text
from stepfun_client.api.transcription_calls import wire_format
from stepfun_client.api.transcription_input import Samples
from stepfun_client.api.transcription_params import models_of, overlaid
from stepfun_client.catalog import MODELS
from stepfun_client.errors import InvalidParameterError

MODEL_DEFAULT_LIVE = "step-asr-1.1-stream"
LIVE_PATH = "/realtime/asr/stream"
PATIENCE_SECONDS = 3.0


class TurnDetection(TypedDict, total=False):
    """How the service finds the end of a turn; anything else is sent along unchecked.

    Attributes:
        type: `"server_vad"`.
        silence_duration_ms: After how much silence a turn ends, in milliseconds.
        threshold: How loud sound must be to be speech, as the service counts.
    """

    type: str
    silence_duration_ms: Annotated[int, Field(gt=0)] | None
    threshold: Annotated[float, Field(ge=0)] | None


class LiveParams(TypedDict, total=False):
    """What live recognition takes beside the audio and its format. None leaves a parameter out.

    Attributes:
        language: The language that is spoken.
        prompt: Words on what it is about.
        enable_itn: Whether to write numbers, dates and the like as figures.
        full_rerun_on_commit: Whether to listen to the whole utterance once more when it is committed.
        patience: With voice activity detection no event may say that all has been said: how many seconds without one
            mean it, once the input has ended; 3 by default.
        path: Where the session is held, below the base URL; some report `/audio/asr/stream`.
        extra_body: Anything else, laid over the `session` object by object, unchecked.
        timeout: Seconds to wait for an event where the service is expected to speak.
    """

    language: str | None
    prompt: str | None
    enable_itn: bool | None
    full_rerun_on_commit: bool | None
    patience: Annotated[float, Field(ge=0)] | None
    path: str | None
    extra_body: Mapping[str, Any] | None
    timeout: Annotated[float, Field(gt=0)] | None


class _Sound(TypedDict):
    sample_rate: Annotated[int, Field(ge=1)]
    bits: Annotated[int, Field(ge=1, le=32)]
    channels: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class LiveSettings:
    """How a session is to be.

    Attributes:
        model: Who listens.
        format: What the sound is; everything but `pcm` needs `turn_detection=None`.
        samples: How its samples lie.
        turn_detection: How turns are found; None where the caller commits them.
        params: The other parameters, checked.
    """

    model: str
    format: str
    samples: Samples
    turn_detection: Mapping[str, Any] | None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where the session is held."""
        return str(self.params.get("path", LIVE_PATH))

    @property
    def timeout(self) -> float | None:
        """Seconds to wait for an event; None for the default."""
        return self.params.get("timeout")

    @property
    def patience(self) -> float:
        """After how many seconds without an event nothing more is to be expected."""
        return float(self.params.get("patience", PATIENCE_SECONDS))

    @property
    def language(self) -> str | None:
        """The language that was asked for."""
        return self.params.get("language")

    @property
    def is_pcm(self) -> bool:
        """Whether the sound is bare samples."""
        return self.format == "pcm"

    @property
    def silence_ms(self) -> int | None:
        """After how much silence the service ends a turn, where that was said."""
        return None if self.turn_detection is None else self.turn_detection.get("silence_duration_ms")

    @property
    def bytes_per_second(self) -> int:
        """Bytes of bare samples in a second."""
        samples = self.samples
        return (samples.sample_rate or 0) * (samples.channels or 0) * (((samples.bits or 0) + 7) // 8)

    def bytes_of(self, milliseconds: int) -> int:
        """How many bytes of whole bare samples so long a piece has; 0 for other formats."""
        block = (self.samples.channels or 1) * (((self.samples.bits or 8) + 7) // 8)
        return self.bytes_per_second * milliseconds // 1000 // block * block if self.is_pcm else 0

    def session(self) -> dict[str, Any]:
        """What `session.update` says."""
        transcription = {"model": self.model}
        names = ("language", "prompt", "full_rerun_on_commit", "enable_itn")
        transcription |= {name: self.params[name] for name in names if name in self.params}
        told = {
            "format": wire_format(self.format, self.samples),
            "transcription": transcription,
            "turn_detection": self.turn_detection,
        }
        return overlaid({"audio": {"input": told}}, self.params.get("extra_body"))


def live_settings(
    *,
    model: str,
    format: str,  # noqa: A002 - the public parameter's name
    sample_rate: int,
    bits: int,
    channels: int,
    turn_detection: str | Mapping[str, Any] | None,
    params: Mapping[str, Any],
) -> LiveSettings:
    """Check what a session is to be.

    Raises:
        InvalidParameterError: If a parameter is unknown or out of range, the model is known and does not listen live,
            or turns shall be found in what silence cannot be appended to.
    """
    some_text(model, "model")
    info = MODELS.get(model)
    if info is not None and "websocket" not in info.transports:
        raise InvalidParameterError(
            f"{model} does not listen live; {', '.join(models_of('websocket'))} does. For files use "
            "client.transcription.create or .stream",
            param="model",
        )
    turns = _turn_detection(turn_detection)
    some_text(format, "format")
    if turns is not None and format != "pcm":
        raise InvalidParameterError(
            f"format is {format!r}, and with turn_detection the last turn is closed by silence that is appended, which "
            "can only be made for pcm. Send pcm, or use turn_detection=None and COMMIT",
            param="format",
        )
    checked(_Sound, {"sample_rate": sample_rate, "bits": bits, "channels": channels})
    given = checked(LiveParams, params)
    if not str(given.get("path", "/")).startswith("/"):
        raise InvalidParameterError(f"path is {given['path']!r}; it must begin with a slash", param="path")
    return LiveSettings(model, format, Samples(sample_rate, bits, channels), turns, given)


def _turn_detection(wanted: str | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if wanted is None:
        return None
    if wanted == "server_vad":
        return {"type": "server_vad"}
    if not isinstance(wanted, Mapping):
        raise InvalidParameterError(
            f"turn_detection is {wanted!r}; it must be 'server_vad', None, or an object such as "
            "{'type': 'server_vad', 'silence_duration_ms': 500}",
            param="turn_detection",
        )
    known = checked(TurnDetection, {name: wanted[name] for name in TurnDetection.__annotations__ if name in wanted})
    return {"type": "server_vad", **wanted, **known}
