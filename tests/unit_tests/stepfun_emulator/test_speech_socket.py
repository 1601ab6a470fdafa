"""The WebSocket /realtime/audio (WIRE.md section 6), with a client that knows nothing of StepFun."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

import stepfun_emulator
from stepfun_emulator import sound

KEY = {"authorization": "Bearer secret-key"}
TEXT = ["你好", "，世界。", "How are", " you? Pi is 3.", "14. ", "再", "见"]
PLAIN = ("mp3", "wav", "flac", "opus", "pcm")
STREAMED = ("mp3_stream", "opus_stream", "flac_stream")


class Client:
    """A little of what a real client does."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.session_id = ""

    async def receive(self):
        event = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        return event["type"], event["data"]

    async def send(self, kind, **data):
        await self.socket.send(json.dumps({"type": kind, "data": {"session_id": self.session_id, **data}}))

    async def create(self, **data):
        kind, first = await self.receive()
        assert kind == "tts.connection.done"
        self.session_id = first["session_id"]
        await self.send("tts.create", **{"voice_id": "cixingnansheng", "response_format": "wav", **data})
        assert (await self.receive())[0] == "tts.response.created"

    async def until(self, last):
        events = []
        while not events or events[-1][0] != last:
            events.append(await self.receive())
        return events

    async def say(self, *pieces):
        for piece in pieces:
            await self.send("tts.text.delta", text=piece)
        await self.send("tts.text.done")
        return await self.until("tts.response.audio.done")


@contextlib.asynccontextmanager
async def opened(emulator, model="step-tts-2", base="base_url", headers=None):
    url = f"{getattr(emulator, base).replace('http', 'ws', 1)}/realtime/audio?model={model}"
    async with connect(url, additional_headers={**KEY, **(headers or {})}, max_size=None) as socket:
        yield Client(socket)


def heard(audio, form="", rate=24_000):
    read = sound.decode(audio, form, rate=rate)
    return [one.text for one in sound.hear(read.mono, read.rate)]


def deltas(events):
    return [base64.b64decode(data["audio"]) for kind, data in events if kind == "tts.response.audio.delta"]


SAID = ["你好，世界。", "How are you? ", "Pi is 3.14. ", "再见"]


@pytest.mark.parametrize("form", PLAIN)
async def test_plain_formats_give_a_file_in_every_delta(emulator, form):
    async with opened(emulator) as client:
        await client.create(response_format=form, sample_rate=16_000)
        events = await client.say(*TEXT)
    files = [b"".join(deltas(events))] if form == "pcm" else deltas(events)
    assert [text for file in files for text in heard(file, form, 16_000)] == SAID
    assert heard(base64.b64decode(events[-1][1]["audio"]), form, 16_000) == SAID


@pytest.mark.parametrize("form", STREAMED)
@pytest.mark.parametrize("rate", [8000, 22_050, 24_000, 48_000])
async def test_streamed_formats_join_to_one_file(emulator, form, rate):
    async with opened(emulator) as client:
        await client.create(response_format=form, sample_rate=rate)
        events = await client.say(*TEXT)
    assert len(deltas(events)) > 3
    assert heard(b"".join(deltas(events))) == SAID
    assert events[-1][1]["audio"] == ""


async def test_sentences_begin_and_end_and_say_how_long_they_are(emulator):
    async with opened(emulator) as client:
        await client.create(response_format="pcm")
        events = await client.say("一。", "二。")
    kinds = [kind.removeprefix("tts.response.") for kind, _ in events]
    one = ["sentence.start", "audio.delta", "audio.delta", "audio.delta", "sentence.end"]
    assert kinds == [*one, *one, "audio.done"]
    assert [data["text"] for kind, data in events if kind.endswith("start")] == ["一。", "二。"]
    assert [data["status"] for _, data in events[1:4]] == ["unfinished", "unfinished", "finished"]
    seconds = sum(data["duration"] for kind, data in events if kind.endswith("delta"))
    assert seconds == pytest.approx(len(b"".join(deltas(events))) / 48_000)


async def test_it_speaks_before_the_text_is_complete(emulator):
    async with opened(emulator) as client:
        await client.create()
        await client.send("tts.text.delta", text="First sentence. And")
        events = await client.until("tts.response.sentence.end")
        assert heard(deltas(events)[0]) == ["First sentence. "]
        assert heard(b"".join(deltas(await client.say(" the second.")))) == ["And the second."]


async def test_flush_speaks_what_is_there(emulator):
    async with opened(emulator) as client:
        await client.create()
        await client.send("tts.text.delta", text="unfinished")
        await client.send("tts.text.flush")
        events = await client.until("tts.text.flushed")
        assert heard(deltas(events)[0]) == ["unfinished"]
        assert deltas(await client.say()) == []


async def test_the_mode_sentence_speaks_every_delta(emulator):
    async with opened(emulator) as client:
        await client.create(mode="sentence")
        events = await client.say("one", "two. three")
    assert [data["text"] for kind, data in events if kind.endswith("start")] == ["one", "two. three"]


async def test_one_message_can_exceed_1_mib(emulator):
    async with opened(emulator) as client:
        await client.create(response_format="wav", sample_rate=48_000)
        events = await client.say("字" * 200)
    assert len(events[1][1]["audio"]) > 1 << 20
    assert "".join(heard(deltas(events)[0])) == "字" * 200


async def test_a_long_response_does_not_come_again_at_the_end(emulator):
    async with opened(emulator) as client:
        await client.create(response_format="pcm", sample_rate=8000)
        events = await client.say("字" * 300)
    assert events[-1][1]["audio"] == ""


async def test_directions_are_not_spoken_and_not_cut(emulator):
    async with opened(emulator, "stepaudio-2.5-tts") as client:
        await client.create(instruction="温柔地")
        events = await client.say("（轻声。", "慢一点）你好。", "（停顿。）", "(soft) Bye")
    assert [text for file in deltas(events) for text in heard(file)] == ["你好。", " Bye"]


async def test_another_response_may_follow(emulator):
    async with opened(emulator, base="plan_url") as client:
        await client.create()
        await client.say("one")
        await client.send("tts.create", voice_id="linjiajiejie", response_format="mp3")
        assert (await client.receive())[0] == "tts.response.created"
        assert heard(deltas(await client.say("two"))[0]) == ["two"]


@pytest.mark.parametrize(
    ("kind", "data", "param"),
    [
        ("tts.text.delta", {"text": "x", "session_id": "another"}, "data.session_id"),
        ("tts.text.delta", {"text": "字" * 1001}, "data.text"),
        ("tts.text.delta", {"text": ""}, "data.text"),
        ("tts.text.delta", {"text": "x", "pitch": 1}, "data.pitch"),
        ("tts.create", {"voice_id": "cixingnansheng"}, "type"),
        ("tts.cancel", {}, "type"),
    ],
)
async def test_a_bad_event_is_an_error_and_not_the_end(emulator, kind, data, param):
    async with opened(emulator) as client:
        await client.create()
        await client.send(kind, **data)
        answered, error = await client.receive()
        assert answered == "tts.response.error"
        assert error["code"] == "request_params_invalid"
        assert error["message"]
        assert error["details"] == {"param": param}
        assert heard(deltas(await client.say("still here"))[0]) == ["still here"]


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ({"voice_id": "alloy"}, "data.voice_id"),
        ({"response_format": "wav_stream"}, "data.response_format"),
        ({"speed_ratio": 3}, "data.speed_ratio"),
        ({"volume_ratio": 0}, "data.volume_ratio"),
        ({"sample_rate": 1}, "data.sample_rate"),
        ({"mode": "fast"}, "data.mode"),
        ({"instruction": "x"}, "data.instruction"),
        ({"voice_label": {"emotion": "x"}}, "data.voice_label.emotion"),
        ({"speed": 1}, "data.speed"),
    ],
)
async def test_a_bad_create_is_refused(emulator, data, param):
    async with opened(emulator) as client:
        _, first = await client.receive()
        client.session_id = first["session_id"]
        await client.send("tts.create", **{"voice_id": "cixingnansheng", **data})
        _, error = await client.receive()
        assert error["details"] == {"param": param}
        await client.send("tts.text.delta", text="x")
        _, error = await client.receive()
        assert "before tts.create" in error["message"]


@pytest.mark.parametrize("message", ["{", "[]", '{"type": 5}', b"\xff"])
async def test_what_is_no_event_is_an_error(emulator, message):
    async with opened(emulator) as client:
        await client.create()
        await client.socket.send(message)
        assert (await client.receive())[0] == "tts.response.error"


async def test_moderation_ends_the_response(emulator):
    async with opened(emulator) as client:
        await client.create()
        await client.send("tts.text.delta", text="censored-by-emulator")
        kind, error = await client.receive()
        assert (kind, error["code"], error["details"]) == ("tts.response.error", "censorship_blocked", {})
        await client.send("tts.text.done")
        assert "before tts.create" in (await client.receive())[1]["message"]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("?model=step-tts-2", {}, 401),
        ("?model=step-tts-2", {"authorization": "Bearer invalid"}, 401),
        ("?model=step-tts-2", {"authorization": "Bearer broke"}, 402),
        ("", KEY, 400),
        ("?model=step-2-mini", KEY, 400),
        ("?model=tts-1", KEY, 404),
        ("?model=step-tts-2", {**KEY, "x-emulator-fault": "rate-limit"}, 429),
        ("?model=step-tts-2", {**KEY, "x-emulator-fault": "nonsense"}, 400),
        ("?model=step-tts-2", {**KEY, "x-emulator-after": "-1"}, 400),
        ("x?model=step-tts-2", KEY, 404),
    ],
)
async def test_a_handshake_is_refused_over_http(emulator, caplog, query, headers, status):
    url = f"{emulator.base_url.replace('http', 'ws', 1)}/realtime/audio{query}"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, additional_headers=headers)
    assert refused.value.response.status_code == status
    assert caplog.records == []


async def test_a_handshake_may_fail_before_it_succeeds(emulator):
    url = f"{emulator.base_url.replace('http', 'ws', 1)}/realtime/audio?model=step-tts-mini"
    headers = {**KEY, "x-emulator-fault": "flaky"}
    for _ in range(2):
        with pytest.raises(InvalidStatus):
            await connect(url, additional_headers=headers)
    async with connect(url, additional_headers=headers) as socket:
        assert "tts.connection.done" in await socket.recv()


async def test_the_handshake_may_be_dropped(emulator):
    with pytest.raises(Exception, match=r"valid HTTP response|[Cc]onnection"):
        async with opened(emulator, headers={"x-emulator-fault": "drop-connection"}):
            pass


async def test_the_handshake_has_a_trace_id(emulator):
    async with opened(emulator) as client:
        assert len(client.socket.response.headers["x-trace-id"]) == 32


async def test_silence_is_closed():
    with stepfun_emulator.serving(idle_seconds=0.1) as emulator:
        async with opened(emulator) as client:
            await client.create()
            with pytest.raises(ConnectionClosed) as closed:
                await client.receive()
        assert closed.value.rcvd.code == 1000
        assert "idle" in closed.value.rcvd.reason
        assert emulator.sessions[0].closed == 1000


async def counted(client, seen):
    """Say two sentences and note whatever comes."""
    seen.append(await client.receive())
    client.session_id = seen[0][1]["session_id"]
    with contextlib.suppress(ConnectionClosed):  # what came before the end can still be read
        await client.send("tts.create", voice_id="cixingnansheng", response_format="wav")
        await client.send("tts.text.delta", text="One. Two.")
        await client.send("tts.text.done")
    while True:
        seen.append(await client.receive())


@pytest.mark.parametrize("after", range(7))
async def test_cut_websocket_after_each_event(emulator, after):
    async with opened(
        emulator, headers={"x-emulator-fault": "cut-websocket", "x-emulator-after": f"{after}"}
    ) as client:
        with pytest.raises(ConnectionClosedError) as closed:
            await counted(client, seen := [])
    assert len(seen) == after
    assert closed.value.rcvd is None


async def test_cut_websocket_is_after_three_events_if_not_said():
    with stepfun_emulator.serving(fault="cut-websocket") as emulator:
        async with opened(emulator) as client:
            await client.create()
            with pytest.raises(ConnectionClosedError):
                await client.say("One.")
        assert len(emulator.sessions[0].sent) == 3


async def test_close_websocket_says_1011(emulator):
    async with opened(emulator, headers={"x-emulator-fault": "close-websocket"}) as client:
        await client.create()
        with pytest.raises(ConnectionClosedError) as closed:
            await client.say("One.")
    assert closed.value.rcvd.code == 1011


async def test_stall_websocket_says_nothing_more(emulator):
    async with opened(emulator, headers={"x-emulator-fault": "stall-websocket", "x-emulator-after": "2"}) as client:
        await client.create()
        await client.send("tts.text.delta", text="One. Two.")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.socket.recv(), 0.2)


@pytest.mark.parametrize(("options", "fault"), [({"delay": 0.05}, "slow"), ({"delay": 0.05}, "none"), ({}, "slow")])
async def test_slow_pauses_before_every_event(options, fault):
    with stepfun_emulator.serving(**options) as emulator:
        started = time.monotonic()
        async with opened(emulator, headers={"x-emulator-fault": fault}) as client:
            await client.create()
            events = await client.say("a")
        assert time.monotonic() - started > (len(events) + 2) * (options.get("delay") or 0.02)


async def test_the_journal_has_both_sides_without_key_and_sound():
    with stepfun_emulator.serving() as emulator:
        async with opened(emulator, headers={"x-mine": "yes"}) as client:
            await client.create()
            assert emulator.open_streams == 1
            await client.say("Hello there.")
            assert emulator.sessions[0].closed is None
        (session,) = emulator.sessions
        assert (session.path, session.query) == ("/v1/realtime/audio", {"model": "step-tts-2"})
        assert session.headers["x-mine"] == "yes"
        assert "secret-key" not in repr(session)
        assert [event["type"] for event in session.received] == ["tts.create", "tts.text.delta", "tts.text.done"]
        assert session.received[1]["data"]["text"] == "Hello there."
        assert session.sent[0]["type"] == "tts.connection.done"
        assert "characters of base64" in session.sent[3]["data"]["audio"]
        assert len(repr(session)) < 5000
        end = time.monotonic() + 5
        while emulator.open_streams:
            assert time.monotonic() < end
            await asyncio.sleep(0.005)
        assert session.closed == 1000


async def test_it_stops_with_conversations_open():
    async with contextlib.AsyncExitStack() as later:
        with stepfun_emulator.serving() as emulator:
            client = await later.enter_async_context(opened(emulator))
            await client.create()
            started = time.monotonic()
        assert time.monotonic() - started < 3
        with pytest.raises(ConnectionClosed):
            await client.receive()


def test_the_app_talks_under_another_server():
    client = TestClient(stepfun_emulator.create_app(), headers=KEY)
    with client.websocket_connect("/v1/realtime/audio?model=step-tts-2") as socket:
        assert socket.receive_json()["type"] == "tts.connection.done"
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/v1/realtime/audio"):
        pass
