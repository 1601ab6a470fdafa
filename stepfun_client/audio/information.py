"""The frame before an MP3 file's first sound that tells about the others: how many, how long, what to cut off.

Players that know it (all of today's) take the length from it, so a file that is put together from others needs a right
one or none. Xing's and Fraunhofer's (VBRI) are told apart; only Xing's, which LAME and ffmpeg write, is read further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepfun_client.audio.frames import frame_header

_XING = (b"Xing", b"Info")
_VBRI = b"VBRI"
_VBRI_OFFSET = 36  # behind room for the largest side information, whatever the frame's own has
_HAS_FRAMES, _HAS_BYTES, _HAS_SEEK_TABLE, _HAS_QUALITY = 1, 2, 4, 8
_SEEK_POINTS = 100
_XING_SIZE = 120  # name, flags, frames, bytes, seek table, quality
_ENCODER = 9  # letters of the encoder's name, with which LAME's part begins
_GAPLESS = 21  # from there to three bytes: twelve bits of delay, twelve of padding
_MUSIC = 28  # ... to the number of all bytes and the checksum of the music
_CHECKSUM = 34  # ... to the checksum of all that stands before it in the frame


@dataclass(frozen=True, slots=True)
class _Fields:
    """Where the fields of a Xing frame are, from the frame's first byte; None for those it has not."""

    frames: int | None
    size: int | None
    seek_table: int | None
    lame: int


def is_information(frame: bytes, side_size: int) -> bool:
    """Whether this frame tells about the others instead of sounding.

    Args:
        frame: The frame's bytes.
        side_size: Bytes of side information in it.
    """
    return _xing_offset(frame, side_size) is not None or frame[_VBRI_OFFSET : _VBRI_OFFSET + 4] == _VBRI


def gapless(frame: bytes, side_size: int) -> tuple[int, int]:
    """How many samples of silence the encoder put before and after the sound; (0, 0) where the frame does not say.

    Args:
        frame: The information frame's bytes.
        side_size: Bytes of side information in it.
    """
    fields = _fields(frame, side_size)
    if fields is None or not _has_lame(frame, fields.lame):
        return 0, 0
    both = int.from_bytes(frame[fields.lame + _GAPLESS : fields.lame + _GAPLESS + 3], "big")
    return both >> 12, both & 0xFFF


def blank(word: int) -> bytes:
    """An information frame that says nothing yet, for a file that has none, to be given to `corrected`.

    Args:
        word: The header of the file's first frame, as one big-endian number. Version, rate and channels are taken from
            it; the bit rate is the lowest whose frames have room enough.
    """
    plain = word & ~0xF200 | 0x10000  # no bit rate, no padding, no checksum
    flags = (_HAS_FRAMES | _HAS_BYTES | _HAS_SEEK_TABLE).to_bytes(4, "big")
    for own in (plain | kbit << 12 for kbit in range(1, 15)):
        header = frame_header(own)
        if header and header.size >= 4 + header.side_size + _XING_SIZE:
            start = own.to_bytes(4, "big") + bytes(header.side_size) + b"Xing" + flags
            return start.ljust(header.size, b"\x00")
    return b""


def corrected(
    frame: bytes, side_size: int, *, parts: Sequence[tuple[int, int]], padding: int, is_constant: bool
) -> bytes:
    """The information frame of the first of several files, made to tell about all of them joined.

    The delay before the sound stays the first file's. LAME's checksum of the music, which no player reads and which
    would have to be computed over every byte, is set to zero.

    Args:
        frame: The information frame's bytes.
        side_size: Bytes of side information in it.
        parts: Of each file in turn, the frames with sound and their bytes.
        padding: Samples of silence after the last file's sound.
        is_constant: Whether all frames have one bit rate.

    Returns:
        The frame.

    Raises:
        ValueError: If it is not Xing's.
    """
    fields, offset = _fields(frame, side_size), _xing_offset(frame, side_size)
    if fields is None or offset is None:
        raise ValueError("no information frame of Xing's kind")
    frames, size = (sum(numbers) for numbers in zip(*parts, strict=True))
    total = len(frame) + size
    new = bytearray(frame)
    new[offset : offset + 4] = b"Info" if is_constant else b"Xing"
    if fields.frames:
        new[fields.frames : fields.frames + 4] = frames.to_bytes(4, "big")
    if fields.size:
        new[fields.size : fields.size + 4] = total.to_bytes(4, "big")
    if fields.seek_table:
        new[fields.seek_table : fields.seek_table + _SEEK_POINTS] = _seek_table(parts, frames, len(frame), total)
    lame = fields.lame
    if _has_lame(frame, lame):
        delay = gapless(frame, side_size)[0]
        new[lame + _GAPLESS : lame + _GAPLESS + 3] = (delay << 12 | padding).to_bytes(3, "big")
        new[lame + _MUSIC : lame + _MUSIC + 6] = total.to_bytes(4, "big") + bytes(2)
        new[lame + _CHECKSUM : lame + _CHECKSUM + 2] = _crc16(new[: lame + _CHECKSUM]).to_bytes(2, "big")
    return bytes(new)


def _seek_table(parts: Sequence[tuple[int, int]], frames: int, start: int, total: int) -> bytes:
    """For each hundredth of the frames the place in the file, in 256ths; inside a part taken as even."""
    table = bytearray()
    rest = iter(parts)
    part_frames, part_size = next(rest)
    passed = 0
    for point in range(_SEEK_POINTS):
        wanted = frames * point / _SEEK_POINTS
        while passed + part_frames <= wanted:
            passed, start = passed + part_frames, start + part_size
            part_frames, part_size = next(rest)
        table.append(int((start + part_size * (wanted - passed) / part_frames) * 256 / total))
    return bytes(table)


def _crc16(data: bytes | bytearray) -> int:
    """The checksum of LAME's part: CRC-16 with the polynomial 0x8005, low bits first."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def _has_lame(frame: bytes, lame: int) -> bool:
    has_name = bool(frame[lame : lame + _ENCODER].strip(b"\x00"))
    return has_name and len(frame) >= lame + _CHECKSUM + 2


def frames_told(frame: bytes, side_size: int) -> int | None:
    """How many frames with sound the information frame says there are; None where it does not.

    Args:
        frame: The information frame's bytes; empty where there is none.
        side_size: Bytes of side information in it.
    """
    fields = _fields(frame, side_size)
    return int.from_bytes(frame[fields.frames : fields.frames + 4], "big") if fields and fields.frames else None


def _xing_offset(frame: bytes, side_size: int) -> int | None:
    """Where the name stands; a checksum behind the header may or may not have moved it."""
    return next((at for at in (4 + side_size, 6 + side_size) if frame[at : at + 4] in _XING), None)


def _fields(frame: bytes, side_size: int) -> _Fields | None:
    offset = _xing_offset(frame, side_size)
    if offset is None or len(frame) < offset + 8:
        return None
    flags = int.from_bytes(frame[offset + 4 : offset + 8], "big")
    position = offset + 8
    places: dict[int, int | None] = {}
    for flag, size in ((_HAS_FRAMES, 4), (_HAS_BYTES, 4), (_HAS_SEEK_TABLE, _SEEK_POINTS), (_HAS_QUALITY, 4)):
        places[flag] = position if flags & flag and position + size <= len(frame) else None
        position += size if flags & flag else 0
    return _Fields(places[_HAS_FRAMES], places[_HAS_BYTES], places[_HAS_SEEK_TABLE], position)
