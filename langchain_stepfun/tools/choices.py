"""What a model may be allowed to choose about speech, each with the values that are allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from langchain_core.tools import ToolException
from pydantic import Field

from stepfun_client.api.speech_params import (
    EMOTIONS,
    LANGUAGES,
    STYLES,
    TTS_2_STYLES,
    SampleRate,
    SpeechFormat,
    check_voice,
)
from stepfun_client.catalog import MODELS

if TYPE_CHECKING:
    from langchain_stepfun.tools.speech import StepFunTTS

VOICES = (
    *("cixingnansheng", "linjiajiejie", "linjiameimei", "wenrounansheng", "qingchunshaonv", "livelybreezy-female"),
    *("elegantgentle-female", "jingdiannvsheng", "zixinnansheng"),
)
"""Official voices that StepFun's documents name (WIRE.md section 6); `client.voices.official(model)` knows more."""

_LABELS = {"emotion": "emotion", "style": "style", "dialect": "language"}
_WIRE_NAMES = {"format": "response_format"}

_TRIALS: Mapping[str, Mapping[str, Any]] = {  # a value each, to ask whether a speaking model takes it
    "voice_label": {
        "emotion": {"emotion": EMOTIONS[0]},
        "style": {"style": STYLES[0]},
        "dialect": {"language": LANGUAGES[0]},
    },
    "instruction": {"instruction": "calmly"},
}


def _one_of(values: Sequence[Any]) -> Any:
    return Literal.__getitem__(tuple(dict.fromkeys(values)))


def _speaking_models(_: StepFunTTS) -> Any:
    return _one_of([name for name, info in MODELS.items() if info.speech])


def _styles(tool: StepFunTTS) -> Any:
    return _one_of((*STYLES, *TTS_2_STYLES) if tool.model == "step-tts-2" else STYLES)


_CHOICES: Mapping[str, tuple[Callable[[StepFunTTS], Any], str]] = {
    "voice": (lambda tool: _one_of((tool.voice, *tool.voices)), "Whose voice speaks."),
    "speed": (lambda _: Annotated[float, Field(ge=0.5, le=2)], "How fast to speak, 0.5 to 2; 1 is normal."),
    "volume": (lambda _: Annotated[float, Field(ge=0.1, le=2)], "How loud to speak, 0.1 to 2; 1 is normal."),
    "emotion": (lambda _: _one_of(EMOTIONS), "The feeling to speak with; not together with style or dialect."),
    "style": (_styles, "The manner to speak in; not together with emotion or dialect."),
    "dialect": (
        lambda _: _one_of(LANGUAGES),
        "Speak in Cantonese, Sichuanese or Japanese; not together with emotion or style.",
    ),
    "instruction": (lambda _: Annotated[str, Field(max_length=200)], "How to speak, in up to 200 characters."),
    "format": (lambda _: SpeechFormat, "The format of the recording."),
    "sample_rate": (lambda _: SampleRate, "Samples a second, in hertz."),
    "model": (_speaking_models, "Which of StepFun's models speaks."),
}

CHOICES = tuple(_CHOICES)
"""The names `model_may_set` takes for speech."""


def choice_fields(tool: StepFunTTS) -> dict[str, Any]:
    """Make the fields of the tool's schema that stand for what the model may choose, each optional."""
    fields = {}
    for name in tool.model_may_set:
        kind, description = _CHOICES[name]
        fields[name] = (kind(tool) | None, Field(default=None, description=description))
    return fields


def check_choices(tool: StepFunTTS) -> None:
    """Refuse to offer a model what its speaking model never takes.

    Raises:
        InvalidParameterError: If the speaking model has no such parameter.
    """
    if "model" in tool.model_may_set:
        return
    for name, param in zip(tool.model_may_set, wire_names(tool.model_may_set), strict=True):
        if param in _TRIALS:
            check_voice(tool.model, tool.voice, {param: _TRIALS[param][name]})


def chosen_params(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what a model chose into the client's parameters.

    Raises:
        ToolException: If it chose two of those that StepFun takes one of.
    """
    made = {name: value for name, value in chosen.items() if value is not None}
    labels = {_LABELS[name]: made.pop(name) for name in _LABELS if name in made}
    if len(labels) > 1:
        raise ToolException("Choose one of emotion, style and dialect: StepFun takes only one of them at a time")
    params = {_WIRE_NAMES.get(name, name): value for name, value in made.items()}
    return {**params, "voice_label": labels} if labels else params


def wire_names(names: Sequence[str]) -> list[str]:
    """Return the client's names of what a model may choose, by which its refusals name them."""
    return ["voice_label" if name in _LABELS else _WIRE_NAMES.get(name, name) for name in names]
