"""What the speech models take (WIRE.md sections 3 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepfun_emulator.catalogue import MODELS
from stepfun_emulator.errors import invalid, no_such_model


@dataclass(frozen=True)
class SpeechModel:
    """One of them.

    Attributes:
        id: The name on the wire.
        instructs: Whether ``instruction`` may be given: 2.5 and later.
        labels: Whether ``voice_label`` may be given.
        styles: Whether all styles are known, or the four tempos and three moods only.
        languages: Whether ``language`` may be given.
        directions: Whether text in brackets directs the voice and is not spoken.
    """

    id: str
    instructs: bool = False
    labels: bool = True
    styles: bool = False
    languages: bool = False
    directions: bool = False


_MODELS = {
    model.id: model
    for model in (
        SpeechModel("stepaudio-3-tts", instructs=True, languages=True),
        SpeechModel("stepaudio-2.5-tts", instructs=True, labels=False, directions=True),
        SpeechModel("step-tts-2", styles=True),
        SpeechModel("step-tts-mini"),
        SpeechModel("step-tts-vivid"),
    )
}


def find_speech_model(name: Any) -> SpeechModel:
    """The model of that name.

    Raises:
        Refusal: There is no such model, or it does not speak.
    """
    if not isinstance(name, str) or not name:
        raise invalid("model", "model is required")
    if name not in MODELS:
        raise no_such_model(name)
    if name not in _MODELS:
        raise invalid("model", f"{name} is a {MODELS[name].kind} model; speech takes {', '.join(_MODELS)}")
    return _MODELS[name]
