"""Recognition of files: every way there is, what goes over the wire, what is refused before, what comes of trouble."""

from __future__ import annotations

import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stepfun_client import (
    APIResponseError,
    APITimeoutError,
    BadRequestError,
    InvalidParameterError,
    NotFoundError,
    ServerError,
    Transcript,
)
from stepfun_client.api.transcription_input import MAX_BYTES
from stepfun_client.audio import Audio
from stepfun_emulator.sound.formats import encode
from stepfun_emulator.sound.tongue import utter

RATE = 16_000
TEXT = "Hello, this is a short StepFun API test. 你好，世界。 It costs 3.14 yuan!"
SENTENCES = ["Hello, this is a short StepFun API test.", "你好，世界。", "It costs 3.14 yuan!"]
SAMPLES = utter(TEXT, rate=RATE)
WAV = encode(SAMPLES, RATE, "wav")
PCM = {"format": "pcm", "sample_rate": RATE, "bits": 16, "channels": 1}
SECONDS = len(SAMPLES) / 2 / RATE
FORM, SSE, TASK = "step-asr", "stepaudio-2.5-asr", "step-asr-1.1"


@pytest.fixture
def hosted():
    """A recording at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = encode(SAMPLES * 8, RATE, "wav") if "long" in self.path else WAV
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def client(both, emulator):
    return both.client(emulator, max_retries=0)


# --- All ways there and back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "form"),
    [(FORM, one) for one in ("wav", "mp3", "opus", "flac")]
    + [(SSE, one) for one in ("wav", "mp3", "opus")]
    + [("step-asr-1.1-stream", "wav"), ("stepaudio-3-asr-max", "mp3")],
)
async def test_a_file_of_any_format_is_heard_by_any_model(both, client, model, form):
    transcript = await both.get(client.transcription.create(encode(SAMPLES, RATE, form), model=model))

    assert (transcript.text, transcript.model) == (TEXT, model)
    assert transcript.trace_id
    assert transcript.duration_seconds == pytest.approx(SECONDS, abs=0.2)
    assert transcript.segments == []


def holders(tmp_path):
    path = tmp_path / "minutes.wav"
    path.write_bytes(WAV)
    later = io.BytesIO(b"before" + WAV)
    later.seek(6)

    class Pipe(io.RawIOBase):
        name = "pipe.wav"
        read = io.BytesIO(WAV).read

    return {
        "path": path,
        "bytes": WAV,
        "bytearray": bytearray(WAV),
        "memoryview": memoryview(WAV),
        "file that stands later": later,
        "pipe": Pipe(),
        "audio": Audio.of(WAV),
        "pcm audio": Audio.of(SAMPLES, format="pcm", sample_rate=RATE),
        "opus audio": Audio.of(encode(SAMPLES, RATE, "opus")),
        "data uri": Audio.of(WAV).data_uri(),
    }


@pytest.mark.parametrize("model", [FORM, SSE])
@pytest.mark.parametrize("holder", holders(Path("/tmp")))
async def test_whatever_holds_the_recording(both, client, model, holder, tmp_path):
    transcript = await both.get(client.transcription.create(holders(tmp_path)[holder], model=model))

    assert transcript.text == TEXT


@pytest.mark.parametrize("model", [FORM, SSE])
async def test_bare_samples_that_are_described(both, client, model):
    transcript = await both.get(client.transcription.create(SAMPLES, model=model, **PCM))

    assert transcript.text == TEXT
    assert transcript.duration_seconds == pytest.approx(SECONDS)


async def test_bare_samples_over_the_form_go_as_they_are_where_nothing_is_told(both, client):
    transcript = await both.get(client.transcription.create(SAMPLES, model=FORM, format="pcm"))

    assert transcript.text == TEXT


async def test_an_open_file_is_neither_closed_nor_moved_by_the_check(both, client):
    file = io.BytesIO(WAV)

    assert (await both.get(client.transcription.create(file, model=FORM))).text == TEXT
    assert not file.closed


async def test_timestamps_give_words_sentences_and_subtitles(both, client):
    transcript = await both.get(client.transcription.create(WAV, model=SSE, timestamps=True, language="zh"))

    assert [segment.text for segment in transcript.segments] == SENTENCES
    assert [word.text for word in transcript.segments[2].words] == ["It", "costs", "3.14", "yuan!"]
    assert [word.text for word in transcript.segments[1].words] == ["你", "好，", "世", "界。"]
    assert transcript.words == [word for segment in transcript.segments for word in segment.words]
    for segment in transcript.segments:
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert (segment.start, segment.end) == (times[0], times[-1])
    assert 0 < transcript.segments[0].start < transcript.segments[-1].end < SECONDS
    assert transcript.language == "zh"
    assert transcript.usage["total_tokens"] > 0
    assert transcript.to_srt().count(" --> ") == 3
    assert transcript.to_vtt().startswith("WEBVTT\n")
    assert transcript.to_text() == TEXT
    assert json.loads(transcript.to_json())["segments"][0]["words"][0]["text"] == "Hello,"


async def test_a_stream_gives_deltas_and_then_the_whole(both, client):
    stream = client.transcription.stream(WAV, model=SSE, timestamps=True)
    deltas = await both.items(stream)

    assert "".join(delta.text for delta in deltas).strip() == TEXT
    assert all(delta.start is not None and delta.end >= delta.start for delta in deltas)
    transcript = await both.get(stream.transcript())
    assert (transcript.text, transcript.trace_id) == (TEXT, stream.trace_id)
    assert [segment.text for segment in transcript.segments] == SENTENCES


async def test_zero_times_without_enable_timestamp_are_no_times(both, client):
    deltas = await both.items(client.transcription.stream(WAV, model=SSE))

    assert {(delta.start, delta.end) for delta in deltas} == {(None, None)}


async def test_a_url_is_fetched_here_for_the_form_and_the_stream(both, wire, server):
    url = server.base_url + "/files/talk.wav?sign=1"
    server.answers(wire.reply(WAV, content_type="audio/wav"), wire.reply({"text": "Hello."}))
    client = both.client(server, max_retries=0)

    assert (await both.get(client.transcription.create(url, model=FORM))).text == "Hello."
    assert b'filename="talk.wav"' in server.requests[1].body
    assert "authorization" not in server.requests[0].headers

    server.answers(wire.reply(WAV), wire.stream(wire.event({"type": "transcript.text.done", "text": "Hello."})))
    stream = client.transcription.stream(url, model=SSE)
    assert (await both.get(stream.transcript())).text == "Hello."


async def test_a_url_that_is_not_public_is_refused(both, client, emulator):
    before = len(emulator.requests)

    with pytest.raises(InvalidParameterError, match="public"):
        await both.get(client.transcription.create("http://10.0.0.1/a.wav", model=SSE))
    assert len(emulator.requests) == before


# --- The asynchronous service ----------------------------------------------------------------------------------------


async def test_a_url_is_transcribed_in_the_background(both, client, hosted):
    transcript = await both.get(client.transcription.create(f"{hosted}/a.wav", model=TASK, timestamps=True, poll=0.01))

    assert transcript.text == TEXT
    assert [segment.text for segment in transcript.segments] == SENTENCES
    assert transcript.segments[0].words[0].text == "Hello,"
    assert transcript.duration_seconds == pytest.approx(SECONDS, abs=0.01)
    assert transcript.model == TASK
    assert transcript.to_srt().count(" --> ") == 3


async def test_a_task_is_submitted_looked_at_and_waited_for(both, client, hosted, capsys):
    api = client.transcription
    task = await both.get(api.submit(f"{hosted}/long.wav"))

    assert (task.task_id != "", task.model, task.is_done) == (True, TASK, False)
    running = await both.get(api.retrieve(task))
    assert (running.status, running.is_done, running.transcript) == ("RUNNING", False, None)
    transcript = await both.get(api.wait(task, poll=0.01, progress=True))
    assert transcript.text.startswith(SENTENCES[0])
    assert transcript.segments == []
    assert "transcription" in capsys.readouterr().err
    again = await both.get(api.retrieve(task.task_id))
    assert (again.is_done, again.transcript.text) == (True, transcript.text)


async def test_a_deadline_names_the_task_so_that_it_can_be_waited_for_again(both, client, hosted):
    task = await both.get(client.transcription.submit(f"{hosted}/long.wav"))

    with pytest.raises(APITimeoutError, match=task.task_id):
        await both.get(client.transcription.wait(task, deadline=0.01, poll=1.0))
    assert (await both.get(client.transcription.wait(task.task_id, poll=0.01))).text


async def test_a_task_whose_fate_is_unknown_is_not_submitted_again(both, server, wire, naps):
    server.answers(wire.error(503), wire.reply({"task_id": "t"}))

    with pytest.raises(ServerError):
        await both.get(both.client(server).transcription.submit("https://example.com/a.wav"))
    assert len(server.requests) == 1


async def test_what_is_submitted(both, server, wire):
    server.answers(wire.reply({"task_id": "t"}))
    await both.get(
        both.client(server).transcription.submit(
            "https://example.com/a.PCM?x=1#y",
            timestamps=True,
            channel_split=True,
            sample_rate=8000,
            bits=16,
            channels=2,
            extra_headers={"x-request-id": "r"},
            extra_body={"audio": {"codec": "raw"}, "more": 1},
        )
    )

    assert server.requests[0].path == "/v1/audio/asr/file/submit"
    assert server.requests[0].headers["x-request-id"] == "r"
    assert server.requests[0].json == {
        "audio": {
            "url": "https://example.com/a.PCM?x=1#y",
            "format": "pcm",
            "rate": 8000,
            "bits": 16,
            "channel": 2,
            "codec": "raw",
        },
        "request": {"model_name": TASK, "enable_channel_split": True, "show_utterances": True},
        "more": 1,
    }


DONE = {
    "duration": 3.5,
    "later": "kept",
    "result": [
        {"text": "Yes.", "utterances": [{"text": "Yes.", "start_time": 2000, "end_time": 2500, "words": None}]},
        {
            "text": "Ready?",
            "utterances": [
                {"text": "Ready?", "start_time": 0, "end_time": 900, "words": [{"word": "Ready?", "end_time": 900}]}
            ],
        },
        {"text": "Mm."},
    ],
}


async def test_channels_are_told_apart(both, server, wire):
    server.answers(wire.reply(DONE))
    task = await both.get(both.client(server).transcription.retrieve("t"))

    transcript = task.transcript
    assert transcript.text == "Yes.\nReady?\nMm."
    assert [(one.text, one.channel, one.start, one.end) for one in transcript.segments] == [
        ("Ready?", 1, 0.0, 0.9),
        ("Mm.", 2, None, None),
        ("Yes.", 0, 2.0, 2.5),
    ]
    assert transcript.segments[0].words[0].end == 0.9
    assert transcript.duration_seconds == 3.5
    assert transcript.model_extra["later"] == "kept"


@pytest.mark.parametrize("result", [{"text": "One."}, [{"utterances": [{"text": "One.", "end_time": 5}]}]])
async def test_one_result_has_no_channel(both, server, wire, result):
    server.answers(wire.reply({"status": "SUCCESS", "result": result}))
    task = await both.get(both.client(server).transcription.retrieve("t"))

    assert task.transcript.text == "One."
    assert [segment.channel for segment in task.transcript.segments] in ([], [None])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "FAILED", "message": "cannot decode"}, (ServerError, "task t failed: cannot decode")),
        ({"status": "failed"}, (ServerError, "task t failed: status failed")),
        (
            {"error": {"type": "input_invalid", "message": "url invalid"}},
            (BadRequestError, "task t failed: url invalid"),
        ),
        ({"status": "ERROR", "error": "broken"}, (ServerError, "task t failed: broken")),
        ({"status": "SUCCESS"}, (APIResponseError, "no result")),
        ({"result": ["what?"]}, (APIResponseError, "what")),
        (["what?"], (APIResponseError, "no JSON object")),
    ],
)
async def test_a_task_that_fails_says_so(both, server, wire, body, expected):
    error, words = expected
    server.answers(wire.reply(body))

    with pytest.raises(error, match=words) as caught:
        await both.get(both.client(server).transcription.wait("t"))
    assert caught.value.trace_id == wire.trace_id


async def test_a_task_that_nobody_knows(both, client):
    with pytest.raises(NotFoundError):
        await both.get(client.transcription.retrieve("0" * 32))


# --- On the wire -----------------------------------------------------------------------------------------------------


async def test_what_the_event_stream_is_asked(both, server, wire):
    server.answers(wire.stream(wire.event({"type": "transcript.text.done", "text": ""})))
    await both.get(
        both.client(server).transcription.create(
            b"\0\0" * 100,
            model="a-model-of-tomorrow",
            language=" en ",
            hotwords=["StepFun", "阶跃"],
            enable_itn=False,
            timestamps=True,
            extra_headers={"x-one": "1"},
            extra_body={"audio": {"input": {"transcription": {"diarize": True}}}},
            **PCM,
        )
    )

    (request,) = server.requests
    assert request.path == "/v1/audio/asr/sse"
    assert (request.headers["accept"], request.headers["x-one"]) == ("text/event-stream", "1")
    assert request.json == {
        "audio": {
            "data": base64.b64encode(b"\0\0" * 100).decode(),
            "input": {
                "transcription": {
                    "model": "a-model-of-tomorrow",
                    "language": "en",
                    "hotwords": ["StepFun", "阶跃"],
                    "enable_itn": False,
                    "enable_timestamp": True,
                    "diarize": True,
                },
                "format": {"type": "pcm", "codec": "pcm_s16le", "rate": RATE, "bits": 16, "channel": 1},
            },
        }
    }


async def test_hotwords_are_a_json_array_string_on_the_form(both, server, wire, tmp_path):
    server.answers(wire.reply({"text": "好", "usage": {"seconds": 1}, "later": 1, "segments": "of no known shape"}))
    path = tmp_path / "会议.mp3"
    path.write_bytes(b"ID3 and so on")
    transcript = await both.get(
        both.client(server).transcription.create(
            path, model=FORM, hotwords=["阶跃"], extra_body={"response_format": "json", "more": [1]}
        )
    )

    body = server.requests[0].body.decode()
    assert server.requests[0].path == "/v1/audio/transcriptions"
    for field in (
        'name="model"\r\n\r\nstep-asr\r\n',
        'name="hotwords"\r\n\r\n["阶跃"]\r\n',
        'name="response_format"\r\n\r\njson\r\n',
        'name="more"\r\n\r\n[1]\r\n',
    ):
        assert field in body
    assert "audio/mpeg" in body
    assert (transcript.text, transcript.usage, transcript.segments) == ("好", {"seconds": 1}, [])
    assert transcript.model_extra["later"] == 1


@pytest.mark.parametrize(
    ("name", "sent"), [("speech.wav", "speech.wav"), ("speech.bin", "audio.wav"), ("x.mp3", "audio.wav")]
)
async def test_a_file_goes_under_a_name_whose_ending_is_right(both, server, wire, name, sent):
    server.answers(wire.reply({"text": ""}))
    file = io.BytesIO(WAV)
    file.name = f"/somewhere/{name}"
    await both.get(both.client(server).transcription.create(file, model=FORM))

    assert f'filename="{sent}"'.encode() in server.requests[0].body


async def test_plain_text_is_read_where_it_was_asked_for(both, client):
    transcript = await both.get(client.transcription.create(WAV, model=FORM, extra_body={"response_format": "text"}))

    assert transcript.text == TEXT


@pytest.mark.parametrize(("transport", "path"), [("multipart", "/transcriptions"), ("sse", "/sse")])
async def test_the_way_may_be_chosen_by_the_caller(both, server, wire, transport, path):
    server.answers(wire.error(400, "request_params_invalid"))

    with pytest.raises(BadRequestError):
        await both.get(both.client(server).transcription.create(WAV, model="step-3.7-flash", transport=transport))
    assert server.requests[0].path.endswith(path)


# --- Refused before anything is sent ---------------------------------------------------------------------------------

REFUSED = {
    "no model": (WAV, {"model": " "}, "model", "text"),
    "a chat model": (WAV, {"model": "step-3.7-flash"}, "model", "step-asr"),
    "an unknown transport": (WAV, {"model": SSE, "transport": "pigeon"}, "transport", "multipart"),
    "bytes for a task": (WAV, {"model": TASK}, "file", "step-asr, "),
    "a path for a task": (Path("a.wav"), {"model": TASK}, "file", "public http"),
    "a data URI for a task": ("data:audio/wav;base64,AAAA", {"model": TASK}, "file", "public http"),
    "a path as text": ("talk.wav", {"model": SSE}, "file", "Path"),
    "nothing": (b"", {"model": SSE}, "file", "empty"),
    "nothing on the form": (io.BytesIO(b""), {"model": FORM}, "file", "empty"),
    "text": (io.StringIO("no"), {"model": FORM}, "file", "binary"),
    "a number": (7, {"model": SSE}, "file", "int holds no recording"),
    "flac over sse": (b"fLaC....", {"model": SSE}, "file", "step-asr takes flac"),
    "a picture": (b"GIF89a....", {"model": FORM}, "file", "image/gif.*ffmpeg"),
    "m4a": (b"\0\0\0\x20ftypM4A ....", {"model": SSE}, "file", "audio/mp4.*ffmpeg"),
    "who knows what": (b"\1\2\3\4\5\6\7\x08", {"model": SSE}, "format", "format='pcm'"),
    "another format": (WAV, {"model": SSE, "format": "mp3"}, "format", "audio/wav"),
    "wav as pcm": (WAV, {"model": SSE, **PCM}, "format", "audio/wav"),
    "an unknown format": (b"\1\2", {"model": SSE, "format": "aac"}, "format", "pcm, or left out"),
    "pcm without rate": (b"\1\2", {"model": SSE, **PCM, "sample_rate": None}, "sample_rate", "16000"),
    "pcm without bits": (b"\1\2", {"model": SSE, **PCM, "bits": None}, "bits", "bits=16"),
    "pcm without channels": (b"\1\2", {"model": FORM, **PCM, "channels": None}, "channels", "channels=1"),
    "pcm task without rate": ("https://a.example/a.pcm", {"model": TASK}, "sample_rate", "pcm"),
    "a rate of 0": (b"\1\2", {"model": SSE, **PCM, "sample_rate": 0}, "sample_rate", "greater"),
    "a rate for wav on the form": (WAV, {"model": FORM, "sample_rate": 8000}, "sample_rate", "no field"),
    "language on the form": (WAV, {"model": FORM, "language": "en"}, "language", "SSE.*stepaudio-2.5-asr"),
    "itn on the form": (WAV, {"model": FORM, "enable_itn": False}, "enable_itn", "SSE"),
    "timestamps on the form": (WAV, {"model": FORM, "timestamps": True}, "timestamps", "SSE.*asynchronous"),
    "channel_split over sse": (
        WAV,
        {"model": SSE, "channel_split": True},
        "channel_split",
        "asynchronous.*step-asr-1.1",
    ),
    "deadline over sse": (WAV, {"model": SSE, "deadline": 5}, "deadline", "asynchronous"),
    "hotwords for a task": ("https://a.example/a.wav", {"model": TASK, "hotwords": ["a"]}, "hotwords", "multipart"),
    "hotwords as text": (WAV, {"model": SSE, "hotwords": "StepFun"}, "hotwords", "list"),
    "an empty hotword": (WAV, {"model": SSE, "hotwords": [""]}, "hotwords", "at least 1"),
    "an empty language": (WAV, {"model": SSE, "language": " "}, "language", "at least 1"),
    "subtitles": (WAV, {"model": FORM, "response_format": "srt"}, "response_format", "to_srt"),
    "a typing error": (WAV, {"model": SSE, "langauge": "en"}, "langauge", "no parameter"),
    "a deadline of 0": ("https://a.example/a.wav", {"model": TASK, "deadline": 0}, "deadline", "greater"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_refused_before_anything_is_sent(both, client, emulator, case):
    file, asked, param, words = REFUSED[case]
    before = len(emulator.requests)

    with pytest.raises(InvalidParameterError, match=words) as caught:
        await both.get(client.transcription.create(file, **asked))
    assert caught.value.param == param
    assert len(emulator.requests) == before


@pytest.mark.parametrize("model", [FORM, SSE])
async def test_what_is_refused_of_a_file_on_the_disk(both, client, emulator, tmp_path, model):
    before = len(emulator.requests)
    large, empty = tmp_path / "large.wav", tmp_path / "empty.wav"
    with large.open("wb") as file:
        file.write(WAV)
        file.truncate(MAX_BYTES + 1)
    empty.touch()

    for file in (large, empty):
        with pytest.raises(InvalidParameterError):
            await both.get(client.transcription.create(file, model=model))
    with pytest.raises(FileNotFoundError):
        await both.get(client.transcription.create(tmp_path / "absent.wav", model=model))
    assert len(emulator.requests) == before


@pytest.mark.parametrize("asked", [{"model": FORM}, {"model": TASK}, {"model": SSE, "transport": "multipart"}])
def test_what_does_not_stream_is_refused_at_once(both, client, asked):
    with pytest.raises(InvalidParameterError, match=r"does not stream; these do: .*stepaudio-2.5-asr"):
        client.transcription.stream(WAV, **asked)


def test_asking_for_nothing_special_is_no_parameter_too_many(both, client):
    stream = client.transcription.stream(WAV, model=SSE, timestamps=False)

    assert stream.trace_id is None


@pytest.mark.parametrize("times", [{"deadline": 0}, {"poll": -1}])
async def test_times_to_wait_are_above_zero(both, client, times):
    with pytest.raises(InvalidParameterError, match="above 0"):
        await both.get(client.transcription.wait("t", **times))


def test_transcripts_pickle_and_say_what_they_are():
    import pickle

    transcript = Transcript(text="Hello.", trace_id="t")

    assert pickle.loads(pickle.dumps(transcript)) == transcript
    assert not transcript.has_times
