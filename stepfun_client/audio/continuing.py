"""A speech streamed part after part: of every part only what may stand in one stream.

An MP3 file's tag and its information frame (Xing, Info, VBRI) may stand at a file's beginning only: players take that
frame for the length of all there is, and a tag between frames for noise. Bare samples go on by themselves.
"""

from __future__ import annotations

from stepfun_client.audio.frames import frame_header, id3_size
from stepfun_client.audio.information import is_information
from stepfun_client.errors import InvalidParameterError

_TAG_HEAD = 10  # bytes that tell whether a tag begins, and how long it is


class Mp3Continuation:
    """Takes a part of a long MP3 in pieces cut anywhere; gives it without its tag and its information frame.

    Args:
        is_first: Whether other parts follow this one: its tag stays, its information frame, which would tell players
            that the speech ends with this part, does not.
    """

    def __init__(self, *, is_first: bool = False) -> None:
        self._is_first = is_first
        self._held: bytearray | None = bytearray()  # the beginning, until it can be told what it is

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes and return those that belong to the stream; none while the beginning is incomplete."""
        if self._held is None:
            return piece
        self._held += piece
        found = _opening_of(self._held)
        return b"" if found is None else self._release(*found)

    def finish(self) -> bytes:
        """Take the end and return what was held back."""
        if self._held is None:
            return b""
        tag = id3_size(self._held)
        return self._release(tag, tag)

    def _release(self, tag: int, sound: int) -> bytes:
        held, self._held = bytes(self._held or b""), None
        return (held[:tag] if self._is_first else b"") + held[sound:]


def continuation(content: bytes, format: str, *, is_first: bool = False) -> bytes:  # noqa: A002 - as in Audio
    """What of one part may stand in a stream of several.

    Args:
        content: The whole part.
        format: `mp3` or `pcm`; others do not go on where the last part ended.
        is_first: Whether other parts follow this one, see `Mp3Continuation`.

    Returns:
        The bytes to be sent on.

    Raises:
        InvalidParameterError: If the format is another.

    Example:
        >>> continuation(b"ID3" + bytes(7) + b"frames", "mp3")
        b'frames'
    """
    if format == "pcm":
        return content
    if format != "mp3":
        raise InvalidParameterError(
            f"{format} files cannot follow one another in a stream: each has a header of its own. Ask for "
            "response_format='mp3' or 'pcm', or join whole parts: join_audio(parts).",
            param="response_format",
        )
    part = Mp3Continuation(is_first=is_first)
    return part.feed(content) + part.finish()


def _opening_of(data: bytearray) -> tuple[int, int] | None:
    """Where the tag ends, and where the sound begins; None while that cannot be told."""
    tag = id3_size(data)
    if len(data) < tag + _TAG_HEAD:  # perhaps the tag goes on, or another follows
        return None
    header = frame_header(int.from_bytes(data[tag : tag + 4], "big"))
    if header is None:
        return tag, tag
    if len(data) < tag + header.size:
        return None
    is_told = is_information(bytes(data[tag : tag + header.size]), header.side_size)
    return tag, tag + (header.size if is_told else 0)
