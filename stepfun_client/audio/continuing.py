"""An MP3 stream that goes on where another ended: what may stand only at a file's beginning is left out."""

from __future__ import annotations

from stepfun_client.audio.information import is_information
from stepfun_client.audio.mp3 import frame_header, id3_size

_ID3_HEAD = 10
_FRAME_HEAD = 4


class Mp3Continuation:
    """Takes a later part of a long MP3 in pieces cut anywhere; gives it without its tag and its first frame's index.

    Players take the first frame's index (Xing, Info) for the whole file's length, and a tag between frames for noise.
    """

    def __init__(self) -> None:
        self._held: bytearray | None = bytearray()  # the beginning, until it can be told what it is

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes and return those that belong to the sound."""
        if self._held is None:
            return piece
        self._held += piece
        begin = _begin_of_sound(bytes(self._held))
        return b"" if begin is None else self._release(begin)

    def finish(self) -> bytes:
        """Take the end and return what was held back."""
        return b"" if self._held is None else self._release(0)

    def _release(self, begin: int) -> bytes:
        sound = bytes((self._held or b"")[begin:])
        self._held = None
        return sound


def _begin_of_sound(head: bytes) -> int | None:
    """Where the sound begins in a file that begins so; None where that cannot be told yet."""
    if len(head) < _ID3_HEAD:
        return None
    frame = id3_size(head)
    if len(head) < frame + _FRAME_HEAD:
        return None
    header = frame_header(int.from_bytes(head[frame : frame + _FRAME_HEAD], "big"))
    if header is None:
        return frame
    after = frame + header.size
    if len(head) < after:
        return None
    return after if is_information(head[frame:after], header.side_size) else frame
