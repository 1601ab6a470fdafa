"""Recognition over the WebSocket, spoken by a client that nobody here wrote (WIRE.md section 8)."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import stepfun_emulator
from stepfun_emulator.errors import Refusal
from stepfun_emulator.recognition.listening import Listener
from stepfun_emulator.recognition.session import Session
from stepfun_emulator.sound.tongue import utter

RATE = 16_000
TEXT = "Hello, this is a test. It has sentences! 你好，世界。 Bye."
FORMAT = {"type": "pcm", "codec": "pcm_s16le", "rate": RATE, "bits": 16, "channel": 1}
TRANSCRIPTION = {"model": "step-asr-1.1-stream"}
VAD = {"type": "server_vad"}
COMMIT = {"type": "input_audio_buffer.commit"}
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
SILENCE = bytes(2 * RATE)

Event = dict[str, Any]


def update(**fields: Any) -> Event:
    given = {"format": FORMAT, "transcription": TRANSCRIPTION, **fields}
    return {"type": "session.update", "session": {"audio": {"input": given}}}


def append(samples: bytes) -> Event:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(samples).decode()}


class Client:
    """A conversation with the emulator, event by event."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def send(self, event: Any) -> None:
        self.socket.send(json.dumps(event))

    def receive(self) -> Event:
        event: Event = json.loads(self.socket.recv(timeout=20))
        assert event["event_id"].startswith("event_")
        return event

    def ask(self, event: Any) -> Event:
        self.send(event)
        return self.receive()

    def until(self, type_: str) -> list[Event]:
        found = [self.receive()]
        while found[-1]["type"] != type_:
            found.append(self.receive())
        return found

    def refused(self, event: Any, param: str) -> str:
        answer = self.ask(event)
        assert list(answer) == ["event_id", "type", "error"]
        assert list(answer["error"]) == ["type", "code", "message", "param"]
        assert (answer["type"], answer["error"]["param"]) == ("error", param)
        return answer["error"]["message"]


@contextmanager
def talking(base_url: str, path: str = "/realtime/asr/stream", **headers: str) -> Iterator[Client]:
    url = base_url.replace("http://", "ws://") + path
    with connect(url, additional_headers={"authorization": "Bearer test", **headers}, max_size=None) as socket:
        yield Client(socket)


@pytest.fixture
def client(emulator) -> Iterator[Client]:
    with talking(emulator.base_url) as client:
        assert client.receive()["type"] == "session.created"
        yield client


# --- The conversation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/realtime/asr/stream", "/audio/asr/stream"])
def test_the_client_commits_where_no_turns_are_detected(emulator, path):
    with talking(emulator.base_url, path) as client:
        created = client.receive()
        assert created["type"] == "session.created"
        assert created["session"]["id"]
        extras = {"full_rerun_on_commit": True, "enable_itn": False, "prompt": "names", "language": "zh"}
        wanted = update(turn_detection=None, transcription={**TRANSCRIPTION, **extras})
        updated = client.ask(wanted)
        assert updated["type"] == "session.updated"
        assert updated["session"] == {"id": created["session"]["id"], **wanted["session"]}
        client.send(append(utter(TEXT, rate=RATE)))
        client.send(COMMIT)
        *deltas, committed, completed = client.until(COMPLETED)
    assert {delta["type"] for delta in deltas} == {DELTA}
    assert (committed["type"], committed["previous_item_id"]) == ("input_audio_buffer.committed", None)
    assert completed["transcript"] == TEXT
    assert completed["usage"]["total_tokens"] > 0
    assert {event["item_id"] for event in (*deltas, committed, completed)} == {completed["item_id"]}


def test_the_text_of_a_delta_is_all_that_is_certain_so_far(client):
    client.ask(update())
    client.send(append(utter(TEXT, rate=RATE)))
    client.send(COMMIT)
    deltas = [event for event in client.until(COMPLETED) if event["type"] == DELTA]
    texts = [delta["text"] for delta in deltas]
    assert len(set(texts)) == len(texts) > 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert texts[-1] == TEXT
    assert {delta["start_time"] for delta in deltas} == {50}
    assert [delta["end_time"] for delta in deltas] == sorted({delta["end_time"] for delta in deltas})


def test_server_vad_detects_turns(client):
    client.ask(update(turn_detection={**VAD, "silence_duration_ms": 600, "threshold": 0.5}))
    first, second = utter("First turn. Still the first.", rate=RATE), utter("第二轮。", rate=RATE)
    audio = SILENCE + first + SILENCE + second + SILENCE
    for at in range(0, len(audio), 3201):  # odd: samples are cut in two
        client.send(append(audio[at : at + 3201]))
    turns = [client.until(COMPLETED) for _ in range(2)]
    items = []
    for turn, text in zip(turns, ["First turn. Still the first.", "第二轮。"], strict=True):
        kinds = [event["type"] for event in turn]
        assert kinds[0] == "input_audio_buffer.speech_started"
        assert kinds[-3:] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed", COMPLETED]
        assert set(kinds[1:-3]) == {DELTA}
        assert turn[-1]["transcript"] == turn[-4]["text"] == text
        assert len({event["item_id"] for event in turn}) == 1
        items.append(turn[0]["item_id"])
    assert [turn[-2]["previous_item_id"] for turn in turns] == [None, items[0]]
    assert turns[0][0]["audio_start_ms"] == pytest.approx(1050, abs=20)
    assert turns[0][-3]["audio_end_ms"] == pytest.approx(1000 + len(first) / 2 / RATE * 1000 - 400, abs=20)
    assert turns[1][0]["audio_start_ms"] > turns[0][-3]["audio_end_ms"]


def test_a_short_silence_parts_sentences(client):
    client.ask(update(turn_detection={**VAD, "silence_duration_ms": 300}))
    client.send(append(utter(TEXT, rate=RATE) + SILENCE))
    texts = [client.until(COMPLETED)[-1]["transcript"] for _ in range(4)]
    assert texts == ["Hello, this is a test.", "It has sentences!", "你好，世界。", "Bye."]


def test_commit_is_only_for_sessions_without_vad(client):
    client.ask(update(turn_detection=VAD))
    client.send(append(SILENCE))
    assert "without turn_detection" in client.refused(COMMIT, "type")


def test_the_service_ignores_a_commit_with_vad_silently():
    with stepfun_emulator.running(lenient=True) as url, talking(url) as client:
        client.receive()
        client.ask(update(turn_detection={**VAD, "prefix_padding_ms": 1}))
        client.send(append(SILENCE))
        client.send(COMMIT)
        client.send(append(utter("Here.", rate=RATE) + SILENCE))
        assert client.until(COMPLETED)[-1]["transcript"] == "Here."


def test_audio_before_session_updated_is_an_error(client):
    assert "session.update" in client.refused(append(SILENCE), "type")
    assert "session.update" in client.refused(COMMIT, "type")
    assert client.ask(update())["type"] == "session.updated"


def test_an_empty_buffer_cannot_be_committed(client):
    client.ask(update())
    assert "empty" in client.refused(COMMIT, "type")
    client.send(append(SILENCE))
    client.send(COMMIT)
    assert client.until(COMPLETED)[-1]["transcript"] == ""
    assert "empty" in client.refused(COMMIT, "type")


def test_other_audio_is_called_that(client):
    noise = np.random.default_rng(3).normal(0, 3000, 3 * RATE).astype("<i2").tobytes()
    client.ask(update())
    client.send(append(noise))
    client.send(COMMIT)
    assert "3.0 seconds of other audio" in client.until(COMPLETED)[-1]["transcript"]


def test_what_is_quieter_than_the_threshold_is_no_turn(client):
    client.ask(update(turn_detection={**VAD, "threshold": 1}))
    client.send(append(utter("Too quiet.", rate=RATE, volume=0.02) + SILENCE + utter("Loud.", rate=RATE) + SILENCE))
    assert client.until(COMPLETED)[-1]["transcript"] == "Loud."


def test_two_channels_at_another_rate(client):
    samples = np.repeat(np.frombuffer(utter("Two ears.", rate=24_000), "<i2"), 2).tobytes()
    client.ask(update(format={**FORMAT, "rate": 24_000, "channel": 2}))
    client.send(append(samples))
    client.send(COMMIT)
    assert client.until(COMPLETED)[-1]["transcript"] == "Two ears."


def test_settings_stay_once_audio_came(client):
    assert client.ask(update(format={**FORMAT, "rate": 8000}))["type"] == "session.updated"
    assert client.ask(update())["type"] == "session.updated"
    client.send(append(b"\0"))
    client.refused(update(), "session")


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"format": None}, "format"),
        ({"format": {**FORMAT, "type": "ogg"}}, "format.type"),
        ({"format": {**FORMAT, "rate": 1000}}, "format.rate"),
        ({"format": {**FORMAT, "bits": 24}}, "format.bits"),
        ({"format": {**FORMAT, "channel": None}}, "format.channel"),
        ({"format": {**FORMAT, "codec": "opus"}}, "format.codec"),
        ({"transcription": {}}, "transcription.model"),
        ({"transcription": {"model": "step-asr"}}, "transcription.model"),
        ({"transcription": {**TRANSCRIPTION, "hotwords": []}}, "transcription.hotwords"),
        ({"transcription": {**TRANSCRIPTION, "full_rerun_on_commit": 1}}, "transcription.full_rerun_on_commit"),
        ({"transcription": {**TRANSCRIPTION, "enable_itn": "no"}}, "transcription.enable_itn"),
        ({"transcription": {**TRANSCRIPTION, "prompt": []}}, "transcription.prompt"),
        ({"transcription": {**TRANSCRIPTION, "language": 1}}, "transcription.language"),
        ({"turn_detection": "server_vad"}, "turn_detection"),
        ({"turn_detection": {"type": "semantic_vad"}}, "turn_detection.type"),
        ({"turn_detection": {**VAD, "silence_duration_ms": 0}}, "turn_detection.silence_duration_ms"),
        ({"turn_detection": {**VAD, "threshold": 1.5}}, "turn_detection.threshold"),
        ({"turn_detection": {**VAD, "threshold": True}}, "turn_detection.threshold"),
        ({"turn_detection": {**VAD, "prefix_padding_ms": 1}}, "turn_detection.prefix_padding_ms"),
        ({"noise_reduction": None}, "noise_reduction"),
    ],
)
def test_what_a_session_may_not_be(client, fields, path):
    client.refused(update(**fields), f"session.audio.input.{path}")


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({"type": "session.finish"}, "type"),
        ({"type": "session.update"}, "session"),
        ({"type": "session.update", "session": {"model": "x"}}, "session.model"),
        ({**update(), "stream": True}, "stream"),
        ({**append(b"xx"), "audio": "?"}, "audio"),
        ({**append(b"xx"), "delta": ""}, "delta"),
        ({**COMMIT, "item_id": ""}, "item_id"),
        ({"audio": ""}, "type"),
        ([], "type"),
        (5, "type"),
    ],
)
def test_what_an_event_may_not_be(client, event, param):
    client.ask(update())
    client.refused(event, param)
    assert client.ask({**update(), "event_id": "mine"})["type"] == "session.updated"


def test_an_unknown_model_is_an_error_event(client):
    answer = client.ask(update(transcription={"model": "whisper-1"}))
    assert answer["error"]["type"] == "model_invalid"


def test_the_handshake_needs_a_key(emulator):
    with pytest.raises(InvalidStatus) as refused, talking(emulator.base_url, authorization="Bearer invalid"):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("path", ["/realtime/asr/stream", "/audio/asr/stream"])
def test_the_plan_has_no_recognition_socket(emulator, path):
    with pytest.raises(InvalidStatus) as refused, talking(emulator.plan_url, path):
        pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("after", range(1, 7))
def test_the_line_can_be_cut_after_each_event(emulator, after):
    headers = {"x-emulator-fault": "cut-websocket", "x-emulator-after": str(after)}
    with talking(emulator.base_url, **headers) as client:
        got = 0
        with suppress(ConnectionClosed):
            for event in (None, update(turn_detection=VAD), append(utter("Cut off.", rate=RATE) + SILENCE)):
                if event:
                    client.send(event)
                client.receive()
                got += 1
            while True:
                client.receive()
                got += 1
    assert got == after


# --- Long audio ------------------------------------------------------------------------------------------------------


def sentences(first: int, last: int) -> str:
    return " ".join(f"This is sentence number {number}, and it goes on a little." for number in range(first, last))


@pytest.mark.parametrize("turns", [None, VAD, {**VAD, "silence_duration_ms": 300}])
def test_a_long_stream_leaves_memory_flat(turns):
    session = Session("session")
    list(session.receive(update(turn_detection=turns)))
    said = []
    peaks = []
    tracemalloc.start()
    try:
        for first in range(0, 100, 20):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            audio = utter(sentences(first, first + 20), rate=RATE)
            for at in range(0, len(audio), 6400):
                said += [one["transcript"] for one in session.receive(append(audio[at : at + 6400])) if is_last(one)]
            del audio
            peaks.append(tracemalloc.get_traced_memory()[0] - before)
        rest = append(SILENCE) if turns else COMMIT
        said += [one["transcript"] for one in session.receive(rest) if is_last(one)]
    finally:
        tracemalloc.stop()
    assert " ".join(said) == sentences(0, 100)
    assert max(peaks) < 1_000_000  # of about 3 MB of samples each time


def is_last(event: Event) -> bool:
    return bool(event["type"] == COMPLETED)


def test_a_turn_without_a_long_silence_ends_at_a_pause_after_a_minute():
    session = Session("session")
    list(session.receive(update(turn_detection={**VAD, "silence_duration_ms": 5000})))
    audio = utter(sentences(0, 40), rate=RATE)
    events = [one for at in range(0, len(audio), 6400) for one in session.receive(append(audio[at : at + 6400]))]
    completed = [event["transcript"] for event in events if is_last(event)]
    assert len(completed) > 2
    assert " ".join(completed) == sentences(0, 40)[: len(" ".join(completed))]
    starts = [event["audio_start_ms"] for event in events if event["type"] == "input_audio_buffer.speech_started"]
    assert all(60_000 < later - earlier < 75_000 for earlier, later in pairwise(starts))


def test_noise_without_end_is_not_kept():
    listener = Listener(8000)
    noise = np.random.default_rng(1).normal(0, 3000, 8000 * 20).astype("<i2").tobytes()
    for _ in range(40):
        assert listener.feed(noise) == []
    assert listener.seconds == 800
    assert listener.noise
    assert len(listener._kept) <= 2 * 8000 * 180
    (heard,) = [*listener.feed(bytes(16_000) + utter("After all.", rate=8000)), *listener.flush()]
    assert heard.text == "After all."
    assert heard.start == pytest.approx(801.05, abs=0.01)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(500, 40_000), min_size=1, max_size=10), vad=st.booleans())
def test_portions_change_nothing(sizes, vad):
    audio = utter("One. Two!", rate=8000) + bytes(16_000) + utter("三。", rate=8000) + bytes(16_000)
    session = Session("session")
    list(session.receive(update(format={**FORMAT, "rate": 8000}, turn_detection=VAD if vad else None)))
    said, at, turn = [], 0, 0
    while at < len(audio):
        size = sizes[turn % len(sizes)]
        said += [one["transcript"] for one in session.receive(append(audio[at : at + size])) if is_last(one)]
        at, turn = at + size, turn + 1
    if not vad:
        said += [one["transcript"] for one in session.receive(COMMIT) if is_last(one)]
    assert said == (["One. Two!", "三。"] if vad else ["One. Two!三。"])


def test_a_refusal_ends_no_session():
    session = Session("session")
    with pytest.raises(Refusal):
        list(session.receive(COMMIT))
    assert [event["type"] for event in session.receive(update())] == ["session.updated"]
