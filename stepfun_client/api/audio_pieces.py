"""Base64 that arrives in pieces, made safe to join as text.

No source says how streamed sound is cut (WIRE.md section 13): each piece may be base64 of its own, padded, or a slice
of one long text. Either way the pieces that leave here are slices of one valid text, so that whoever adds them up as
strings, as frameworks do, has a whole file.
"""

from __future__ import annotations

import base64
import binascii
import re

_END_OF_PADDING = re.compile(r"(?<==)(?=[^=])")


class Base64Joiner:
    """Takes pieces of base64, gives slices of one base64 text.

    >>> joiner = Base64Joiner()
    >>> joiner.feed("AQ=="), joiner.feed("AgME"), joiner.finish()
    ('', 'AQID', 'BA==')
    """

    __slots__ = ("_bytes", "_text")

    def __init__(self) -> None:
        self._text = ""  # less than a group of four letters
        self._bytes = b""  # less than a group of three bytes

    def feed(self, piece: str) -> str:
        """Take the next piece; return what can be said of it without padding.

        Raises:
            ValueError: If the piece is no base64.
        """
        text = self._text + piece
        if not self._bytes and not self._text and len(text) % 4 == 0 and "=" not in text:
            return text  # the plain case: nothing to rearrange
        *padded, last = _END_OF_PADDING.split(text)
        whole = len(last) - len(last) % 4
        self._text = last[whole:]
        joined = b"".join((self._bytes, *map(_decoded, padded), _decoded(last[:whole])))
        cut = len(joined) - len(joined) % 3
        self._bytes = joined[cut:]
        return base64.b64encode(joined[:cut]).decode()

    def finish(self) -> str:
        """Return the end, padded.

        Raises:
            ValueError: If the text ends inside a letter group that says nothing.
        """
        rest = self._bytes + _decoded(self._text + "=" * (-len(self._text) % 4))
        self._text, self._bytes = "", b""
        return base64.b64encode(rest).decode()


def _decoded(text: str) -> bytes:
    if text == "=":  # Python 3.10 lets it pass
        raise ValueError("streamed audio is not base64: it begins with padding")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        message = f"streamed audio is not base64: {error}"
        raise ValueError(message) from error
