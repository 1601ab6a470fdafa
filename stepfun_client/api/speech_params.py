"""What a synthesis takes: checked against the model, and written as the HTTP body or as the WebSocket's `tts.create`.

The facts are those of WIRE.md section 6. A model the catalogue does not know is not checked against it, and
`extra_body` is the way past every rule here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from stepfun_client.api.resource import BodyOptions, checked, some_text
from stepfun_client.catalog import SpeechTraits, find
from stepfun_client.errors import InvalidParameterError

SpeechFormat = Literal["mp3", "wav", "flac", "opus", "pcm"]
UNJOINABLE = ("flac", "opus")  # files that only decoding could join
StreamFormat = Literal["mp3", "wav", "flac", "opus", "pcm", "mp3_stream", "opus_stream", "flac_stream"]
SampleRate = Literal[8000, 16000, 22050, 24000, 48000]

MAX_CHARACTERS = 1000
"""The longest text of one request, and of one message on the WebSocket."""

DEFAULT_FORMAT = "mp3"
DEFAULT_SAMPLE_RATE = 24000

LANGUAGES = ("粤语", "四川话", "日语")
EMOTIONS = (*("高兴", "非常高兴", "悲伤", "生气", "非常生气", "撒娇", "恐惧", "惊讶", "兴奋", "钦佩", "困惑"),)
STYLES = ("慢速", "极慢", "快速", "极快", "冷漠", "尴尬", "沮丧")
TTS_2_STYLES = ("骄傲", "温柔", "甜美", "豪爽", "严肃", "傲慢", "老年", "吼叫", "阴阳怪气", "磕巴")

_PAST_IT = "if StepFun allows it by now, send it with extra_body={...}"


class VoiceOptions(BodyOptions, total=False):
    """How a voice speaks, wherever it does. None leaves a parameter out.

    Attributes:
        speed: 0.5 to 2; StepFun's default is 1.
        volume: 0.1 to 2; StepFun's default is 1.
        sample_rate: In hertz: 8000, 16000, 22050, 24000 (StepFun's default) or 48000.
        voice_label: Exactly one of `{"language": "粤语" | "四川话" | "日语"}`, `{"emotion": ...}` (see `EMOTIONS`) and
            `{"style": ...}` (see `STYLES`; those of `TTS_2_STYLES` on `step-tts-2` only). Not on `stepaudio-2.5-tts`.
        instruction: How to speak, in words, up to 200 characters; on `stepaudio-2.5-tts` and later.
        pronunciation_map: How to pronounce words: `{"tone": ["阿胶/e1胶"]}`.
        markdown_filter: Whether Markdown's marks are left unspoken.
    """

    speed: Annotated[float, Field(ge=0.5, le=2)] | None
    volume: Annotated[float, Field(ge=0.1, le=2)] | None
    sample_rate: SampleRate | None
    voice_label: Mapping[str, str] | None
    instruction: Annotated[str, Field(max_length=200)] | None
    pronunciation_map: Mapping[str, Sequence[str]] | None
    markdown_filter: bool | None


class SpeechParams(VoiceOptions, total=False):
    """What a synthesis takes beside `model`, `input` and `voice`; see also `VoiceOptions`.

    Attributes:
        response_format: `"mp3"` (StepFun's default), `"wav"`, `"flac"`, `"opus"` or `"pcm"` (16 bit, mono).
        language: The text's language; on `stepaudio-3-tts`.
    """

    response_format: SpeechFormat | None
    language: str | None


class StreamParams(VoiceOptions, total=False):
    """What a streamed synthesis takes beside `model`, `input` and `voice`; see also `VoiceOptions`.

    Attributes:
        response_format: As for a whole synthesis. On the WebSocket `mp3`, `opus` and `flac` are asked for as
            `mp3_stream` and so on, whose pieces join to one file; with `wav` every piece is a file of its own.
        language: The text's language; on `stepaudio-3-tts`, and over HTTP only.
        mode: On the WebSocket only: `"sentence"` to speak whole sentences, or `"default"`.
    """

    response_format: StreamFormat | None
    language: str | None
    mode: Literal["default", "sentence"] | None


def check_voice(model: str, voice: str, params: Mapping[str, Any]) -> None:
    """Check what holds for every way to speak.

    Args:
        model: The model's id.
        voice: An official voice's name, or a cloned voice's id.
        params: The parameters, their types checked already.

    Raises:
        InvalidParameterError: If StepFun would certainly refuse them.
    """
    some_text(model, "model")
    some_text(voice, "voice")
    traits = _traits_of(model)
    if (label := params.get("voice_label")) is not None:
        _check_label(model, label, traits)
    if params.get("instruction") is not None and traits and not traits.instruction:
        raise InvalidParameterError(
            f"{model} takes no instruction; stepaudio-2.5-tts and stepaudio-3-tts do, others take voice_label; "
            + _PAST_IT,
            param="instruction",
        )
    if params.get("language") is not None and traits and not traits.language:
        raise InvalidParameterError(
            f"{model} takes no language; stepaudio-3-tts does, others take voice_label={{'language': ...}}; "
            + _PAST_IT,
            param="language",
        )


def limit_of(model: str) -> int:
    """The longest text of one request to this model, in characters."""
    traits = _traits_of(model)
    return traits.max_characters if traits else MAX_CHARACTERS


def longest_text(model: str, form: str | None) -> int | None:
    """The longest text of one recording in a format: None where the parts of a longer one are joined."""
    return limit_of(model) if form in UNJOINABLE else None


def speech_body(*, model: str, text: str, voice: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the body of `POST /audio/speech`; of `params`, the call's options are left out."""
    return {"model": model, "input": text, "voice": voice, **_own(params)}


def creation(*, session_id: str, voice: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the WebSocket's `tts.create`, where some parameters have other names."""
    renamed = {"speed": "speed_ratio", "volume": "volume_ratio"}
    own = {renamed.get(name, name): value for name, value in _own(params).items()}
    extra = params.get("extra_body") or {}
    data = {"session_id": session_id, "voice_id": voice, "response_format": DEFAULT_FORMAT, **own, **extra}
    return {"type": "tts.create", "data": data}


def checked_speech(model: str, voice: str, params: Mapping[str, Any], *, shape: Any = SpeechParams) -> dict[str, Any]:
    """Check a synthesis's parameters: their types, their ranges, and the model."""
    given = checked(shape, params)
    check_voice(model, voice, given)
    return given


def _own(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in BodyOptions.__annotations__}


def _traits_of(model: str) -> SpeechTraits | None:
    info = find(model)
    if info is None:
        return None
    if info.speech is None:
        raise InvalidParameterError(
            f"{model} does not speak; use stepaudio-2.5-tts, step-tts-2 or another model of kind 'tts'", param="model"
        )
    return info.speech


def _check_label(model: str, label: Mapping[str, str], traits: SpeechTraits | None) -> None:
    if traits and traits.voice_label is False:
        raise InvalidParameterError(
            f"{model} takes no voice_label; say it in words with instruction='...'; {_PAST_IT}", param="voice_label"
        )
    styles = (*STYLES, *TTS_2_STYLES) if model == "step-tts-2" or traits is None else STYLES
    allowed = {"language": LANGUAGES, "emotion": EMOTIONS, "style": styles}
    if len(label) != 1 or not label.keys() <= allowed.keys():
        raise InvalidParameterError(
            f"voice_label has {', '.join(label) or 'nothing'}; it must have exactly one of language, emotion and style",
            param="voice_label",
        )
    ((kind, value),) = label.items()
    if value not in allowed[kind]:
        raise InvalidParameterError(
            f"voice_label's {kind} is {value!r}; {model} takes {', '.join(allowed[kind])}; {_PAST_IT}",
            param="voice_label",
        )
