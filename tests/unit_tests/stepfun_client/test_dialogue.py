"""Dialogues over the WebSocket, held by both clients: every ending, whoever brings it about, nothing left behind."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import gc
import json
import socket
import threading
import time
import tracemalloc
from http import HTTPStatus

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol
from websockets.sync.server import serve

import stepfun_emulator
from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    ContentModerationError,
    InvalidParameterError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)

ASKED = {"model": "step-tts-2", "voice": "cixingnansheng", "response_format": "pcm", "sample_rate": 8000, "speed": 2}
SESSION = "5e55" * 8
TEXTS = ["One, ", "two. ", "Three."]
OURS = ("stepfun-sender", "recv_events", "keepalive")


class Gate(threading.Event):
    """Something a source waits for, in a thread or in an event loop."""

    async def passed(self):
        while not self.is_set():  # noqa: ASYNC110 - set in any thread
            await asyncio.sleep(0.002)


class Source:
    """Gives texts as either kind of generator: a step is a text, a gate to wait at, an error to raise, or a call."""

    def __init__(self, *steps):
        self.steps = steps
        self.given = []
        self.ended = False

    def of(self, both):
        return self._texts() if both.kind == "sync" else self._texts_async()

    def _texts(self):
        try:
            for step in self.steps:
                if isinstance(step, Gate):
                    step.wait()
                else:
                    yield self._given(step)
        finally:
            self.ended = True

    async def _texts_async(self):
        try:
            for step in self.steps:
                if isinstance(step, Gate):
                    await step.passed()
                else:
                    yield self._given(step)
        finally:
            self.ended = True

    def _given(self, step):
        if isinstance(step, BaseException):
            raise step
        self.given.append(step)
        return step() if callable(step) else step


@contextlib.contextmanager
def served(handler, **options):
    """Serve WebSockets on the loopback; give the base URL."""

    def handle(connection):
        with contextlib.suppress(ConnectionClosed):
            handler(connection)

    server = serve(handle, "127.0.0.1", 0, max_size=None, compression=None, **options)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "http://127.0.0.1:{1}/v1".format(*server.socket.getsockname())
    finally:
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def deaf():
    """Serve one session that is opened in good order and then not listened to; give the base URL."""
    released = threading.Event()

    def serve_one():
        connection, _ = listener.accept()
        protocol = ServerProtocol()
        with connection:
            while not (heard := protocol.events_received()):
                protocol.receive_data(connection.recv(4096))
            protocol.send_response(protocol.accept(heard[0]))
            protocol.send_text(event("tts.connection.done").encode())
            protocol.send_text(event("tts.response.created").encode())
            connection.sendall(b"".join(protocol.data_to_send()))
            released.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one)
        thread.start()
        yield "http://127.0.0.1:{1}/v1".format(*listener.getsockname())
        released.set()
        thread.join()


def event(kind, **data):
    return json.dumps({"type": kind, "data": {"session_id": SESSION, **data}})


def delta(sound, **more):
    return event("tts.response.audio.delta", audio=base64.b64encode(sound).decode(), status="unfinished", **more)


def greet(connection):
    """Open a session as the service does."""
    connection.send(event("tts.connection.done"))
    connection.recv()
    connection.send(event("tts.response.created"))


def read_texts(connection):
    """Read what is to be said, to its end."""
    texts = []
    while (heard := json.loads(connection.recv()))["type"] != "tts.text.done":
        texts.append(heard["data"]["text"])
    return texts


def saying(*messages):
    """A service that listens to the end and then says what it is told to."""

    def handler(connection):
        greet(connection)
        read_texts(connection)
        for message in messages:
            connection.send(message)
        connection.recv()

    return handler


DONE = event("tts.response.audio.done", audio="")


def speak(both, base_url, texts, *, headers=None, **more):
    client = both.client(base_url=base_url, default_headers=headers)
    return client.speech.stream(**{**ASKED, **more}, input=texts)


@pytest.fixture
async def left_behind():
    """Waits until neither a thread nor a task of a dialogue is left, and says how long that took."""
    await asyncio.sleep(0)
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())

    async def wait(seconds=2.0):
        start = time.monotonic()
        while names := [
            *(one.name for one in set(threading.enumerate()) - threads if any(part in one.name for part in OURS)),
            *(one.get_name() for one in asyncio.all_tasks() - tasks - {asyncio.current_task()}),
        ]:
            assert time.monotonic() - start < seconds, names
            await asyncio.sleep(0.002)
        return time.monotonic() - start

    return wait


async def settled(emulator):
    """Wait until the emulator has no conversation left."""
    start = time.monotonic()
    while emulator.open_streams:
        assert time.monotonic() - start < 3
        await asyncio.sleep(0.002)


class TestTheServiceBreaksOff:
    async def count(self, both, emulator):
        await both.items(speak(both, emulator.base_url, TEXTS))
        return len(emulator.sessions[-1].sent)

    @pytest.mark.parametrize("fault", ["cut-websocket", "close-websocket"])
    async def test_after_each_event(self, both, emulator, left_behind, fault):
        events = await self.count(both, emulator)
        assert events > 8
        for after in range(events):
            source = Source(*TEXTS)
            headers = {"x-emulator-fault": fault, "x-emulator-after": str(after)}
            stream = speak(both, emulator.base_url, source.of(both), headers=headers)
            with pytest.raises(StreamInterruptedError) as caught:
                await both.get(stream.audio())
            assert len(caught.value.trace_id) == 32
            assert source.ended
            with pytest.raises(StreamInterruptedError, match="no whole speech"):
                await both.get(stream.audio())
        await left_behind()
        await settled(emulator)

    async def test_after_the_last_event_nothing_is_missing(self, both, emulator):
        events = await self.count(both, emulator)
        headers = {"x-emulator-fault": "cut-websocket", "x-emulator-after": str(events)}
        whole = await both.get(speak(both, emulator.base_url, TEXTS).audio())
        cut = await both.get(speak(both, emulator.base_url, TEXTS, headers=headers).audio())
        assert cut.content == whole.content

    async def test_by_silence(self, both, emulator, left_behind):
        for after in (0, 1, 2, 5):
            headers = {"x-emulator-fault": "stall-websocket", "x-emulator-after": str(after)}
            start = time.monotonic()
            with pytest.raises(APITimeoutError) as caught:
                await both.items(speak(both, emulator.base_url, TEXTS, headers=headers, timeout=0.05))
            assert time.monotonic() - start < 1.5
            assert len(caught.value.trace_id) == 32
        await left_behind()

    async def test_by_silence_is_no_failure_while_the_text_is_still_being_written(self, both, emulator):
        gate = Gate()
        source = Source("One, ", gate, "two.")
        stream = speak(both, emulator.base_url, source.of(both), timeout=0.05)
        threading.Timer(0.4, gate.set).start()
        assert await both.items(stream)

    async def test_in_good_order_but_too_early(self, both):
        def leave(connection):
            greet(connection)
            connection.close()

        with served(leave) as url, pytest.raises(StreamInterruptedError, match="60 s"):
            await both.items(speak(both, url, TEXTS))

    async def test_because_nothing_was_said_for_a_minute(self, both, left_behind):
        """Idle 60 s closes: WIRE.md section 6."""
        with stepfun_emulator.serving(idle_seconds=0.1) as emulator:
            gate = Gate()
            source = Source("One. ", gate, "Two.")
            with pytest.raises(StreamInterruptedError, match="60 s") as caught:
                await both.items(speak(both, emulator.base_url, source.of(both)))
            assert len(caught.value.trace_id) == 32
            gate.set()
            await left_behind()
            assert source.ended

    async def test_a_model_may_think_before_its_first_word_for_longer_than_that(self, both):
        with stepfun_emulator.serving(idle_seconds=0.2) as emulator:
            gate = Gate()
            threading.Timer(0.5, gate.set).start()
            assert await both.items(speak(both, emulator.base_url, Source(gate, *TEXTS).of(both)))

    async def test_by_no_longer_reading(self, both, left_behind):
        """The text does not get away, and neither waiting nor closing takes for ever."""
        texts = ("Word after word. " * 58 for _ in range(20_000))
        with deaf() as url:
            start = time.monotonic()
            with pytest.raises(APITimeoutError):
                await both.items(speak(both, url, texts, timeout=0.3))
            assert time.monotonic() - start < 6
        await left_behind()


class TestTheServiceReportsAnError:
    ERRORS = {  # noqa: RUF012
        "as documented": {"type": "tts.response.error", "data": {"code": "censorship_blocked", "message": "no"}},
        "without data": {"type": "tts.response.error", "code": "censorship_blocked", "message": "no"},
        "as elsewhere": {"type": "error", "error": {"type": "censorship_blocked", "message": "no"}},
        "with a number": {"type": "tts.response.error", "data": {"code": 9, "message": "no", "details": {"a": 1}}},
        "in words": {"type": "tts.response.error", "data": "no"},
    }

    @pytest.mark.parametrize("case", ERRORS)
    async def test_in_any_shape(self, both, case, left_behind):
        with served(saying(delta(b"AA"), json.dumps(self.ERRORS[case]))) as url:
            stream = speak(both, url, TEXTS)
            assert await both.first(stream) == b"AA"
            with pytest.raises(APIStatusError) as caught:
                await both.items(stream)
            assert (caught.value.message, caught.value.status_code) == ("no", 200)
            assert caught.value.trace_id == SESSION
            expected = ContentModerationError if "censorship" in json.dumps(self.ERRORS[case]) else ServerError
            assert type(caught.value) is expected
        await left_behind()

    @pytest.mark.parametrize(
        ("fault", "error", "status"), [("rate-limit", RateLimitError, 429), ("html-error", ServerError, 502)]
    )
    async def test_at_the_handshake(self, both, emulator, fault, error, status):
        source = Source(*TEXTS)
        with pytest.raises(error) as caught:
            await both.items(speak(both, emulator.base_url, source.of(both), headers={"x-emulator-fault": fault}))
        assert caught.value.status_code == status
        assert source.given == TEXTS[:1]
        assert source.ended

    async def test_by_not_being_there(self, both, emulator):
        headers = {"x-emulator-fault": "drop-connection"}
        for url, more in ((emulator.base_url, headers), ("http://127.0.0.1:9/v1", None)):
            with pytest.raises(APIConnectionError, match="base_url"):
                await both.items(speak(both, url, TEXTS, headers=more))

    async def test_by_a_redirect_which_the_key_does_not_follow(self, both):
        asked = []

        def lure(connection, request):
            asked.append(request.headers.get("Authorization"))
            return connection.respond(HTTPStatus.NOT_FOUND, "nothing here")

        def redirect(connection, _request):
            response = connection.respond(HTTPStatus.FOUND, "elsewhere")
            response.headers["Location"] = elsewhere.replace("http", "ws")
            return response

        with (
            served(saying(DONE), process_request=lure) as elsewhere,
            served(saying(), process_request=redirect) as url,
            pytest.raises(APIStatusError),
        ):
            await both.items(speak(both, url, TEXTS))
        assert not any(asked)


class TestTheServiceSaysSomethingElse:
    @pytest.mark.parametrize(
        "message",
        ["<html>", "[1, 2]", "5", '"x"', b"\xff\xfe", event("tts.response.audio.delta", audio="!"),
         event("tts.response.audio.delta", audio=5)],
    )  # fmt: skip
    async def test_what_cannot_be_read_is_said(self, both, message, left_behind):
        with served(saying(message, DONE)) as url, pytest.raises(APIResponseError):
            await both.items(speak(both, url, TEXTS))
        await left_behind()

    async def test_a_greeting_without_a_session(self, both):
        with (
            served(lambda connection: connection.send('{"type": "tts.connection.done"}')) as url,
            pytest.raises(APIResponseError, match="session_id"),
        ):
            await both.items(speak(both, url, TEXTS))

    async def test_what_is_unknown_is_passed_over(self, both):
        strange = ['{"type": "tts.news", "data": "today"}', "{}", '{"type": 5}', event("tts.text.flushed")]
        empty = [event("tts.response.audio.delta"), event("tts.response.audio.delta", audio=None), delta(b"")]
        with served(saying(*strange, *empty, delta(b"AA"), DONE)) as url:
            assert await both.items(speak(both, url, TEXTS)) == [b"AA"]

    async def test_fields_may_stand_at_the_top_of_an_event(self, both):
        sentence = json.dumps({"type": "tts.response.sentence.start", "text": "One."})
        sound = json.dumps({"type": "tts.response.audio.delta", "audio": "QUFBQQ==", "duration": 0.5})
        with served(saying(sentence, sound, json.dumps({"type": "tts.response.audio.done"}))) as url:
            (piece,) = await both.items(speak(both, url, TEXTS))
        assert (piece, piece.sentence, piece.duration_seconds) == (b"AAAA", "One.", 0.5)

    async def test_the_whole_at_the_end_counts_where_no_piece_came(self, both):
        """`tts.response.audio.done {audio: whole audio, may be empty}`: WIRE.md section 6."""
        whole = event("tts.response.audio.done", audio=base64.b64encode(b"WHOLE!").decode())
        with served(saying(whole)) as url:
            assert await both.items(speak(both, url, TEXTS)) == [b"WHOLE!"]
        with served(saying(delta(b"WHO"), delta(b"LE!"), whole)) as url:
            assert (await both.get(speak(both, url, TEXTS).audio())).content == b"WHOLE!"

    async def test_one_message_can_exceed_one_mebibyte(self, both):
        """WebSocket libraries' default limit: WIRE.md section 6."""
        sound = bytes(range(256)) * (3 << 12)
        with served(saying(delta(sound), event("tts.response.audio.done", audio="A" * (5 << 20)))) as url:
            assert await both.items(speak(both, url, TEXTS)) == [sound]


class TestTheSource:
    @pytest.mark.parametrize("error", [KeyError("x"), StreamInterruptedError("the chat was cut"), SystemExit(3)])
    async def test_its_own_error_comes_out(self, both, emulator, left_behind, error):
        source = Source("One. ", error)
        stream = speak(both, emulator.base_url, source.of(both), timeout=5)
        with pytest.raises(type(error)) as caught:
            await both.items(stream)
        assert caught.value is error
        await left_behind()
        await settled(emulator)

    async def test_an_error_before_its_first_text_connects_nothing(self, both, emulator):
        before = len(emulator.sessions)
        with pytest.raises(KeyError):
            await both.items(speak(both, emulator.base_url, Source(KeyError("x")).of(both)))
        assert len(emulator.sessions) == before

    async def test_an_error_does_not_lose_the_sound_before_it(self, both, emulator):
        gate = Gate()
        stream = speak(both, emulator.base_url, Source("One. ", "Two", gate, KeyError("x")).of(both))
        assert (await both.first(stream)).sentence.strip() == "One."
        gate.set()
        with pytest.raises(KeyError):
            await both.items(stream)

    @pytest.mark.parametrize("texts", [[], [""], ["", None, ""]])
    async def test_without_a_text_nothing_is_sent(self, both, texts):
        stream = speak(both, "http://127.0.0.1:9/v1", texts)
        assert await both.items(stream) == []
        with pytest.raises(InvalidParameterError, match="no text to speak"):
            await both.get(stream.audio())

    @pytest.mark.parametrize("strange", [5, b"bytes", ["list"], {"content": "x"}])
    async def test_what_is_no_text_is_refused(self, both, emulator, left_behind, strange):
        with pytest.raises(InvalidParameterError, match=type(strange).__name__) as caught:
            await both.items(speak(both, emulator.base_url, ["One. ", strange]))
        assert caught.value.param == "input"
        await left_behind()

    async def test_half_a_character_is_refused(self, both, emulator):
        with pytest.raises(InvalidParameterError, match="surrogate"):
            await both.items(speak(both, emulator.base_url, ["One. ", "\ud83d"]))

    async def test_a_long_piece_goes_in_parts(self, both, emulator):
        text = "Word after word, it goes on. " * 80
        await both.items(speak(both, emulator.base_url, [text]))
        sent = [one["data"]["text"] for one in emulator.sessions[-1].received if one["type"] == "tts.text.delta"]
        assert "".join(sent) == text
        assert [len(part) <= 1000 and part.rstrip()[-1] == "." for part in sent] == [True] * 3

    async def test_texts_are_spoken_while_they_are_written(self, both, emulator):
        """The first sound comes before the last token."""
        gate = Gate()
        source = Source("One. ", "Two", gate, ". Three.")
        stream = speak(both, emulator.base_url, source.of(both))
        assert (await both.first(stream)).sentence.strip() == "One."
        assert source.given == ["One. ", "Two"]
        gate.set()
        assert {piece.sentence.strip() for piece in await both.items(stream)} >= {"Two.", "Three."}

    async def test_it_is_not_touched_before_the_first_step(self, both):
        source = Source(*TEXTS)
        stream = speak(both, "http://127.0.0.1:9/v1", source.of(both))
        await both.get(stream.close())
        assert source.given == []

    async def test_it_sees_the_callers_context(self, both, emulator):
        who = contextvars.ContextVar("who", default="nobody")
        who.set("me")
        source = Source("One. ", lambda: f"{who.get()}. ")
        await both.items(speak(both, emulator.base_url, source.of(both)))
        assert emulator.sessions[-1].received[2]["data"]["text"] == "me. "

    @pytest.mark.parametrize("kind", ["list", "iterator", "generator", "set", "own class"])
    async def test_any_iterable_is_one(self, both, emulator, kind):
        class Own:
            def __iter__(self):
                return iter(["One."])

        made = {"list": list, "iterator": iter, "generator": lambda some: (one for one in some), "set": set}
        texts = Own() if kind == "own class" else made[kind](["One."])
        assert await both.items(speak(both, emulator.base_url, texts))

    def test_one_that_never_gives_anything_connects_nothing(self, emulator):
        from tests.unit_tests.stepfun_client.conftest import Both

        before, gate, both = len(emulator.sessions), Gate(), Both("sync")
        stream = speak(both, emulator.base_url, Source(gate).of(both))
        thread = threading.Thread(target=stream._read_to_end)
        thread.start()
        time.sleep(0.05)
        assert len(emulator.sessions) == before
        gate.set()
        thread.join(2)
        assert not thread.is_alive()

    async def test_one_that_never_gives_anything_can_be_cancelled(self, emulator, left_behind):
        from tests.unit_tests.stepfun_client.conftest import Both

        before, both = len(emulator.sessions), Both("async")
        source = Source(Gate())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(speak(both, emulator.base_url, source.of(both)).audio(), 0.05)
        assert source.ended
        assert len(emulator.sessions) == before
        await left_behind()


class TestTheListenerLeaves:
    @pytest.mark.parametrize("how", ["closes", "drops", "ends a with block", "fails"])
    async def test_the_session_ends_and_the_source_is_closed(self, both, emulator, left_behind, how):
        gate = Gate()
        source = Source("One. ", "Two", gate, ". Three.")
        stream = speak(both, emulator.base_url, source.of(both))
        assert (await both.first(stream)).sentence.strip() == "One."
        if how == "closes":
            await both.get(stream.close())
            await both.get(stream.close())
            assert await both.items(stream) == []
        elif how == "drops":
            del stream
            gc.collect()
        else:
            with contextlib.suppress(KeyError):
                await self.leave(both, stream, fail=how == "fails")
        await settled(emulator)
        assert emulator.sessions[-1].closed == 1000
        gate.set()  # a thread that waits in the source ends with the next text; a task is cancelled there
        await left_behind()
        assert source.ended
        assert source.given == ["One. ", "Two"] + ([". Three."] if both.kind == "sync" else [])

    async def leave(self, both, stream, *, fail):
        if both.kind == "sync":
            with stream:
                if fail:
                    raise KeyError
        else:
            async with stream:
                if fail:
                    raise KeyError

    async def test_in_the_middle_of_a_flood(self, both, left_behind):
        """More sound than all buffers hold is on its way; closing does not wait for it."""
        flood = [delta(bytes(1 << 16))] * 200
        with served(saying(*flood, DONE)) as url:
            stream = speak(both, url, TEXTS)
            assert len(await both.first(stream)) == 1 << 16
            start = time.monotonic()
            await both.get(stream.close())
            assert time.monotonic() - start < 1.5
        await left_behind()

    async def test_by_being_cancelled(self, emulator, left_behind):
        from tests.unit_tests.stepfun_client.conftest import Both

        both = Both("async")
        source = Source("One", Gate())
        task = asyncio.ensure_future(speak(both, emulator.base_url, source.of(both)).audio())
        while not (emulator.open_streams and emulator.sessions[-1].received[1:]):  # noqa: ASYNC110 - in its thread
            await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.ended
        await left_behind()
        await settled(emulator)

    def test_as_its_event_loop_ends(self, emulator):
        from tests.unit_tests.stepfun_client.conftest import Both

        both, source = Both("async"), Source("One. ", "Two", Gate())

        async def main():
            async for _ in speak(both, emulator.base_url, source.of(both)):
                break

        asyncio.run(main())
        asyncio.run(settled(emulator))
        assert source.ended


class TestMuchSound:
    async def test_a_slow_listener_hears_all_of_it(self, both):
        """What is on its way is more than the buffers of both sides hold."""
        sounds = [bytes([number]) * (1 << 16) for number in range(250)]
        with served(saying(*map(delta, sounds), DONE)) as url:
            stream = speak(both, url, TEXTS)
            first = await both.first(stream)
            time.sleep(0.3)  # noqa: ASYNC251 - nothing is read meanwhile
            assert [first, *await both.items(stream)] == sounds

    async def test_ten_minutes_take_little_more_memory_than_the_sound(self, both):
        second = delta(bytes(48_000))
        with served(saying(*[second] * 600, DONE)) as url:
            stream = speak(both, url, TEXTS, sample_rate=24000)
            tracemalloc.start()
            try:
                pieces = len(await both.items(stream))
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert pieces == 600
            assert peak < 1.25 * 600 * 48_000
            assert (await both.get(stream.audio())).duration_seconds == 600
