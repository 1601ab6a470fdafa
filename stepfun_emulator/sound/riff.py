"""WAV files as the service writes them, and WAV files as anybody writes them (WIRE.md section 6).

The service puts a ``LIST`` chunk before the samples, which therefore start at byte 78, and an ``AIGC`` chunk of about
1.4 KB after them.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENCODER = b"Lavf58.76.100\0"
_AIGC_SIZE = 1400  # "about 1.4 KB"
_HEADER = 12
_FORM = struct.Struct("<HHIIHH")
_EXTENSIBLE = 0xFFFE
_SUBFORMAT = 24  # where an extensible form says what the samples are


class Layout(NamedTuple):
    """What a WAV file says about itself.

    Attributes:
        code: 1 for whole numbers, 3 for floating point, 6 and 7 for the telephone's laws.
        channels: How many.
        rate: Samples a second.
        bits: Of one sample.
        start: Where the samples begin.
        size: How many bytes of them there are.
    """

    code: int
    channels: int
    rate: int
    bits: int
    start: int
    size: int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.size / (self.rate * self.channels * self.bits / 8)


def write_wav(samples: bytes, rate: int, *, text: str = "") -> bytes:
    """A WAV file: ``fmt``, ``LIST``, ``data``, ``AIGC``.

    Args:
        samples: Little-endian 16 bit mono.
        rate: Samples a second.
        text: What was said; the label carries the beginning of it.
    """
    form = _FORM.pack(1, 1, rate, rate * 2, 2, 16)
    listed = b"INFO" + _chunk(b"ISFT", _ENCODER)
    label = provenance(text).encode().ljust(_AIGC_SIZE)
    chunks = _chunk(b"fmt ", form) + _chunk(b"LIST", listed) + _chunk(b"data", samples) + _chunk(b"AIGC", label)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def provenance(text: str = "") -> str:
    """The label that generated content must carry in China; this one says that an emulator made it, and what it says.

    Args:
        text: What was said; only so much of it as fits into the size of the service's label.
    """
    written = _label(text)
    while len(written) > _AIGC_SIZE:
        text = text[: min(len(text) - 1, len(text) * _AIGC_SIZE // len(written))]
        written = _label(text)
    return written


def _label(text: str) -> str:
    label = {"Label": "1", "ContentProducer": "stepfun_emulator", "Reserved": "tones, not a voice", "Text": text}
    return json.dumps({"AIGC": label})  # in ASCII: the tags of an MP3 know no other characters


def read_layout(data: bytes) -> Layout | None:
    """Walk the chunks of a WAV file; None where it has no form or no samples.

    The size counts only bytes that are there: files written to a pipe promise more.
    """
    form = None
    for name, start, size in _chunks(data):
        if name == b"fmt " and start + _FORM.size <= len(data):
            form = _FORM.unpack_from(data, start)
            if form[0] == _EXTENSIBLE and start + _SUBFORMAT + 2 <= len(data):
                form = (struct.unpack_from("<H", data, start + _SUBFORMAT)[0], *form[1:])
        if name == b"data":
            if form is None or not (form[1] and form[2] and form[5]):
                return None
            code, channels, rate, _, _, bits = form
            return Layout(code, channels, rate, bits, start, min(size, len(data) - start))
    return None


def wav_seconds(data: bytes) -> float | None:
    """How long a WAV file plays, by walking its chunks; None where that cannot be told."""
    layout = read_layout(data)
    return None if layout is None else layout.seconds


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = _HEADER
    while at + 8 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at : at + 4], at + 8, size
        at += 8 + size + size % 2


def _chunk(name: bytes, content: bytes) -> bytes:
    """A RIFF chunk; an odd length is padded, and the padding is not counted."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
