"""Sound that stands where the service has a voice: tones that can be heard again, and the files they come in.

The samples are real and the files play. What needs numpy and soundfile loads at first use, and says what to install
where they are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepfun_emulator.errors import Refusal
from stepfun_emulator.sound.riff import wav_seconds, write_wav
from stepfun_emulator.sound.sentences import split_sentences

if TYPE_CHECKING:
    from stepfun_emulator.sound.energy import TurnDetector
    from stepfun_emulator.sound.formats import Encoder, Sound
    from stepfun_emulator.sound.tongue import Heard

__all__ = [
    "RATE",
    "decode",
    "encode",
    "encoder",
    "hear",
    "split_sentences",
    "turn_detector",
    "utter",
    "wav_seconds",
    "write_wav",
]

RATE = 24_000
_MISSING = "the emulator's sound needs numpy and soundfile: pip install 'stepfun-integrations[emulator]'"


def utter(text: str, *, rate: int = RATE, speed: float = 1.0, volume: float = 1.0) -> bytes:
    """Say a text so that :func:`hear` understands it: see :func:`stepfun_emulator.sound.tongue.utter`.

    Raises:
        Refusal: numpy is missing.
    """
    try:
        from stepfun_emulator.sound import tongue
    except ImportError:
        raise _missing() from None
    return tongue.utter(text, rate=rate, speed=speed, volume=volume)


def hear(samples: bytes, rate: int) -> list[Heard]:
    """Find what :func:`utter` said: see :func:`stepfun_emulator.sound.tongue.hear`.

    Raises:
        Refusal: numpy is missing.
    """
    try:
        from stepfun_emulator.sound import tongue
    except ImportError:
        raise _missing() from None
    return tongue.hear(samples, rate)


def encode(samples: bytes, rate: int, form: str, *, text: str = "") -> bytes:
    """Write a file: see :func:`stepfun_emulator.sound.formats.encode`.

    Raises:
        Refusal: soundfile is missing.
    """
    try:
        from stepfun_emulator.sound import formats
    except ImportError:
        raise _missing() from None
    return formats.encode(samples, rate, form, text=text)


def encoder(form: str, rate: int) -> Encoder:
    """Write a file piece by piece: see :class:`stepfun_emulator.sound.formats.Encoder`.

    Raises:
        Refusal: soundfile is missing.
    """
    try:
        from stepfun_emulator.sound import formats
    except ImportError:
        raise _missing() from None
    return formats.Encoder(form, rate)


def decode(data: bytes, form: str = "", *, rate: int = 16_000, bits: int = 16, channels: int = 1) -> Sound:
    """Read a file: see :func:`stepfun_emulator.sound.formats.decode`.

    Raises:
        ValueError: It cannot be read.
        Refusal: soundfile is missing.
    """
    try:
        from stepfun_emulator.sound import formats
    except ImportError:
        raise _missing() from None
    return formats.decode(data, form, rate=rate, bits=bits, channels=channels)


def turn_detector(rate: int, *, level: float = 200.0, silence_ms: int = 800, padding_ms: int = 0) -> TurnDetector:
    """Find who speaks when: see :class:`stepfun_emulator.sound.energy.TurnDetector`.

    Raises:
        Refusal: numpy is missing.
    """
    try:
        from stepfun_emulator.sound import energy
    except ImportError:
        raise _missing() from None
    return energy.TurnDetector(rate, level=level, silence_ms=silence_ms, padding_ms=padding_ms)


def _missing() -> Refusal:
    return Refusal(400, "request_params_invalid", _MISSING)
