"""What a file is, told by its first bytes: no I/O, no decoding, no trust in names."""

from __future__ import annotations

import re
from pathlib import PurePath

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),  # Office documents too
)

_RIFF_FORMS = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}

_ISO_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
}
# QuickTime files of before 2001 have no brand and begin with one of these atoms.
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"pnot"})

_EBML = b"\x1a\x45\xdf\xa3"
_EBML_WEBM = b"\x42\x82\x84webm"  # the DocType element with a value of four bytes
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 108, 124})

# Text formats are recognised only so that they can be refused by name: a vector drawing, a web page saved as "x.png".
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!--|<!doctype|<(svg|html)\b)", re.IGNORECASE)
_ROOT = re.compile(rb"<(?:!doctype\s+)?(svg|html)\b", re.IGNORECASE)
_MARKUP_TYPES = {b"svg": "image/svg+xml", b"html": "text/html"}

_HEAD = 4096

_BY_SUFFIX = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
}

_ALIASES = {
    "image/jpg": "image/jpeg",
    "video/mov": "video/quicktime",
    "video/mkv": "video/x-matroska",
    "video/matroska": "video/x-matroska",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
}


def sniff(data: bytes) -> str | None:
    """Tell a file's MIME type from its content.

    Args:
        data: The file, or its first few kilobytes.

    Returns:
        The type, e.g. `image/png`, or None when the content is of no known kind. Some types StepFun does not take (SVG,
        HEIC, AVI, PDF, HTML, ...) are recognised so that they can be refused by name.

    Example:
        >>> sniff(b"GIF89a...")
        'image/gif'
        >>> sniff(b"just some words") is None
        True
    """
    head = bytes(data[:_HEAD])
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head.startswith(b"RIFF"):
        return _RIFF_FORMS.get(head[8:12])
    if head.startswith(_EBML):
        return "video/webm" if _EBML_WEBM in head[:64] else "video/x-matroska"
    return _sniff_iso(head) or _sniff_audio(data, head) or _sniff_bmp(head) or _sniff_markup(head)


def by_name(name: str | None) -> str | None:
    """The MIME type a file's name promises: second best, for content that `sniff` cannot tell.

    Args:
        name: A file name or path; None and unknown suffixes promise nothing.

    Example:
        >>> by_name("Holiday.MOV")
        'video/quicktime'
    """
    return _BY_SUFFIX.get(PurePath(name).suffix.lower()) if name else None


def ending_of(media_type: str) -> str:
    """The usual ending of a file of this MIME type, with its dot; "" for an unknown one.

    Example:
        >>> ending_of("image/jpeg")
        '.jpg'
    """
    return next((ending for ending, known in _BY_SUFFIX.items() if known == media_type), "")


def canonical(media_type: str | None) -> str | None:
    """One spelling for each MIME type: lower case, no parameters, aliases resolved.

    Args:
        media_type: What someone wrote; a wildcard such as `image/*` says nothing and gives None.

    Example:
        >>> canonical("Image/JPG; charset=binary")
        'image/jpeg'
        >>> canonical("image/*") is None
        True
    """
    plain = (media_type or "").partition(";")[0].strip().lower()
    return None if not plain or plain.endswith("*") else _ALIASES.get(plain, plain)


def is_animated_gif(data: bytes) -> bool:
    """Whether a GIF holds more than one frame. A truncated file is judged by what is there.

    Args:
        data: The whole file.

    Example:
        >>> frame = bytes.fromhex("2c 00000000 01000100 00 02 02 4401 00")
        >>> start = b"GIF89a" + bytes.fromhex("01000100 00 00 00")
        >>> is_animated_gif(start + frame + b";"), is_animated_gif(start + frame + frame + b";")
        (False, True)
    """
    position = 13 + _color_table_size(data, 10)
    frames = 0
    while position < len(data):
        introducer = data[position]
        if introducer == 0x21:  # an extension: label, then sub-blocks
            position = _after_sub_blocks(data, position + 2)
        elif introducer == 0x2C:  # a frame: descriptor, perhaps colours, LZW code size, then sub-blocks
            frames += 1
            position = _after_sub_blocks(data, position + 11 + _color_table_size(data, position + 9))
        else:  # the trailer, or a broken file
            break
    return frames > 1


def _color_table_size(data: bytes, at: int) -> int:
    flags = data[at] if at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, position: int) -> int:
    while position < len(data) and data[position]:
        position += data[position] + 1
    return position + 1


def _sniff_iso(head: bytes) -> str | None:
    if head[4:8] != b"ftyp":
        return "video/quicktime" if head[4:8] in _QUICKTIME_ATOMS else None
    brand = head[8:12]
    if brand in {b"mif1", b"msf1"}:  # says only "some still picture"; the compatible brands say which
        size = int.from_bytes(head[:4], "big")
        return "image/avif" if b"avif" in head[16:size] else "image/heic"
    return _ISO_BRANDS.get(brand, "video/mp4")


def _sniff_audio(data: bytes, head: bytes) -> str | None:
    if head.startswith(b"ID3"):
        return "audio/flac" if _after_id3(data).startswith(b"fLaC") else "audio/mpeg"
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    is_layer_three = layer == 1 and version != 1 and bit_rate != 15 and sample_rate != 3
    return "audio/mpeg" if is_layer_three else None


def _after_id3(data: bytes) -> bytes:
    size = 0
    for byte in data[6:10]:  # four bytes of seven bits each
        size = size << 7 | byte & 0x7F
    return bytes(data[10 + size : 14 + size])


def _sniff_bmp(head: bytes) -> str | None:
    is_bmp = head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    return "image/bmp" if is_bmp else None


def _sniff_markup(head: bytes) -> str | None:
    if not _MARKUP.match(head):
        return None
    root = _ROOT.search(head)
    return _MARKUP_TYPES[root[1].lower()] if root else None
