"""Sound that stands where the service has a voice: tones in the rhythm of the syllables, and the files they come in.

The samples are real (mono, 16 bit), the files play. A WAV file has a ``LIST`` chunk before the samples, which therefore
start at byte 78, and an ``AIGC`` chunk after them, as the service writes it (WIRE.md section 6).
"""

from __future__ import annotations

import json
import math
import re
import struct
from array import array
from functools import lru_cache

RATE = 24_000

_SYLLABLE = re.compile(r"[一-鿿]|[^\W_]*?[aeiouy]+|[^\W_一-鿿]+|[,;:，；：、]|[.!?。！？\n]", re.IGNORECASE)
_PITCHES = (196.0, 220.0, 246.9, 261.6, 293.7, 329.6)
_SECONDS = 0.16
_PAUSES = {",": 0.15, ";": 0.15, ":": 0.15, "，": 0.15, "；": 0.15, "：": 0.15, "、": 0.1}
_SENTENCE_PAUSE = 0.3
_SENTENCE_ENDS = set(".!?。！？\n")
_ENCODER = b"Lavf58.76.100\0"
_AIGC_SIZE = 1400  # "about 1.4 KB"


def speech(text: str, rate: int = RATE) -> bytes:
    """Samples for a text, little-endian 16 bit mono: one tone a syllable, silence at punctuation."""
    parts = [_silence(0.05, rate)]
    for syllable in _SYLLABLE.findall(text):
        if syllable in _SENTENCE_ENDS:
            parts.append(_silence(_SENTENCE_PAUSE, rate))
        elif syllable in _PAUSES:
            parts.append(_silence(_PAUSES[syllable], rate))
        else:
            parts.append(_tone(_PITCHES[sum(map(ord, syllable)) % len(_PITCHES)], rate))
    return b"".join(parts)


@lru_cache(maxsize=64)
def _tone(pitch: float, rate: int) -> bytes:
    """One syllable: a tone with one overtone that swells and fades."""
    length = int(_SECONDS * rate)
    samples = array("h")
    for at in range(length):
        turn = 2 * math.pi * pitch * at / rate
        swell = math.sin(math.pi * at / length)
        samples.append(int(9000 * swell * (math.sin(turn) + 0.3 * math.sin(2 * turn)) / 1.3))
    return _little_endian(samples)


def _little_endian(samples: array[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


@lru_cache(maxsize=64)
def _silence(seconds: float, rate: int) -> bytes:
    return bytes(2 * int(seconds * rate))


def wav(samples: bytes, rate: int = RATE) -> bytes:
    """A WAV file as the service writes it: ``fmt``, ``LIST``, ``data``, ``AIGC``."""
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    listed = b"INFO" + _chunk(b"ISFT", _ENCODER)
    chunks = _chunk(b"fmt ", form) + _chunk(b"LIST", listed) + _chunk(b"data", samples) + _chunk(b"AIGC", _provenance())
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _chunk(name: bytes, content: bytes) -> bytes:
    """A RIFF chunk; an odd length is padded, and the padding is not counted."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _provenance() -> bytes:
    """The label that generated content must carry in China; this one says that an emulator made it."""
    label = {"AIGC": {"Label": "1", "ContentProducer": "stepfun_emulator", "Reserved": "tones, not a voice"}}
    return json.dumps(label).encode().ljust(_AIGC_SIZE)


def wav_seconds(data: bytes) -> float | None:
    """How long a WAV file plays, by walking its chunks; None where that cannot be told."""
    at, bytes_per_second = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt " and at + 20 <= len(data):
            bytes_per_second = struct.unpack_from("<I", data, at + 16)[0]
        if name == b"data":
            return min(size, len(data) - at - 8) / bytes_per_second if bytes_per_second else None
        at += 8 + size + size % 2
    return None
