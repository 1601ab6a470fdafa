"""The headers inside an MP3 file: four bytes before each frame, ten before a tag.

Read are MPEG 1, 2 and 2.5, layer III. Free-format files (whose frames do not say how long they are) are not: nothing
that makes speech writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by MPEG version
_KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5
}


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the four bytes before a frame say.

    Attributes:
        size: Bytes of the whole frame, these four included.
        samples: Samples in it, per channel.
        sample_rate: Samples a second, per channel.
        channels: 1 is mono, 2 is stereo.
        bit_rate: Bits a second.
        side_size: Bytes of side information behind the header and, where there is one, its checksum.
    """

    size: int
    samples: int
    sample_rate: int
    channels: int
    bit_rate: int
    side_size: int


@lru_cache(maxsize=1024)
def frame_header(word: int) -> FrameHeader | None:
    """Read a frame's header, given as one big-endian number of 32 bits; None if it is no header of layer III.

    Example:
        >>> frame_header(0xFFFB9000)
        FrameHeader(size=417, samples=1152, sample_rate=44100, channels=2, bit_rate=128000, side_size=32)
    """
    version, layer, kbit, rate = word >> 19 & 3, word >> 17 & 3, word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or kbit in {0, 15} or rate == 3:
        return None
    is_first, is_mono = version == 3, word >> 6 & 3 == 3
    sample_rate, bit_rate = _RATES[version][rate], _KBITS[is_first][kbit - 1] * 1000
    samples = 1152 if is_first else 576
    side_size = (17 if is_mono else 32) if is_first else (9 if is_mono else 17)
    size = samples // 8 * bit_rate // sample_rate + (word >> 9 & 1)
    return FrameHeader(size, samples, sample_rate, 1 if is_mono else 2, bit_rate, side_size)


def id3_size(data: bytes | bytearray, position: int = 0) -> int:
    """The length in bytes of the ID3v2 tags that begin here, as many as there are; 0 without one.

    Args:
        data: The whole file.
        position: Where to look, in bytes from the start of the file.

    Example:
        >>> id3_size(b"ID3" + bytes([4, 0, 0, 0, 0, 1, 2]) + bytes(130))
        140
    """
    end = position
    while data[end : end + 3] == b"ID3" and len(data) >= end + 10:
        size = 0
        for byte in data[end + 6 : end + 10]:  # four bytes of seven bits each
            size = size << 7 | byte & 0x7F
        has_footer = data[end + 5] & 0x10
        end += 10 + size + (10 if has_footer else 0)
    return min(end, len(data)) - position
