"""What a transcription takes, and which way of recognition knows what (WIRE.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from stepfun_client.api.resource import BodyOptions, checked, some_text
from stepfun_client.catalog import MODELS
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.api.transcription_input import RecordingFormat

Way: TypeAlias = Literal["multipart", "sse", "async"]

_Name: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class TranscriptionParams(BodyOptions, total=False):
    """What a transcription takes beside the file and `model`. None leaves a parameter out.

    Attributes:
        language: The language that is spoken, e.g. `"zh"` or `"en"` (SSE).
        hotwords: Names and terms to listen for (multipart and SSE).
        enable_itn: Whether to write numbers, dates and the like as figures (SSE).
        timestamps: Whether to say when each word or utterance is said (SSE and the asynchronous service).
        format: What the file is: `pcm`, `wav`, `mp3`, `ogg` or `flac`; only needed where its content does not say.
        sample_rate: Samples a second, per channel; needed for `pcm`.
        bits: Bits of one sample of one channel; needed for `pcm`.
        channels: 1 is mono, 2 is stereo; needed for `pcm`.
        transport: `"multipart"`, `"sse"` or `"async"`; by default what the model is reached by.
        extra_body: Anything else, laid over the body object by object, unchecked; fields of the form on multipart.
    """

    language: _Name | None
    hotwords: Sequence[_Name] | None
    enable_itn: bool | None
    timestamps: bool | None
    format: str | None
    sample_rate: Annotated[int, Field(ge=1)] | None
    bits: Annotated[int, Field(ge=1, le=32)] | None
    channels: Annotated[int, Field(ge=1)] | None
    transport: Way | None


class TaskParams(BodyOptions, total=False):
    """What the asynchronous service takes beside the URL and `model`. None leaves a parameter out.

    Attributes:
        timestamps: Whether to return utterances and words with their times.
        channel_split: Whether to recognise each channel by itself.
        format: What the file is; by default what the ending of the URL promises.
        sample_rate: Samples a second, per channel; needed for `pcm`.
        bits: Bits of one sample of one channel; needed for `pcm`.
        channels: 1 is mono, 2 is stereo; needed for `pcm`.
        extra_body: Anything else, laid over the body object by object, unchecked.
    """

    timestamps: bool | None
    channel_split: bool | None
    format: str | None
    sample_rate: Annotated[int, Field(ge=1)] | None
    bits: Annotated[int, Field(ge=1, le=32)] | None
    channels: Annotated[int, Field(ge=1)] | None


class CreateParams(TranscriptionParams, total=False):
    """What `transcription.create` takes beside the file and `model`. None leaves a parameter out.

    Attributes:
        channel_split: Whether to recognise each channel by itself (asynchronous service).
        deadline: After how many seconds to give up waiting for the asynchronous service; 600 by default.
        poll: Seconds between two looks at it; 2 by default.
        progress: Whether to show a bar while it is waited for; by default where somebody can see one.
    """

    channel_split: bool | None
    deadline: Annotated[float, Field(gt=0)] | None
    poll: Annotated[float, Field(gt=0)] | None
    progress: bool | None


# What only some ways know. What asks for nothing (`timestamps=False`) is known everywhere.
_KNOWN_BY: Mapping[str, tuple[Way, ...]] = {
    "language": ("sse",),
    "hotwords": ("multipart", "sse"),
    "enable_itn": ("sse",),
    "timestamps": ("sse", "async"),
    "channel_split": ("async",),
    "deadline": ("async",),
    "poll": ("async",),
}
_ASKS_FOR_NOTHING = {"timestamps": False, "channel_split": False}
_NAMES: Mapping[Way, str] = {
    "multipart": "the multipart form",
    "sse": "the event stream (SSE)",
    "async": "the asynchronous service",
}

ACCEPTED: Mapping[Way, tuple[RecordingFormat, ...]] = {
    "multipart": ("mp3", "wav", "ogg", "pcm", "flac"),
    "sse": ("pcm", "wav", "mp3", "ogg"),
}
"""The formats each way takes; of the asynchronous service no source says."""


def way_of(model: str, transport: str | None) -> Way:
    """Choose how a model is reached: as the caller says, else as the catalogue knows, else over SSE.

    Raises:
        InvalidParameterError: If the model is known, and transcribes no files.
    """
    some_text(model, "model")
    if transport is not None:
        chosen: Way = checked(TranscriptionParams, {"transport": transport})["transport"]
        return chosen
    info = MODELS.get(model)
    if info is None:
        return "sse"
    ways: tuple[Way, ...] = tuple(way for way in info.transports if way != "websocket")
    if not ways:
        raise InvalidParameterError(
            f"{model} does not transcribe files; these do: {', '.join(models_of(*_NAMES))}. If that has changed, say "
            "how it is reached: transport='sse'",
            param="model",
        )
    return ways[0]


def models_of(*ways: str) -> list[str]:
    """The models that are reached by one of these ways."""
    return [name for name, info in MODELS.items() if set(ways) & set(info.transports)]


def checked_params(way: Way, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check parameters, and refuse those the chosen way does not know: nothing is dropped silently.

    Raises:
        InvalidParameterError: If one is unknown, out of range, or not for this way.
    """
    if given.get("response_format") is not None:
        raise InvalidParameterError(
            "response_format is no parameter here: the service writes no subtitles, whatever its documents say. Ask "
            "with timestamps=True, and write the transcript with .to_srt(), .to_vtt(), .to_text() or .to_json()",
            param="response_format",
        )
    if isinstance(given.get("hotwords"), str):
        raise InvalidParameterError("hotwords is one text; it must be a list of texts", param="hotwords")
    params = checked(CreateParams, given)
    params.pop("transport", None)
    for name, ways in _KNOWN_BY.items():
        if name in params and way not in ways and params[name] != _ASKS_FOR_NOTHING.get(name, ...):
            raise InvalidParameterError(
                f"{name} is not known to {_NAMES[way]}; {' and '.join(_NAMES[one] for one in ways)} "
                f"know{'s' if len(ways) == 1 else ''} it: use {' or '.join(models_of(*ways))}",
                param=name,
            )
    return params


def overlaid(body: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay one JSON object over another, object by object.

    >>> overlaid({"audio": {"data": "...", "input": {}}}, {"audio": {"input": {"new": True}}})
    {'audio': {'data': '...', 'input': {'new': True}}}
    """
    result = dict(body)
    for name, value in (extra or {}).items():
        below = result.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = overlaid(below, value)  # noqa: PLW2901 - what it becomes
        result[name] = value
    return result
