"""Pictures, films and sounds as they come in messages and uploads: what they are by their first bytes.

The accepted kinds are those of WIRE.md section 4: jpeg, png, webp and gif; mp4, mov and mkv; wav and mp3.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_DATA_URI = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*?;base64,(?P<data>.*)", re.DOTALL)

KINDS = {
    "jpeg": "image",
    "png": "image",
    "webp": "image",
    "gif": "image",
    "mp4": "video",
    "mov": "video",
    "mkv": "video",
    "wav": "audio",
    "mp3": "audio",
}


@dataclass(frozen=True)
class Medium:
    """One picture, film or sound of a message.

    Attributes:
        kind: ``image``, ``video`` or ``audio``.
        form: ``png``, ``mp4`` and so on; ``""`` for a URL, whose content the emulator never sees.
        data: The bytes; empty for a URL.
        url: The URL, where it is one.
        detail: How closely an image is looked at: ``low`` or ``high``.
    """

    kind: str
    form: str = ""
    data: bytes = b""
    url: str = ""
    detail: str = "low"


def sniff(data: bytes) -> str:
    """The format by its magic bytes, ``""`` if it is none of the accepted ones."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"\x1aE\xdf\xa3"):
        return "mkv"
    if data.startswith(b"ID3") or _starts_mp3_frame(data):
        return "mp3"
    return _sniff_container(data)


def _sniff_container(data: bytes) -> str:
    if data[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return "mov" if data[8:10] == b"qt" else "mp4"
    return ""


def _starts_mp3_frame(data: bytes) -> bool:
    """Eleven set bits of frame sync, a real MPEG version, and layer three."""
    return len(data) > 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x18 != 0x08 and data[1] & 6 == 2


def read_data_uri(uri: str) -> tuple[str, bytes]:
    """The declared type and the bytes of a base64 data URI.

    Raises:
        ValueError: It is not one.
    """
    match = _DATA_URI.fullmatch(uri)
    if match is None:
        raise ValueError("not a base64 data URI")
    try:
        return match["type"] or "", base64.b64decode(match["data"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"not valid base64: {error}") from None
