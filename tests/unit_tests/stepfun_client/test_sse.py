"""The event-stream decoder gives the same events however the bytes are cut, and takes time linear in their number."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client.core.sse import ServerSentEvent, SSEDecoder


def decode(*pieces: bytes) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.finish()


def event(data: bytes, kind: str = "") -> ServerSentEvent:
    return ServerSentEvent(data, kind)


STREAMS = {
    "one event": (b"data: a\n\n", [event(b"a")]),
    "two events": (b"data: a\n\ndata: b\n\n", [event(b"a"), event(b"b")]),
    "CR": (b"data: a\r\rdata: b\r\r", [event(b"a"), event(b"b")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [event(b"a"), event(b"b")]),
    "mixed line ends": (b"data: a\r\n\ndata: b\r\r\ndata: c\n\r", [event(b"a"), event(b"b"), event(b"c")]),
    "a byte-order mark": (b"\xef\xbb\xbfdata: a\n\n", [event(b"a")]),
    "a byte-order mark inside is text": (b"data: \xef\xbb\xbf\n\n", [event(b"\xef\xbb\xbf")]),
    "comments": (b": keep-alive\n\n:\ndata: a\n: between\n\n", [event(b"a")]),
    "several data lines": (b"data: a\ndata: b\n\n", [event(b"a\nb")]),
    "empty data lines": (b"data:\ndata\ndata:\n\n", [event(b"\n\n")]),
    "no blank after the colon": (b"data:a\n\n", [event(b"a")]),
    "one blank only is dropped": (b"data:  a\n\n", [event(b" a")]),
    "a named event": (b"event: error\ndata: a\n\ndata: b\n\n", [event(b"a", "error"), event(b"b")]),
    "a name without data": (b"event: ping\n\ndata: a\n\n", [event(b"a")]),
    "unknown fields": (b"id: 7\nretry: 10\nfoo: bar\nfoo\ndata: a\n\n", [event(b"a")]),
    "no final blank line": (b"data: a\n\ndata: b\n", [event(b"a"), event(b"b")]),
    "no final line end": (b"data: a\n\ndata: b", [event(b"a"), event(b"b")]),
    "UTF-8": ("data: 早上好 🌅\n\n".encode(), [event("早上好 🌅".encode())]),
    "other separators are text": (
        "data: a\u2028b\x0b\x0c\x1c\x85\n\n".encode(),
        [event("a\u2028b\x0b\x0c\x1c\x85".encode())],
    ),
    "nothing": (b"", []),
    "blank lines": (b"\n\r\n\r\n", []),
}


@pytest.mark.parametrize(("raw", "events"), STREAMS.values(), ids=STREAMS)
def test_any_cut_gives_the_same_events(raw, events):
    assert decode(raw) == events
    assert decode(*(raw[at : at + 1] for at in range(len(raw)))) == events
    for cut in range(len(raw) + 1):
        assert decode(raw[:cut], b"", raw[cut:]) == events, f"cut at byte {cut}"


LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=12)


@given(
    payloads=st.lists(
        st.tuples(st.lists(LINES, min_size=1, max_size=3), LINES.filter(lambda name: name == name.lstrip()))
    ),
    line_end=st.sampled_from([b"\n", b"\r", b"\r\n"]),
    marked=st.booleans(),
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=60),
)
def test_any_events_with_any_line_end_survive_any_cut(payloads, line_end, marked, sizes):
    raw = b"\xef\xbb\xbf" if marked else b""
    for lines, name in payloads:
        fields = [*([f"event: {name}"] if name else []), *(f"data: {line}" for line in lines), ": comment", ""]
        raw += b"".join(field.encode() + line_end for field in fields)
    pieces = []
    while raw:
        size = sizes[len(pieces) % len(sizes)] or len(pieces) % 2  # empty pieces too
        pieces.append(raw[:size])
        raw = raw[size:]
    assert decode(*pieces) == [event("\n".join(lines).encode(), name) for lines, name in payloads]


def test_an_event_of_64_megabytes_comes_through():
    payload = b"x" * (64 << 20)
    raw = b"data: " + payload + b"\n\n"
    assert decode(*(raw[at : at + (1 << 16)] for at in range(0, len(raw), 1 << 16))) == [event(payload)]


def test_a_long_event_costs_little_more_than_joining_and_parsing_it():
    raw = b"data: " + json.dumps({"audio": "A" * (8 << 20)}).encode() + b"\n\n"
    pieces = [raw[at : at + (1 << 16)] for at in range(0, len(raw), 1 << 16)]

    def join_and_parse() -> None:
        json.loads(b"".join(pieces)[6:])

    def decode_and_parse() -> None:
        (only,) = decode(*pieces)
        json.loads(only.data)

    assert best_of(7, decode_and_parse) < 10 * best_of(7, join_and_parse)


def best_of(times: int, job) -> float:
    def once() -> float:
        start = time.perf_counter()
        job()
        return time.perf_counter() - start

    return min(once() for _ in range(times))
