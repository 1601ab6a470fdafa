"""The frame before an MP3 file's first sound that tells about the others: how many, how long, what to cut off.

Players that know it (all of today's) take the length from it, so a file that is put together from others needs a right
one or none. Xing's and Fraunhofer's (VBRI) are told apart; only Xing's, which LAME and ffmpeg write, is read further.
"""

from __future__ import annotations

from dataclasses import dataclass

_XING = (b"Xing", b"Info")
_VBRI = b"VBRI"
_VBRI_OFFSET = 36  # behind room for the largest side information, whatever the frame's own has
_HAS_FRAMES, _HAS_BYTES, _HAS_SEEK_TABLE, _HAS_QUALITY = 1, 2, 4, 8
_SEEK_POINTS = 100
_ENCODER = 9  # letters of the encoder's name, with which LAME's part begins
_GAPLESS = 21  # from there to three bytes: twelve bits of delay, twelve of padding


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
    if fields is None or not frame[fields.lame : fields.lame + _ENCODER].strip(b"\x00"):
        return 0, 0
    both = int.from_bytes(frame[fields.lame + _GAPLESS : fields.lame + _GAPLESS + 3], "big")
    return both >> 12, both & 0xFFF


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
