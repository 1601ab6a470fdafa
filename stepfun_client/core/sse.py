"""The event-stream decoder: bytes in, events out, no I/O.

Follows the WHATWG event-stream format: lines end in LF, CR or CRLF, a leading byte-order mark is skipped, lines that
begin with a colon are comments, several `data` lines are joined by LF. It differs in one point: an event that the
stream ends without a final blank line is not thrown away, but returned by `finish`; whoever reads it knows whether it
is whole.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event.

    Attributes:
        data: The payload's bytes as they came; UTF-8 by the standard, not decoded here since JSON readers take bytes.
        event: The event's type, `""` where the stream names none.
    """

    data: bytes
    event: str = ""


class SSEDecoder:
    r"""Turns pieces of a byte stream, cut anywhere, into events, in time linear in the bytes fed.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b'data: {"a"')
    []
    >>> decoder.feed(b': 1}\r\n\r\n')
    [ServerSentEvent(data=b'{"a": 1}', event='')]
    >>> decoder.finish()
    []
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_event", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of the line that has not ended yet
        self._data: list[bytes] = []  # the lines of the event that has not ended yet
        self._event = ""
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next piece and return the events it completes."""
        if self._is_one_event(chunk):
            return [ServerSentEvent(chunk[6:-2])]
        if self._after_cr:  # a CR ended the last line; an LF that follows belongs to it
            if not chunk:
                return []
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        lines = chunk.splitlines()  # bytes split at CR, LF and CRLF, and nowhere else
        if not lines:
            return []
        if chunk.endswith(b"\r"):
            self._after_cr = True
            rest = b""
        else:
            rest = b"" if chunk.endswith(b"\n") else lines.pop()
        if lines and self._pieces:
            lines[0] = b"".join((*self._pieces, lines[0]))
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)
        return self._read_lines(lines) if lines else []

    def _is_one_event(self, chunk: bytes) -> bool:
        """Whether a piece is one whole event of one line, as those of a server that sends each token at once are."""
        return (
            chunk.startswith(b"data: ")
            and chunk.find(b"\n") == len(chunk) - 2
            and chunk.endswith(b"\n\n")
            and b"\r" not in chunk
            and not (self._pieces or self._data or self._event or self._after_cr or self._at_start)
        )

    def finish(self) -> list[ServerSentEvent]:
        """Say that the stream has ended; return the event it left without a final blank line, if any."""
        lines = [b"".join(self._pieces)] if self._pieces else []
        self._pieces.clear()
        return self._read_lines([*lines, b""])

    def _read_lines(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events = []
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line:
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    events.append(ServerSentEvent(data, self._event))
                    self._data.clear()
                self._event = ""
            elif line.startswith(b"event:"):
                self._event = line[6:].removeprefix(b" ").decode("utf-8", "replace")
            elif line == b"data":
                self._data.append(b"")
            # Comments, ids, retry times and unknown fields say nothing that an answer is made of.
        return events
