"""How a broken line delivers a reply: pure functions from the pieces of a body to the steps that put it on the wire.

A streamed reply has one piece an event, a whole reply has one piece. ``streamed`` tells them apart where it matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepfun_emulator.delivery import Act, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEFORE_CUT = 3  # events that still arrive
_ERROR = b'{"error":{"message":"the engine is overloaded, please try again later","type":"server_error"}}'
# Streams of typed events have an error of their own (WIRE.md section 2), by what their first event holds.
_EVENT_ERRORS = {
    b'"type":"transcript.text.': b'data: {"type":"error","message":"the engine is overloaded, please try again later"}',
    b'"type":"message_start"': b'event: error\ndata: {"type":"error",' + _ERROR[1:],
    b'"type":"response.created"': b'event: error\ndata: {"type":"error","code":"server_error",'
    b'"message":"the engine is overloaded, please try again later","param":null,"sequence_number":2}',
}
_LAST_WORDS = (b"data: [DONE]", b'data: {"type":"message_stop"}')
_ODD = (1, 7, 2, 31, 3, 5, 64, 11)


def cut_stream(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """A few events and then the end of the body; half of a whole reply and then no connection."""
    del delay
    if streamed:
        yield from pieces[:_BEFORE_CUT]
        return
    whole = b"".join(pieces)
    yield whole[: len(whole) // 2]
    yield Act.HANG_UP


def cut_connection(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """As ``cut_stream``, but in the middle of an event and without an orderly end."""
    del delay
    if streamed:
        yield from pieces[:_BEFORE_CUT]
        pieces = pieces[_BEFORE_CUT:]
    yield from (piece[: len(piece) // 2] for piece in pieces[:1])
    yield Act.HANG_UP


def cut_before_first(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """Headers and then nothing: an empty stream, or a whole reply whose connection drops."""
    del pieces, delay
    if not streamed:
        yield Act.HANG_UP


def slow(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """Every piece in four parts, with a pause after each."""
    del streamed
    for piece in pieces:
        size = max(-(-len(piece) // 4), 1)
        for at in range(0, len(piece), size):
            yield piece[at : at + size]
            yield delay


def stall(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """Headers, then silence on an open connection."""
    del pieces, streamed, delay
    yield Act.STALL


def stall_after_first(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """Two events (or half of a whole reply), then silence on an open connection."""
    del delay
    if streamed:
        yield from pieces[:2]
    else:
        whole = b"".join(pieces)
        yield whole[: len(whole) // 2]
    yield Act.STALL


def one_byte(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """Every byte by itself."""
    del streamed, delay
    for piece in pieces:
        for byte in piece:
            yield bytes((byte,))


def odd_chunks(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """Borders anywhere: inside a character, inside a line end, inside a key, across events."""
    del streamed, delay
    whole, at, turn = b"".join(pieces), 0, 0
    while at < len(whole):
        size = _ODD[turn % len(_ODD)]
        yield whole[at : at + size]
        at, turn = at + size, turn + 1


def crlf(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """A stream as other servers write it: a byte order mark, comments, CRLF; and every CR parted from its LF."""
    del delay
    if not streamed:
        yield from pieces
        return
    yield b"\xef\xbb\xbf: welcome\r"
    yield b"\n\r\n"
    for piece in pieces:
        yield b": keep-alive\r\n\r\n"
        yield piece.replace(b"\n", b"\r\n")[:-1]
        yield b"\n"


def garbage(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """200 and a body that is no JSON; in a stream one such event among good ones."""
    del delay
    if not streamed:
        yield b'{"choices": [{"index": 0, "mess\xff<<< not JSON'
        return
    yield from pieces[:2]
    named = pieces[0].startswith(b"event: ")  # SDKs of typed events look into events with a known name only
    yield b"event: content_block_delta\n" * named + b'data: {"choices": [{"index": 0, "del<<< not JSON\n\n'
    yield from pieces[2:]


def error_in_stream(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """200, and then an error: after two events of a stream, or as the body of a whole reply."""
    del delay
    if not streamed:
        yield _ERROR
        return
    yield from pieces[:2]
    error = next((error for mark, error in _EVENT_ERRORS.items() if pieces and mark in pieces[0]), b"data: " + _ERROR)
    yield error + b"\n\n"


def no_done(pieces: list[bytes], *, streamed: bool, delay: float) -> Iterator[Step]:
    """A stream that has its finish reason but not its ``[DONE]``, or whatever its last word is."""
    del streamed, delay
    yield from (piece for piece in pieces if not any(word in piece for word in _LAST_WORDS))
