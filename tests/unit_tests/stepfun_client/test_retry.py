"""Which failures are tried again, after how long, and what is sent again: the table, and the wire."""

from __future__ import annotations

import io
import os
import socket
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    InvalidParameterError,
    StreamInterruptedError,
)
from stepfun_client.core.call import Call, Upload
from stepfun_client.core.retry import delay_before_retry, is_worth_retrying, retry_after

pytestmark = pytest.mark.usefixtures("naps")

NOW = 1_795_168_800.0
NEVER_AGAIN = [302, 400, 401, 402, 403, 404, 409, 422, 451]
TRY_AGAIN = [408, 429, 500, 502, 503, 504, 529]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, -30.0),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_what_the_service_wishes(headers, seconds):
    assert retry_after(headers, now=NOW) == seconds


@given(name=st.sampled_from(["retry-after", "retry-after-ms"]), value=st.text(max_size=40))
def test_no_wish_breaks_the_client(name, value):
    assert 0 <= delay_before_retry(0, {name: value}, chance=0.5) <= 120


@pytest.mark.parametrize(
    ("retries", "headers", "chance", "seconds"),
    [
        (0, {}, 1.0, 0.5),
        (1, {}, 1.0, 1.0),
        (3, {}, 1.0, 4.0),
        (4, {}, 1.0, 8.0),
        (5, {}, 1.0, 8.0),
        (10_000, {}, 1.0, 8.0),
        (4, {}, 0.25, 2.0),
        (4, {}, 0.0, 0.0),
        (0, {"retry-after": "120"}, 1.0, 120.0),
        (0, {"retry-after": "120.5"}, 1.0, 0.5),
        (0, {"retry-after": "-1"}, 1.0, 0.5),
        (0, {"retry-after": "0"}, 1.0, 0.5),
        (0, {"retry-after": "nan"}, 1.0, 0.5),
        (0, {"retry-after": "inf"}, 1.0, 0.5),
    ],
)
def test_how_long_to_wait(retries, headers, chance, seconds):
    assert delay_before_retry(retries, headers, chance=chance) == seconds


@pytest.mark.parametrize("status", [*NEVER_AGAIN, *TRY_AGAIN])
def test_which_statuses_are_worth_it(status):
    assert is_worth_retrying(status) == (status in TRY_AGAIN)


@pytest.mark.parametrize("status", TRY_AGAIN)
async def test_a_passing_failure_is_not_noticed(both, server, wire, naps, status):
    server.answers(wire.error(status), wire.error(status), wire.completion("at last"))
    reply = await both.get(both.client(server).chat.create(**wire.ask))
    assert reply.text == "at last"
    assert len(naps) == 2
    assert len({request.body for request in server.requests}) == 1


@pytest.mark.parametrize("status", NEVER_AGAIN)
async def test_a_refusal_is_final(both, server, wire, naps, status):
    with pytest.raises(APIStatusError) as raised:
        await both.get(both.client(server.answers(wire.error(status))).chat.create(**wire.ask))
    assert (raised.value.status_code, len(server.requests), naps) == (status, 1, [])


@pytest.mark.parametrize("retries", [0, 1, 4])
async def test_max_retries_is_how_often_it_is_repeated(both, server, wire, naps, retries):
    with pytest.raises(APIStatusError, match="503"):
        await both.get(both.client(server.answers(wire.error(503)), max_retries=retries).chat.create(**wire.ask))
    assert (len(server.requests), len(naps)) == (1 + retries, retries)


@pytest.mark.parametrize(
    "wish", [("Retry-After", "7", 7.0), ("Retry-After-Ms", "40", 0.04), ("retry-after", "0.25", 0.25)], ids=str
)
async def test_the_wish_is_granted(both, server, wire, naps, wish):
    name, value, seconds = wish
    server.answers(wire.error(429, **{name: value}), wire.completion())
    await both.get(both.client(server).chat.create(**wire.ask))
    assert naps == [seconds]


async def test_a_wish_for_more_than_two_minutes_is_not(both, server, wire, naps):
    server.answers(wire.error(429, **{"Retry-After": "121"}), wire.completion())
    await both.get(both.client(server).chat.create(**wire.ask))
    assert naps[0] <= 0.5


BROKEN = {
    "dropped before the reply": lambda server, wire: [server.drop],
    "dropped inside the head": lambda server, wire: [b"HTTP/1.1 200 OK\r\ncontent-", server.drop],
    "dropped inside the body": lambda server, wire: [wire.completion()[:-9], server.drop],
    "not HTTP": lambda server, wire: [b"SSH-2.0-OpenSSH\r\n\r\n", server.drop],
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_broken_connection_is_tried_again(both, server, wire, naps, broken):
    server.answers(broken(server, wire), wire.completion("at last"))
    assert (await both.get(both.client(server).chat.create(**wire.ask))).text == "at last"
    assert len(naps) == 1


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_connection_that_always_breaks_is_a_connection_error(both, server, wire, broken):
    with pytest.raises(APIConnectionError, match="Check the network"):
        await both.get(both.client(server.answers(broken(server, wire))).chat.create(**wire.ask))
    assert len(server.requests) == 3


async def test_silence_is_a_timeout_after_the_calls_own_seconds(both, server, wire):
    client = both.client(server.answers([server.stall]), timeout=30)
    with pytest.raises(APITimeoutError, match=r"Raise timeout=\.\.\., or stream"):
        await both.get(client.chat.create(**wire.ask, timeout=0.02))
    assert len(server.requests) == 3


async def test_a_reply_whose_encoding_is_broken_is_not_asked_for_again(both, server, wire):
    server.answers(wire.reply(b"no gzip", **{"content-encoding": "gzip"}))
    with pytest.raises(APIResponseError, match="encoding is broken"):
        await both.get(both.client(server).chat.create(**wire.ask))
    assert len(server.requests) == 1


async def test_what_http_cannot_carry_is_not_tried_again(both, server, wire, naps):
    with pytest.raises(InvalidParameterError, match="cannot be sent"):
        await both.get(both.client(server, default_headers={"X-App": "a\nb"}).chat.create(**wire.ask))
    assert (server.requests, naps) == ([], [])


@pytest.fixture
def deaf() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return "http://127.0.0.1:{1}/v1".format(*taken.getsockname())


class TestACallThatIsPaidEachTime:
    """It is sent again only where it certainly did not reach the server."""

    @staticmethod
    def clone():
        reply = yield Call("POST", "/audio/voices", content=b"{}", repeatable=False)
        return reply.json()

    async def test_it_is_sent_again_while_nothing_listens(self, both, deaf, naps):
        with pytest.raises(APIConnectionError):
            await both.get(both.client(base_url=deaf).run(self.clone()))
        assert len(naps) == 2

    @pytest.mark.parametrize("status", TRY_AGAIN)
    async def test_it_is_not_after_any_status(self, both, server, wire, status):
        with pytest.raises(APIStatusError):
            await both.get(both.client(server.answers(wire.error(status))).run(self.clone()))
        assert len(server.requests) == 1

    @pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
    async def test_it_is_not_after_a_broken_connection(self, both, server, wire, broken):
        with pytest.raises(APIConnectionError):
            await both.get(both.client(server.answers(broken(server, wire))).run(self.clone()))
        assert len(server.requests) == 1


class TestStreams:
    """They are tried again until the reply begins, and never after."""

    async def test_before_the_reply(self, both, server, wire, naps):
        server.answers(wire.error(429), [server.drop], wire.answer(wire.delta(content="OK")))
        stream = both.client(server).chat.stream(**wire.ask)
        assert (await both.get(stream.completion())).text == "OK"
        assert (len(server.requests), len(naps)) == (3, 2)

    @pytest.mark.parametrize("begun", [b"", b"data: {", b": hello\n\n", b'data: {"choices":[]}\n\n'])
    async def test_not_once_the_reply_has_begun(self, both, server, wire, naps, begun):
        server.answers([wire.head(), wire.chunk(begun) if begun else b"", 0.02, server.drop])
        with pytest.raises(StreamInterruptedError):
            await both.items(both.client(server).chat.stream(**wire.ask))
        assert (len(server.requests), naps) == (1, [])


SOUND = bytes(range(256)) * 700  # more than one piece of a multipart body


class TestUploads:
    """A file's bytes are the same on each attempt, or there is no second attempt."""

    @pytest.fixture
    def sources(self, tmp_path):
        path = tmp_path / "sound.mp3"
        path.write_bytes(SOUND)
        with path.open("rb") as opened, path.open("rb") as moved:
            moved.seek(1000)
            yield {
                "path": (path, SOUND),
                "bytes": (SOUND, SOUND),
                "bytearray": (bytearray(SOUND), SOUND),
                "memoryview": (memoryview(SOUND), SOUND),
                "file": (opened, SOUND),
                "file that stands at an offset": (moved, SOUND[1000:]),
                "file in memory": (io.BytesIO(SOUND), SOUND),
            }

    @pytest.mark.parametrize(
        "kind",
        ["path", "bytes", "bytearray", "memoryview", "file", "file that stands at an offset", "file in memory"],
    )
    async def test_each_attempt_sends_the_whole(self, both, server, wire, sources, kind):
        source, content = sources[kind]
        server.answers(wire.error(503), [wire.error(502)[:30], server.drop], wire.reply({"id": "file-1"}))
        file = await both.get(both.client(server).files.create(source, filename="sound.mp3"))
        assert file.id == "file-1"
        assert [content in request.body for request in server.requests] == [True] * 3
        assert len({request.size for request in server.requests}) == 1

    @pytest.fixture
    def pipe(self):
        reading, writing = os.pipe()
        os.write(writing, SOUND[:5000])
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            yield pipe

    async def test_a_pipe_is_sent_once(self, both, server, wire, pipe):
        with pytest.raises(APIStatusError, match="503"):
            await both.get(both.client(server.answers(wire.error(503))).files.create(pipe, filename="sound.mp3"))
        assert [SOUND[:5000] in request.body for request in server.requests] == [True]

    async def test_a_pipe_may_be_sent_again_where_nothing_listened(self, both, deaf, naps, pipe):
        with pytest.raises(APIConnectionError):
            await both.get(both.client(base_url=deaf).files.create(pipe, filename="sound.mp3"))
        assert len(naps) == 2

    async def test_the_callers_file_stays_open(self, both, server, wire):
        file = io.BytesIO(SOUND)
        server.answers(wire.reply({"id": "file-1"}))
        await both.get(both.client(server).files.create(file, filename="sound.mp3"))
        assert not file.closed

    def test_only_what_can_be_rewound_may_be_sent_again(self, tmp_path, pipe):
        table = {"path": tmp_path, "bytes": b"", "bytearray": bytearray(), "memory": io.BytesIO(), "pipe": pipe}
        again = {
            name: Call("POST", "/files", upload=("file", Upload(source, name))).may_be_sent_again
            for name, source in table.items()
        }
        assert again == {"path": True, "bytes": True, "bytearray": True, "memory": True, "pipe": False}


def test_httpx_has_no_failure_of_which_we_do_not_know_whether_it_reached_the_server():
    from stepfun_client.core.transport import _NEVER_SENT

    after_connecting = {httpx.ReadError, httpx.ReadTimeout, httpx.WriteError, httpx.WriteTimeout, httpx.CloseError}
    after_connecting |= {
        httpx.RemoteProtocolError,
        httpx.LocalProtocolError,
        httpx.DecodingError,
        httpx.TooManyRedirects,
    }
    assert not after_connecting & set(_NEVER_SENT)
