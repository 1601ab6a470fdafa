"""Sound for the tests: tones in every format, made by libsndfile, and WAV files as the service writes them."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from stepfun_client.riff import pcm_format, wav_file

if TYPE_CHECKING:
    from stepfun_client.audio import Audio

LIST = b"INFOISFT\x0e\x00\x00\x00Lavf58.29.100\x00"
LABEL = b'{"AIGC": {"Label": "1"}}'

_KINDS = {
    "wav": ("WAV", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "opus": ("OGG", "OPUS"),
    "vorbis": ("OGG", "VORBIS"),
}


def encoded(form: str, *, samples: int = 24000, rate: int = 24000, channels: int = 1, **options: object) -> bytes:
    """A tone as a file of this format."""
    tone = 0.3 * np.sin(np.arange(samples) * 0.05)
    file = io.BytesIO()
    kind, coding = _KINDS[form]
    soundfile.write(file, np.stack([tone] * channels, axis=1), rate, format=kind, subtype=coding, **options)
    return file.getvalue()


def service_wav(samples: bytes, *, rate: int = 24000, label: bytes | None = LABEL) -> bytes:
    """A WAV file as the service writes it: LIST before the samples, AIGC after them."""
    after = {b"AIGC": label} if label is not None else {}
    return wav_file(pcm_format(rate), [samples], before={b"LIST": LIST}, after=after)


def seconds_heard(audio: Audio) -> float:
    """How long libsndfile plays it, decoded to the end."""
    samples, rate = soundfile.read(io.BytesIO(audio.content))
    return len(samples) / rate


def wave_samples(content: bytes) -> bytes:
    """The samples Python's own reader finds."""
    with wave.open(io.BytesIO(content)) as reader:
        return reader.readframes(reader.getnframes())
