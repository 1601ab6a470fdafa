"""Reading and writing PNG with the standard library, and the size of the other formats from their headers."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MAGIC = b"\x89PNG\r\n\x1a\n"
_EFFORT = 3  # of 9: what more would save is not worth the time
_MOST_PIXELS = 6_000_000  # beyond this, decoding in Python takes too long to be worth it


@dataclass(frozen=True)
class Picture:
    """Decoded pixels: three bytes each, row after row."""

    width: int
    height: int
    rgb: bytes

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour of one pixel."""
        at = 3 * (y * self.width + x)
        return self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]


class UnreadableError(ValueError):
    """A picture that cannot be decoded here."""


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def channels(self) -> int:
        return _CHANNELS[self.colour]

    def row_bytes(self, width: int) -> int:
        return (width * self.depth * self.channels + 7) // 8


def encode_png(width: int, height: int, rgb: bytes) -> bytes:
    """Write pixels of three bytes each, row after row, as a PNG.

    Rows are stored as they are: filters would make it a little smaller and much slower to read in Python.
    """
    size = 3 * width
    rows = b"".join(b"\0" + rgb[at : at + size] for at in range(0, len(rgb), size))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, _EFFORT)), (b"IEND", b""))
    return _MAGIC + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


def decode_png(data: bytes) -> Picture:
    """Decode a PNG of any colour type and depth; transparency turns black, as documented (WIRE.md section 4).

    Raises:
        UnreadableError: It is broken or too large.
    """
    header, palette, alphas, packed = _parts(data)
    if header.width * header.height > _MOST_PIXELS:
        raise UnreadableError("too large to decode here")
    try:
        raw = zlib.decompress(packed)
    except zlib.error as error:
        raise UnreadableError(f"the pixels are broken: {error}") from None
    if not header.interlaced:
        rows = b"".join(
            _colours(row, header, header.width, palette, alphas)
            for row in _rows(raw, header, header.width, header.height)
        )
        return Picture(header.width, header.height, rows)
    return Picture(header.width, header.height, _deinterlaced(raw, header, palette, alphas))


def _parts(data: bytes) -> tuple[_Header, bytes, bytes, bytes]:
    """The header, the palette, its transparency, and the packed pixels."""
    at, header, palette, alphas, packed = 8, None, b"", b"", []
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + size]
        if name == b"IHDR" and size == 13:
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", content)
            if colour not in _CHANNELS or depth not in (1, 2, 4, 8, 16) or not width or not height:
                raise UnreadableError("no such kind of PNG")
            header = _Header(width, height, depth, colour, bool(interlace))
        elif name == b"PLTE":
            palette = content
        elif name == b"tRNS":
            alphas = content
        elif name == b"IDAT":
            packed.append(content)
        at += 12 + size
    if header is None or not packed or (header.colour == 3 and not palette):
        raise UnreadableError("a necessary chunk is missing")
    return header, palette, alphas, b"".join(packed)


def _rows(raw: bytes, header: _Header, width: int, height: int, at: int = 0) -> Iterator[bytes]:
    """Undo the filter of each row."""
    size = header.row_bytes(width)
    step = max(header.depth * header.channels // 8, 1)
    before = bytes(size)
    for _ in range(height):
        row = raw[at + 1 : at + 1 + size]
        if len(row) < size:
            raise UnreadableError("the pixels end too early")
        before = _unfiltered(raw[at], row, before, step)
        yield before
        at += size + 1


def _unfiltered(kind: int, row: bytes, before: bytes, step: int) -> bytes:
    if kind == 0:
        return row
    if kind == 2:
        return bytes((value + up) & 255 for value, up in zip(row, before, strict=True))
    line = bytearray(row)
    if kind == 1:
        for at in range(step, len(line)):
            line[at] = (line[at] + line[at - step]) & 255
    elif kind == 3:
        for at, up in enumerate(before):
            left = line[at - step] if at >= step else 0
            line[at] = (line[at] + (left + up) // 2) & 255
    elif kind == 4:
        for at, up in enumerate(before):
            left, corner = (line[at - step], before[at - step]) if at >= step else (0, 0)
            line[at] = (line[at] + _paeth(left, up, corner)) & 255
    else:
        raise UnreadableError(f"no such row filter: {kind}")
    return bytes(line)


def _paeth(left: int, up: int, corner: int) -> int:
    """The neighbour nearest to left + up - corner."""
    guess = left + up - corner
    to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def _samples(row: bytes, depth: int, count: int) -> bytes:
    """One byte a sample, whatever its depth; samples of less than eight bits keep their value."""
    if depth == 8:
        return row
    if depth == 16:
        return row[::2]
    per_byte, mask = 8 // depth, (1 << depth) - 1
    shifts = [8 - depth * (at + 1) for at in range(per_byte)]
    return bytes((byte >> shift) & mask for byte in row for shift in shifts)[:count]


def _colours(row: bytes, header: _Header, width: int, palette: bytes, alphas: bytes) -> bytes:
    """A row as red, green and blue."""
    samples = _samples(row, header.depth, width * header.channels)
    if header.colour == 2:
        return samples
    if header.colour == 3:
        table = _palette(palette, alphas)
        return b"".join(table[index] if index < len(table) else b"\0\0\0" for index in samples)
    if header.colour == 0:
        scale = 255 // ((1 << min(header.depth, 8)) - 1)
        return b"".join(bytes((grey * scale,)) * 3 for grey in samples)
    if header.colour == 4:
        return b"".join(bytes((samples[at] * samples[at + 1] // 255,)) * 3 for at in range(0, len(samples), 2))
    return _on_black(samples)


def _on_black(rgba: bytes) -> bytes:
    alpha = rgba[3::4]
    if alpha.count(255) == len(alpha):
        flat = bytearray(len(alpha) * 3)
        flat[0::3], flat[1::3], flat[2::3] = rgba[0::4], rgba[1::4], rgba[2::4]
        return bytes(flat)
    return bytes(rgba[at + part] * rgba[at + 3] // 255 for at in range(0, len(rgba), 4) for part in range(3))


def _palette(palette: bytes, alphas: bytes) -> list[bytes]:
    entries = [palette[at : at + 3] for at in range(0, len(palette) - 2, 3)]
    for at, alpha in enumerate(alphas[: len(entries)]):
        entries[at] = bytes(part * alpha // 255 for part in entries[at])
    return entries


_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def _deinterlaced(raw: bytes, header: _Header, palette: bytes, alphas: bytes) -> bytes:
    """The seven passes of an interlaced picture, put where they belong."""
    rgb = bytearray(3 * header.width * header.height)
    at = 0
    for left, top, across, down in _ADAM7:
        width, height = -(-(header.width - left) // across), -(-(header.height - top) // down)
        if width <= 0 or height <= 0:
            continue
        for line, row in enumerate(_rows(raw, header, width, height, at)):
            colours = _colours(row, header, width, palette, alphas)
            start = 3 * ((top + line * down) * header.width + left)
            end = 3 * (top + line * down + 1) * header.width
            for part in range(3):
                rgb[start + part : end : 3 * across] = colours[part::3]
        at += height * (header.row_bytes(width) + 1)
    return bytes(rgb)


def size_of(form: str, data: bytes) -> tuple[int, int] | None:
    """Width and height by the header; None where it does not say."""
    try:
        return {"png": _png_size, "gif": _gif_size, "webp": _webp_size, "jpeg": _jpeg_size}[form](data)
    except (struct.error, IndexError):
        return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments to the start of a frame."""
    at = 2
    while True:
        marker, size = struct.unpack_from(">HH", data, at)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + size
