"""How wide and high a picture is, by its own header: nothing is decoded, so no claim of a file costs memory."""

from __future__ import annotations

import struct

_SEGMENTS_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # a JPEG's frame header, whatever its coding


def dimensions(content: bytes) -> tuple[int, int] | None:
    """Read a picture's width and height in pixels.

    Args:
        content: A PNG, JPEG, WebP or GIF file, or its beginning.

    Returns:
        Width and height as they are stored (a JPEG's EXIF rotation is not applied); None where the header is cut off,
        broken, or of another format.

    Example:
        >>> dimensions(b"GIF89a" + bytes.fromhex("4001 c800"))
        (320, 200)
        >>> dimensions(b"GIF89a") is None
        True
    """
    try:
        found = _read(content)
    except (struct.error, IndexError):  # it ends too early
        return None
    return found if found and all(found) else None


def _read(content: bytes) -> tuple[int, int] | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        name, width, height = struct.unpack_from(">4sII", content, 12)
        return (width, height) if name == b"IHDR" else None
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content.startswith((b"GIF87a", b"GIF89a")):
        width, height = struct.unpack_from("<HH", content, 6)
        return width, height
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _webp(content)
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while True:
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _SEGMENTS_WITHOUT_LENGTH:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        elif marker in (0xD9, 0xDA):  # the end, or the pixels before any frame
            return None
        else:
            (length,) = struct.unpack_from(">H", content, at + 2)
            at += 2 + max(length, 2)


def _webp(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") for at in (24, 27))
        return (width + 1, height + 1) if len(content) >= 30 else None
    if kind == b"VP8L":
        signature, bits = struct.unpack_from("<BI", content, 20)
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if signature == 0x2F else None
    if kind == b"VP8 ":
        start, width, height = struct.unpack_from("<3sHH", content, 23)
        return (width & 0x3FFF, height & 0x3FFF) if start == b"\x9d\x01\x2a" else None
    return None
