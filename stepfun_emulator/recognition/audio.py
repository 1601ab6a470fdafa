"""The audio of a request: which model hears it, what it is said to be, and the samples in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepfun_emulator.catalogue import MODELS, RECOGNISERS
from stepfun_emulator.errors import invalid, no_such_model
from stepfun_emulator.sound import decode

if TYPE_CHECKING:
    from stepfun_emulator.fields import Fields
    from stepfun_emulator.sound.formats import Sound

LARGEST = 100 * 1024 * 1024  # WIRE.md section 8: "<100 MB"
LOWEST_RATE, HIGHEST_RATE = 8000, 48_000


@dataclass(frozen=True)
class Format:
    """What audio is said to be. Only pcm needs the numbers; other formats say them themselves.

    Attributes:
        type: ``pcm``, ``wav``, ``mp3``, ``ogg`` or ``flac``.
        rate: Samples a second.
        bits: Bits a sample.
        channels: How many there are.
    """

    type: str
    rate: int = 16_000
    bits: int = 16
    channels: int = 1


def check_model(name: str, way: str, param: str) -> None:
    """See that a model is heard this way.

    Args:
        name: The model.
        way: A key of ``catalogue.RECOGNISERS``.
        param: Where the name stood.

    Raises:
        Refusal: There is no such model (404), or it is served elsewhere (400).
    """
    if name not in MODELS:
        raise no_such_model(name)
    if name not in RECOGNISERS[way]:
        raise invalid(param, f"model {name} not supported, only {', '.join(RECOGNISERS[way])}")


def read_format(fields: Fields, *, types: tuple[str, ...], type_name: str, channel_names: tuple[str, ...]) -> Format:
    """Read the fields that describe audio; ``rate``, ``bits`` and the number of channels are required for pcm.

    Args:
        fields: The object that holds them.
        types: The formats accepted.
        type_name: What the field with the format is called.
        channel_names: What the field with the number of channels may be called.

    Raises:
        Refusal: One is missing or wrong.
    """
    type_ = fields.choice(type_name, types)
    channel_name = next((name for name in channel_names if fields.given(name)), channel_names[0])
    usual = Format(type_)
    needed = type_ == "pcm"
    return Format(
        type_,
        rate=fields.whole("rate", LOWEST_RATE, HIGHEST_RATE, None if needed else usual.rate),
        bits=fields.whole("bits", 16, 16, None if needed else usual.bits),
        channels=fields.whole(channel_name, 1, 2, None if needed else usual.channels),
    )


def samples_of(data: bytes, format_: Format) -> Sound:
    """Decode audio.

    Raises:
        ValueError: It cannot be decoded, or has fewer samples a second than the emulator can hear by.
    """
    sound = decode(data, format_.type, rate=format_.rate, bits=format_.bits, channels=format_.channels)
    if sound.rate < LOWEST_RATE:
        raise ValueError(f"the audio has {sound.rate} samples a second, at least {LOWEST_RATE} are needed")
    return sound
