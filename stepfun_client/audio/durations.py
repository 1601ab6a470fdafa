"""How a piece of sound plays: rate, channels and length, read from its bytes. Nothing is decoded.

What cannot be read is None, never an error: a reply that was paid for is kept, whatever its header says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepfun_client.audio.frames import id3_size
from stepfun_client.audio.mp3 import mp3_info
from stepfun_client.errors import InvalidParameterError
from stepfun_client.riff import wav_info

PCM_SAMPLE_BYTES = 2
"""Bytes of one sample of StepFun's bare samples: 16 bit, little-endian (WIRE.md section 6)."""

_OPUS_RATE = 48000  # Opus counts time at this rate, whatever the sound's own is
_NO_PACKET_ENDS = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Measures:
    """What a file's bytes say about its sound; None where they do not.

    Attributes:
        sample_rate: Samples a second, per channel; of Opus the rate of the sound before it was encoded.
        channels: 1 is mono, 2 is stereo.
        duration_seconds: How long it plays.
        label: The `AIGC` chunk of a WAV file.
    """

    sample_rate: int | None = None
    channels: int | None = None
    duration_seconds: float | None = None
    label: bytes | None = None


def measure(content: bytes, form: str) -> Measures:
    """Read how a piece of sound plays.

    Args:
        content: The whole file.
        form: What it is: `wav`, `mp3`, `flac` or `opus`. Bare samples (`pcm`) say nothing about themselves, see
            `pcm_seconds`.

    Example:
        >>> measure(b"not an mp3", "mp3").duration_seconds is None
        True
    """
    read = _READERS.get(form)
    return read(content) if read else Measures()


def pcm_seconds(size: int, sample_rate: int, channels: int = 1) -> float:
    """How long bare 16-bit samples play.

    Args:
        size: Their length in bytes.
        sample_rate: Samples a second, per channel.
        channels: 1 is mono, 2 is stereo.

    Example:
        >>> pcm_seconds(48000, 24000)
        1.0
    """
    return size // (PCM_SAMPLE_BYTES * channels) / sample_rate


def _wav(content: bytes) -> Measures:
    try:
        info = wav_info(content)
    except InvalidParameterError:
        return Measures()
    return Measures(info.sample_rate, info.channels, info.duration_seconds, info.aigc)


def _mp3(content: bytes) -> Measures:
    info = mp3_info(content)
    return Measures(info.sample_rate, info.channels, info.duration_seconds) if info else Measures()


def _flac(content: bytes) -> Measures:
    """STREAMINFO is always the first block. An encoder that could not go back leaves the number of samples at 0."""
    start = id3_size(content)
    block = content[start + 8 : start + 26]
    if content[start : start + 4] != b"fLaC" or content[start + 4] & 0x7F or len(block) < 18:
        return Measures()
    packed = int.from_bytes(block[10:18], "big")  # 20 bits of rate, 3 of channels, 5 of sample size, 36 of length
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return Measures(rate or None, (packed >> 41 & 7) + 1, samples / rate if rate and samples else None)


def _opus(content: bytes) -> Measures:
    """The length is the last page's position minus what its header says to skip; chained streams add up."""
    first: tuple[int, int] | None = None
    ticks = skip = last = 0
    position = 0
    while content[position : position + 4] == b"OggS" and position + 27 <= len(content):
        segments = content[position + 26]
        begin = position + 27 + segments
        granule = int.from_bytes(content[position + 6 : position + 14], "little")
        if content[begin : begin + 8] == b"OpusHead" and begin + 16 <= len(content):
            ticks, last = ticks + max(0, last - skip), 0
            skip = int.from_bytes(content[begin + 10 : begin + 12], "little")
            rate = int.from_bytes(content[begin + 12 : begin + 16], "little") or _OPUS_RATE
            first = first or (rate, content[begin + 9])
        elif granule != _NO_PACKET_ENDS:
            last = granule
        position = begin + sum(content[position + 27 : begin])
    if first is None:
        return Measures()
    seconds = (ticks + max(0, last - skip)) / _OPUS_RATE
    return Measures(*first, duration_seconds=seconds or None)


_READERS: Mapping[str, Callable[[bytes], Measures]] = {"wav": _wav, "mp3": _mp3, "flac": _flac, "opus": _opus}
