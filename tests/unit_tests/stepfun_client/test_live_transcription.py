"""Live recognition: turns and commits, what is sent and when, how the end is found, cuts at each event, flat memory."""

from __future__ import annotations

import base64
import json
import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from stepfun_client import (
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    InvalidParameterError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from stepfun_client.api.live_params import live_settings
from stepfun_client.api.live_transcription import LiveDialogue
from stepfun_client.api.transcription import COMMIT
from stepfun_client.audio import Audio
from stepfun_emulator.sound.formats import encode
from stepfun_emulator.sound.tongue import utter

RATE = 16_000
FIRST, SECOND = utter("Hello, world.", rate=RATE), utter("再见！", rate=RATE)
PAUSE = bytes(2 * RATE * 2)
TALK = FIRST + PAUSE + SECOND
SOON = {"patience": 0.3}
TRANSCRIPTION = "conversation.item.input_audio_transcription"


def pieces(sound, size=3001):
    return [sound[at : at + size] for at in range(0, len(sound), size)]


@pytest.fixture
def client(both, emulator):
    return both.client(emulator, max_retries=0)


# --- With the emulator -----------------------------------------------------------------------------------------------


async def test_the_service_finds_the_turns(both, client):
    live = client.transcription.live(pieces(TALK), **SOON)
    events = await both.items(live)

    kinds = [event.type for event in events if event.type != "delta"]
    assert kinds == ["speech_started", "speech_stopped", "committed", "completed"] * 2
    assert any(event.type == "delta" and event.text and event.end > event.start for event in events)
    transcript = await both.get(live.transcript())
    assert transcript.text == "Hello, world.再见！"
    assert [segment.text for segment in transcript.segments] == ["Hello, world.", "再见！"]
    first, second = transcript.segments
    assert 0 <= first.start < first.end < second.start < second.end
    assert transcript.usage["total_tokens"] == sum(e.usage["total_tokens"] for e in events if e.type == "completed")
    assert transcript.usage["input_token_details"]["text_tokens"] > 0
    assert (transcript.trace_id, transcript.model) == (live.trace_id, "step-asr-1.1-stream")
    assert transcript.to_srt().count(" --> ") == 2


async def test_the_end_is_found_at_once_where_no_further_turn_finds_room(both, client):
    started = time.monotonic()
    live = client.transcription.live(FIRST, turn_detection={"silence_duration_ms": 500}, patience=60, language="en")
    transcript = await both.get(live.transcript())

    assert (transcript.text, transcript.language) == ("Hello, world.", "en")
    assert time.monotonic() - started < 10


async def test_commits_end_utterances_where_nobody_else_does(both, client, emulator):
    spoken = [*pieces(FIRST), COMMIT, b"", COMMIT, *pieces(SECOND), COMMIT]
    live = client.transcription.live(spoken, turn_detection=None)
    completed = [event async for event in aiter_of(both, live) if event.type == "completed"]

    assert [event.transcript for event in completed] == ["Hello, world.", "再见！"]
    kinds = [event["type"] for event in emulator.sessions[-1].received]
    assert kinds.count("input_audio_buffer.commit") == 2
    assert (await both.get(live.transcript())).text == "Hello, world.再见！"


async def aiter_of(both, stream):
    for item in await both.items(stream):
        yield item


async def test_the_end_of_the_input_commits(both, client):
    live = client.transcription.live(FIRST, turn_detection=None)

    assert (await both.get(live.transcript())).text == "Hello, world."


async def test_sound_from_an_asynchronous_source(client, both):
    if both.kind == "sync":
        pytest.skip("a synchronous client takes a synchronous source")

    async def microphone():
        for piece in pieces(FIRST):
            yield piece

    assert (await client.transcription.live(microphone(), **SOON).transcript()).text == "Hello, world."


async def test_silence_ends_too_and_says_nothing(both, client):
    transcript = await both.get(client.transcription.live(bytes(2 * RATE), **SOON).transcript())

    assert (transcript.text, transcript.segments, transcript.usage) == ("", [], None)


@pytest.mark.parametrize("spoken", [[], [b""], [COMMIT]])
async def test_no_sound_at_all_is_no_transcript(both, client, spoken):
    transcript = await both.get(client.transcription.live(spoken, turn_detection=None).transcript())

    assert transcript.text == ""


async def test_the_session_is_set_up_before_sound_is_sent(both, client, emulator):
    live = client.transcription.live(
        FIRST,
        language="en",
        prompt="greetings",
        enable_itn=True,
        full_rerun_on_commit=True,
        turn_detection={"silence_duration_ms": 600, "threshold": 0.4},
        **SOON,
    )
    await both.get(live.transcript())

    session = emulator.sessions[-1]
    assert session.path == "/v1/realtime/asr/stream"
    update, *rest = session.received
    assert update == {
        "type": "session.update",
        "session": {
            "audio": {
                "input": {
                    "format": {"type": "pcm", "codec": "pcm_s16le", "rate": RATE, "bits": 16, "channel": 1},
                    "transcription": {
                        "model": "step-asr-1.1-stream",
                        "language": "en",
                        "prompt": "greetings",
                        "full_rerun_on_commit": True,
                        "enable_itn": True,
                    },
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 600, "threshold": 0.4},
                }
            }
        },
    }
    assert {event["type"] for event in rest} == {"input_audio_buffer.append"}
    assert [event["type"] for event in session.sent[:2]] == ["session.created", "session.updated"]


async def test_an_error_of_the_service_is_raised_with_its_type(both, client):
    live = client.transcription.live(FIRST, turn_detection=None, extra_body={"undocumented": 1})

    with pytest.raises(BadRequestError, match="undocumented") as caught:
        await both.items(live)
    assert caught.value.trace_id == live.trace_id
    assert caught.value.trace_id


@pytest.mark.parametrize("fault", ["cut-websocket", "close-websocket"])
@pytest.mark.parametrize("after", range(7))
async def test_a_session_cut_at_each_event_is_interrupted(both, emulator, fault, after):
    headers = {"x-emulator-fault": fault, "x-emulator-after": str(after)}
    live = both.client(emulator, default_headers=headers).transcription.live(pieces(TALK), **SOON)

    with pytest.raises(StreamInterruptedError):
        await both.items(live)
    with pytest.raises(StreamInterruptedError, match="no whole transcript"):
        await both.get(live.transcript())


async def test_leaving_a_session_closes_it(both, emulator, client):
    live = client.transcription.live(pieces(TALK), **SOON)
    assert (await both.first(live)).type == "speech_started"
    await both.get(live.close())

    for _ in range(200):
        if emulator.sessions[-1].closed is not None:
            break
        time.sleep(0.01)  # noqa: ASYNC251 - the emulator has a thread of its own
    assert emulator.sessions[-1].closed is not None
    with pytest.raises(StreamInterruptedError, match="no whole transcript"):
        await both.get(live.transcript())


# --- With a service that says what it likes --------------------------------------------------------------------------


@pytest.fixture
def spoken_to():
    """A session with a script: what it says when the sound begins; `None` closes it in good order."""
    script, heard = [], []

    def session(connection):
        connection.send(json.dumps({"type": "session.created"}))
        try:
            for message in connection:
                event = json.loads(message)
                heard.append((connection.request.path, event))
                if event["type"] == "session.update":
                    connection.send(json.dumps({"type": "session.updated"}))
                elif event["type"].endswith(("append", "commit")) and script:
                    said, script[:] = list(script), []
                    for one in said:
                        if one is None:
                            time.sleep(0.3)
                            return
                        connection.send(json.dumps(one))
        except ConnectionClosed:
            pass

    with serve(session, "127.0.0.1", 0, max_size=None, max_queue=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.script, server.heard = script, heard
        server.base_url = f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        yield server
        server.shutdown()
        thread.join()


def completed(text="Hi.", **more):
    return [
        {"type": "input_audio_buffer.speech_started"},
        {"type": "input_audio_buffer.speech_stopped"},
        {"type": "input_audio_buffer.committed"},
        {"type": f"{TRANSCRIPTION}.completed", "transcript": text, **more},
    ]


async def test_an_unknown_event_is_passed_on_and_never_lost(both, spoken_to):
    event = {"type": "input_audio_buffer.tomorrow", "item_id": "i", "x": [1]}
    spoken_to.script[:] = [event, *completed()]
    events = await both.items(both.client(spoken_to).transcription.live(FIRST, **SOON))

    unknown = events[0]
    assert (unknown.type, unknown.name, unknown.item_id, unknown.event) == ("unknown", event["type"], "i", event)


async def test_where_no_event_tells_the_end_patience_does(both, spoken_to):
    spoken_to.script[:] = completed()
    started = time.monotonic()
    live = both.client(spoken_to, timeout=0.8).transcription.live(FIRST, patience=1.0)

    assert (await both.get(live.transcript())).text == "Hi."
    assert 1.0 <= time.monotonic() - started < 10


async def test_a_service_that_closes_when_all_is_said_has_ended_it(both, spoken_to):
    spoken_to.script[:] = [*completed(), None]
    live = both.client(spoken_to).transcription.live(FIRST, patience=60)

    assert (await both.get(live.transcript())).text == "Hi."


async def test_a_service_that_closes_before_has_interrupted_it(both, spoken_to):
    spoken_to.script[:] = [*completed()[:-1], None]

    with pytest.raises(StreamInterruptedError):
        await both.items(both.client(spoken_to).transcription.live(FIRST, **SOON))


async def test_a_transcript_that_never_comes_is_a_timeout(both, spoken_to):
    spoken_to.script[:] = completed()[:-1]

    with pytest.raises(APITimeoutError):
        await both.items(both.client(spoken_to).transcription.live(FIRST, timeout=0.3, **SOON))


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"type": "error", "error": {"type": "rate_limited", "message": "later", "param": "p"}}, RateLimitError),
        ({"type": "error", "message": "no"}, APIStatusError),
        ({"type": f"{TRANSCRIPTION}.failed", "error": {"message": "no"}}, ServerError),
    ],
)
async def test_an_error_event_is_raised(both, spoken_to, event, error):
    spoken_to.script[:] = [event]

    with pytest.raises(error):
        await both.items(both.client(spoken_to).transcription.live(FIRST, **SOON))


async def test_the_path_may_be_the_one_some_report(both, spoken_to):
    spoken_to.script[:] = completed()
    live = both.client(spoken_to).transcription.live(FIRST, path="/audio/asr/stream", **SOON)

    assert (await both.get(live.transcript())).text == "Hi."
    assert {path.rstrip("?") for path, _ in spoken_to.heard} == {"/v1/audio/asr/stream"}


async def test_any_format_may_be_committed(both, spoken_to):
    spoken_to.script[:] = completed("Hi.", usage={"type": "tokens", "n": 1})
    mp3 = encode(FIRST, RATE, "mp3")
    live = both.client(spoken_to).transcription.live(mp3, format="mp3", turn_detection=None)

    assert (await both.get(live.transcript())).usage == {"type": "tokens", "n": 1}
    sent = [base64.b64decode(event["audio"]) for _, event in spoken_to.heard if "audio" in event]
    assert b"".join(sent) == mp3


# --- Refused before a session is opened ------------------------------------------------------------------------------

REFUSED = {
    "a model for files": ({"model": "stepaudio-2.5-asr"}, "model", "step-asr-1.1-stream does"),
    "no model": ({"model": ""}, "model", "text"),
    "no rate": ({"sample_rate": 0}, "sample_rate", "greater"),
    "a strange detection": ({"turn_detection": "push"}, "turn_detection", "server_vad"),
    "a negative silence": ({"turn_detection": {"silence_duration_ms": -1}}, "silence_duration_ms", "greater"),
    "mp3 with turns": ({"format": "mp3"}, "format", "silence that is appended"),
    "a path without slash": ({"path": "asr"}, "path", "slash"),
    "a typing error": ({"langauge": "en"}, "langauge", "no parameter"),
    "hotwords": ({"hotwords": ["a"]}, "hotwords", "no parameter"),
    "a timeout of 0": ({"timeout": 0}, "timeout", "greater"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_before_a_session_is_opened(both, client, emulator, case):
    asked, param, words = REFUSED[case]
    before = len(emulator.sessions)

    with pytest.raises(InvalidParameterError, match=words) as caught:
        client.transcription.live(FIRST, **asked)
    assert caught.value.param == param
    assert len(emulator.sessions) == before


@pytest.mark.parametrize("piece", ["talk", 7, 0, np.zeros(9, "<i2"), None], ids=type)
async def test_every_piece_is_bytes(both, client, piece):
    live = client.transcription.live([piece])
    if piece is None:  # an empty piece, as of a chat that has nothing to say
        assert (await both.get(live.transcript())).text == ""
        return
    with pytest.raises(InvalidParameterError, match=r"every piece must be bytes .*tobytes"):
        await both.items(live)


async def test_pieces_that_come_asynchronously_are_for_the_asynchronous_client(both, client):
    async def microphone():
        yield FIRST

    if both.kind == "async":
        transcript = await client.transcription.live(microphone(), turn_detection=None).transcript()
        assert transcript.text == "Hello, world."
        return
    with pytest.raises(InvalidParameterError, match="use AsyncStepFunClient"):
        client.transcription.live(microphone())


async def test_what_is_in_memory_is_not_there_twice(both, client):
    sound = bytes(2 * RATE * 300)
    tracemalloc.start()
    await both.items(client.transcription.live(sound, turn_detection=None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(sound) / 3


@pytest.mark.parametrize("audio", ["talk.wav", 7, Audio.of(FIRST, format="pcm", sample_rate=RATE)])
def test_sound_is_pieces_of_bytes(both, client, audio):
    with pytest.raises(InvalidParameterError, match="iterable of bytes"):
        client.transcription.live(audio)


@pytest.mark.parametrize("spoken", [[encode(FIRST, RATE, "wav")], [FIRST, COMMIT]])
async def test_what_the_session_cannot_be_given(both, client, spoken):
    with pytest.raises(InvalidParameterError, match=r"WAV file|COMMIT is only for"):
        await both.items(client.transcription.live(spoken, **SOON))


# --- The dialogue by itself ------------------------------------------------------------------------------------------


def dialogue(**more):
    asked = {"format": "pcm", "sample_rate": RATE, "bits": 16, "channels": 1, "turn_detection": "server_vad"}
    return LiveDialogue(live_settings(model="step-asr-1.1-stream", params={}, **{**asked, **more}))


@given(st.lists(st.binary(max_size=20_000), max_size=6), st.sampled_from([None, {"silence_duration_ms": 300}]))
def test_pieces_of_any_size_go_in_events_of_200_ms(spoken, turns):
    held = dialogue(turn_detection=turns)
    events = [event for piece in spoken if piece[:4] != b"RIFF" for event in held.send(piece)] + held.end()

    sent = [base64.b64decode(event["audio"]) for event in events if "audio" in event]
    sound = b"".join(piece for piece in spoken if piece[:4] != b"RIFF")
    silence = bytes(2 * RATE * 800 // 1000) if turns else b""
    assert b"".join(sent) == sound + silence
    assert all(0 < len(one) <= 6400 for one in sent)


def test_an_hour_of_sound_takes_no_memory():
    held, piece = dialogue(), bytes(64_000)
    tracemalloc.start()
    for second in range(0, 3600, 2):
        held.send(piece)
        for kind, more in (("speech_started", {}), ("committed", {})):
            held.receive({"type": f"input_audio_buffer.{kind}", "item_id": str(second), **more})
        times = {"item_id": str(second), "start_time": second * 1000, "end_time": second * 1000 + 900}
        for _ in range(5):
            held.receive({"type": f"{TRANSCRIPTION}.delta", "text": "Hi", **times})
        held.receive({"type": f"{TRANSCRIPTION}.completed", "transcript": "Hi.", "item_id": str(second)})
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 200_000
