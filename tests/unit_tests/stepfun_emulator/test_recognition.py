"""Recognition over HTTP: files, the event stream and tasks, as WIRE.md section 8 has them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import AsyncOpenAI

import stepfun_emulator
from stepfun_emulator.sound.formats import encode
from stepfun_emulator.sound.tongue import utter

TEXT = "Hello, this is a short StepFun API test. 你好，世界。 It costs 3.14 yuan!"
RATE = 16_000
PCM = {"type": "pcm", "codec": "pcm_s16le", "rate": RATE, "bits": 16, "channel": 1}
MODEL = {"model": "stepaudio-2.5-asr"}


@pytest.fixture(scope="module")
def samples() -> bytes:
    return utter(TEXT, rate=RATE)


@pytest.fixture(scope="module")
def lenient() -> Iterator[httpx.Client]:
    with (
        stepfun_emulator.running(lenient=True) as url,
        httpx.Client(base_url=url, headers={"authorization": "Bearer test"}, trust_env=False) as client,
    ):
        yield client


def noise(seconds: float, rate: int = RATE) -> bytes:
    wave = np.random.default_rng(7).normal(0, 3000, round(seconds * rate))
    return wave.astype("<i2").tobytes()


def refused(response: httpx.Response, param: str, kind: str = "request_params_invalid", status: int = 400) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert (error["type"], error.get("param")) == (kind, param)
    return error["message"]


# --- multipart -------------------------------------------------------------------------------------------------------


def transcribe(http: httpx.Client, data: bytes, name: str = "a.wav", **fields: Any) -> httpx.Response:
    return http.post("/audio/transcriptions", files={"file": (name, data)}, data={"model": "step-asr", **fields})


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "opus", "pcm"])
def test_a_file_of_any_format_says_what_was_said(http, samples, form):
    response = transcribe(http, encode(samples, RATE, form), f"a.{form}")
    assert response.json() == {"text": TEXT}


@pytest.mark.parametrize("name", ["a.wav", "A.WAV", "upload"])
def test_the_name_of_a_file_may_have_any_case_or_no_ending(http, samples, name):
    assert transcribe(http, encode(samples, RATE, "wav"), name).json() == {"text": TEXT}


def test_text_is_plain(http, samples):
    response = transcribe(http, encode(samples, RATE, "mp3"), "a.mp3", response_format="text", hotwords='["StepFun"]')
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text == TEXT


@pytest.mark.parametrize("answer", ["srt", "vtt", "verbose_json"])
def test_subtitles_are_refused_only_support_json_text(http, samples, answer):
    response = transcribe(http, encode(samples, RATE, "wav"), response_format=answer)
    assert refused(response, "response_format") == "only support json,text"


@pytest.mark.parametrize(
    ("name", "data", "fields", "param"),
    [
        ("a.wav", b"x", {"language": "en"}, "language"),
        ("a.wav", b"x", {"model": ""}, "model"),
        ("a.wav", b"x", {"model": "stepaudio-2.5-asr"}, "model"),
        ("a.wav", b"x", {"hotwords": "StepFun"}, "hotwords"),
        ("a.wav", b"x", {"hotwords": '{"a": 1}'}, "hotwords"),
        ("a.wav", b"x", {"hotwords": "[1]"}, "hotwords"),
        ("a.m4a", b"x", {}, "file"),
        ("a.wav", b"", {}, "file"),
    ],
)
def test_what_an_upload_may_not_be(http, name, data, fields, param):
    refused(transcribe(http, data, name, **fields), param)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a"])
def test_what_is_no_audio_is_refused(http, name):
    refused(transcribe(http, b"RIFFno audio at all", name), "file", "input_invalid")


def test_a_file_must_be_smaller_than_100_mb(http):
    assert "too large" in refused(transcribe(http, bytes(100 * 1024 * 1024), "a.pcm"), "file")


def test_an_upload_must_be_multipart_and_have_a_file(http):
    refused(http.post("/audio/transcriptions", json={"model": "step-asr"}), "file")
    refused(http.post("/audio/transcriptions", content=b"x", headers={"content-type": "multipart/form-data"}), "file")
    refused(http.post("/audio/transcriptions", files={"model": (None, "step-asr"), "file": (None, "text")}), "file")


def test_an_unknown_model_is_404(http):
    response = transcribe(http, b"x", model="whisper-1")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "model_invalid")


def test_lenient_ignores_what_is_not_documented(lenient, samples):
    response = transcribe(lenient, encode(samples, RATE, "wav"), language="en", temperature="0")
    assert response.json() == {"text": TEXT}


def test_silence_is_empty_and_other_audio_is_called_that(http):
    assert transcribe(http, encode(bytes(2 * RATE), RATE, "wav")).json() == {"text": ""}
    text = transcribe(http, encode(noise(2.5), RATE, "wav")).json()["text"]
    assert "hears only its own speech" in text
    assert "2.5 seconds" in text


def test_too_low_a_rate_cannot_be_heard(http):
    refused(transcribe(http, encode(bytes(8000), 4000, "wav")), "file", "input_invalid")


def test_openai_client(openai_client, samples, tmp_path: Path):
    path = tmp_path / "said.mp3"
    path.write_bytes(encode(samples, RATE, "mp3"))
    assert openai_client.audio.transcriptions.create(model="step-asr", file=path).text == TEXT
    plain: Any = openai_client.audio.transcriptions.create(
        model="step-asr", file=encode(samples, RATE, "wav"), response_format="text"
    )
    assert plain == TEXT
    with pytest.raises(openai.BadRequestError, match="only support json,text"):
        openai_client.audio.transcriptions.create(model="step-asr", file=path, response_format="srt")


async def test_openai_async_client(emulator, samples):
    async with AsyncOpenAI(base_url=emulator.base_url, api_key="test", max_retries=0) as client:
        file = ("a.flac", encode(samples, RATE, "flac"))
        assert (await client.audio.transcriptions.create(model="step-asr", file=file)).text == TEXT


# --- the event stream ------------------------------------------------------------------------------------------------


def streamed(data: bytes, format_: dict[str, Any], **transcription: Any) -> dict[str, Any]:
    given = {"transcription": {**MODEL, **transcription}, "format": format_}
    return {"audio": {"data": base64.b64encode(data).decode(), "input": given}}


def events(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    *lines, end = response.text.split("\n\n")
    assert end == ""
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("model", ["stepaudio-3-asr-max", "stepaudio-2.5-asr", "stepaudio-2-asr-pro"])
@pytest.mark.parametrize("prefix", ["/v1", "/step_plan/v1"])
def test_events_are_shaped_as_recorded_and_without_done(http, emulator, samples, model, prefix):
    url = emulator.base_url.removesuffix("/v1") + prefix + "/audio/asr/sse"
    response = http.post(url, json=streamed(samples, PCM, model=model))
    *deltas, last = events(response)
    assert [list(delta) for delta in deltas] == [["type", "meta", "delta", "start_time", "end_time"]] * len(deltas)
    assert {delta["type"] for delta in deltas} == {"transcript.text.delta"}
    assert {(delta["start_time"], delta["end_time"]) for delta in deltas} == {(0, 0)}
    assert [delta["delta"] for delta in deltas[:7]] == ["Hello", ",", " this", " is", " a", " short", " StepFun"]
    assert [delta["delta"] for delta in deltas[10:13]] == [" 你", "好", "，"]
    assert "".join(delta["delta"] for delta in deltas) == last["text"] == TEXT
    assert list(last) == ["type", "meta", "text", "usage"]
    usage = last["usage"]
    assert list(usage) == ["type", "input_tokens", "input_token_details", "output_tokens", "total_tokens"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    trace_id = response.headers["x-trace-id"]
    assert {event["meta"]["session_id"] for event in (*deltas, last)} == {trace_id}
    assert all(event["meta"]["timestamp"] > 1_700_000_000_000 for event in deltas)


def test_times_come_only_when_asked_for(http, samples):
    *deltas, _ = events(http.post("/audio/asr/sse", json=streamed(samples, PCM, enable_timestamp=True)))
    times = [time for delta in deltas for time in (delta["start_time"], delta["end_time"])]
    assert times == sorted(times)
    assert 0 < times[0] < 100
    assert times[-1] > len(samples) / 2 / RATE * 1000 - 700
    assert all(delta["start_time"] < delta["end_time"] for delta in deltas)


@pytest.mark.parametrize(("type_", "form"), [("wav", "wav"), ("mp3", "mp3"), ("ogg", "opus")])
def test_only_pcm_needs_numbers(http, samples, type_, form):
    body = streamed(encode(samples, RATE, form), {"type": type_}, language="zh", hotwords=["StepFun"], enable_itn=False)
    assert events(http.post("/audio/asr/sse", json=body))[-1]["text"] == TEXT


def test_two_channels_of_pcm_are_mixed(http, samples):
    both = np.repeat(np.frombuffer(samples, "<i2"), 2).tobytes()
    assert events(http.post("/audio/asr/sse", json=streamed(both, {**PCM, "channel": 2})))[-1]["text"] == TEXT


def test_the_stream_model_is_accepted_as_an_alias(http, samples):
    body = streamed(samples, PCM, model="step-asr-1.1-stream")
    assert events(http.post("/audio/asr/sse", json=body))[-1]["text"] == TEXT


def test_what_cannot_be_decoded_is_an_error_event(http):
    (error,) = events(http.post("/audio/asr/sse", json=streamed(b"no audio", {"type": "mp3"})))
    assert list(error) == ["type", "meta", "message"]
    assert error["type"] == "error"
    assert "decoded" in error["message"]


def test_silence_has_no_deltas(http):
    (done,) = events(http.post("/audio/asr/sse", json=streamed(bytes(RATE), PCM)))
    assert (done["type"], done["text"]) == ("transcript.text.done", "")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": "step-asr-1.1"}, "audio.input.transcription.model"),
        ({"model": None}, "audio.input.transcription.model"),
        ({"language": 5}, "audio.input.transcription.language"),
        ({"hotwords": "a"}, "audio.input.transcription.hotwords"),
        ({"hotwords": [""]}, "audio.input.transcription.hotwords"),
        ({"enable_itn": 1}, "audio.input.transcription.enable_itn"),
        ({"enable_timestamp": "yes"}, "audio.input.transcription.enable_timestamp"),
        ({"temperature": 0}, "audio.input.transcription.temperature"),
    ],
)
def test_what_a_transcription_may_not_be(http, change, param):
    refused(http.post("/audio/asr/sse", json=streamed(b"xx", PCM, **change)), param)


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        ({"type": "m4a"}, "type"),
        ({}, "type"),
        ({**PCM, "rate": None}, "rate"),
        ({**PCM, "rate": 4000}, "rate"),
        ({**PCM, "rate": True}, "rate"),
        ({**PCM, "bits": None}, "bits"),
        ({**PCM, "bits": 8}, "bits"),
        ({**PCM, "channel": None}, "channel"),
        ({**PCM, "channel": 3}, "channel"),
        ({**PCM, "codec": "opus"}, "codec"),
        ({**PCM, "channels": 1}, "channels"),
    ],
)
def test_what_a_format_may_not_be(http, format_, name):
    refused(http.post("/audio/asr/sse", json=streamed(b"xx", format_)), f"audio.input.format.{name}")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], "body"),
        ({}, "audio"),
        ({"audio": {}, "stream": True}, "stream"),
        ({"audio": {"data": "eA=="}}, "audio.input"),
        ({"audio": {"data": "?", "input": {"transcription": MODEL, "format": PCM}}}, "audio.data"),
        ({"audio": {"data": "é", "input": {"transcription": MODEL, "format": PCM}}}, "audio.data"),
        ({"audio": {"data": "====", "input": {"transcription": MODEL, "format": PCM}}}, "audio.data"),
        ({"audio": {"input": {"transcription": MODEL, "format": PCM}}}, "audio.data"),
    ],
)
def test_what_a_body_may_not_be(http, body, param):
    refused(http.post("/audio/asr/sse", json=body), param)


def test_too_large_audio_is_refused(http, samples, monkeypatch):
    monkeypatch.setattr("stepfun_emulator.recognition.sse.LARGEST", 100)
    assert "too large" in refused(http.post("/audio/asr/sse", json=streamed(samples, PCM)), "audio.data")


def test_an_error_in_the_stream_is_an_event_of_its_kind(http, samples):
    faulty = {"x-emulator-fault": "error-in-stream"}
    first, second, error = events(http.post("/audio/asr/sse", json=streamed(samples, PCM), headers=faulty))
    assert first["delta"] + second["delta"] == "Hello,"
    assert set(error) == {"type", "message"}
    assert error["type"] == "error"


def test_lenient_ignores_undocumented_fields_of_the_stream(lenient, samples):
    body = streamed(samples, {**PCM, "channels": 1}, temperature=0)
    assert events(lenient.post("/audio/asr/sse", json=body))[-1]["text"] == TEXT


# --- tasks -----------------------------------------------------------------------------------------------------------


class Shelf(BaseHTTPRequestHandler):
    """Gives out the files of its server."""

    def do_GET(self) -> None:
        content = self.server.files.get(self.path)  # type: ignore[attr-defined]
        self.send_response(302 if self.path == "/moved" else 200 if content is not None else 404)
        self.send_header("location", "/a.wav")
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def shelf(samples) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    pair = np.stack([np.frombuffer(one, "<i2") for one in two_voices()], axis=1).tobytes()
    server.files = {  # type: ignore[attr-defined]
        "/a.wav": encode(samples, RATE, "wav"),
        "/a.mp3?v=1": encode(samples, RATE, "mp3"),
        "/pair.pcm": pair,
        "/broken.mp3": b"no audio",
        "/empty.wav": b"",
        "/long.pcm": samples + bytes(2 * RATE * 61),
    }
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def two_voices() -> tuple[bytes, bytes]:
    left, right = utter("Left side.", rate=RATE), utter("Right side.", rate=RATE)
    return left.ljust(len(right), b"\0"), right


def task(url: str, /, *, format: str = "wav", **fields: Any) -> dict[str, Any]:  # noqa: A002
    request = {name: fields.pop(name) for name in list(fields) if name.startswith(("enable", "show", "model_name"))}
    return {"audio": {"url": url, "format": format, **fields}, "request": {"model_name": "step-asr-1.1", **request}}


def result(http: httpx.Client, body: dict[str, Any], running: int = 1) -> dict[str, Any]:
    response = http.post("/audio/asr/file/submit", json=body)
    assert response.status_code == 200, response.text
    assert list(response.json()) == ["task_id"]
    for _ in range(running):
        assert http.post("/audio/asr/file/query", json=response.json()).json() == {"status": "RUNNING"}
    done: dict[str, Any] = http.post("/audio/asr/file/query", json=response.json()).json()
    assert http.post("/audio/asr/file/query", json=response.json()).json() == done
    return done


def test_a_task_runs_and_then_has_a_text(http, shelf, samples):
    done = result(http, task(f"{shelf}/a.wav"))
    assert done == {"duration": pytest.approx(len(samples) / 2 / RATE, abs=0.001), "result": [{"text": TEXT}]}


def test_utterances_and_words_have_times_in_milliseconds(http, shelf):
    (said,) = result(http, task(f"{shelf}/a.mp3?v=1", format="mp3", show_utterances=True))["result"]
    assert said["text"] == TEXT
    assert [one["text"] for one in said["utterances"]] == [
        "Hello, this is a short StepFun API test.",
        "你好，世界。",
        "It costs 3.14 yuan!",
    ]
    for one in said["utterances"]:
        assert set(one) == {"text", "start_time", "end_time", "words"}
        assert one["start_time"] == one["words"][0]["start_time"]
        assert one["end_time"] == one["words"][-1]["end_time"]
        assert "".join(word["text"] for word in one["words"]) == one["text"].replace(" ", "")
    assert [word["text"] for word in said["utterances"][1]["words"]] == list("你好，世界。")


def test_channels_are_split_when_asked_for(http, shelf):
    pcm = {"format": "pcm", "rate": RATE, "bits": 16, "channels": 2}
    split = result(http, task(f"{shelf}/pair.pcm", **pcm, enable_channel_split=True))
    assert [one["text"] for one in split["result"]] == ["Left side.", "Right side."]
    assert len(result(http, task(f"{shelf}/pair.pcm", **pcm))["result"]) == 1


def test_channel_is_understood_as_channels(http, shelf):
    pcm = {"format": "pcm", "codec": "raw", "rate": RATE, "bits": 16, "channel": 2}
    body = task(f"{shelf}/pair.pcm", **pcm, enable_channel_split=True)
    assert len(result(http, body)["result"]) == 2


def test_long_audio_runs_longer(http, shelf):
    done = result(http, task(f"{shelf}/long.pcm", format="pcm", rate=RATE, bits=16, channels=1), running=2)
    assert done["duration"] > 60
    assert done["result"] == [{"text": TEXT}]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.wav",
        "http://example.invalid/a.wav",
        "http://192.0.2.1/a.wav",
        "http://127.0.0.1:1/a.wav",
        "http://127.0.0.1:99999/a.wav",
        "http://[::1/a.wav",
        "file:///etc/passwd",
        "nowhere",
        "{shelf}/missing.wav",
        "{shelf}/moved",
        "{shelf}/a b",
    ],
)
def test_only_the_loopback_is_fetched(http, shelf, url):
    response = http.post("/audio/asr/file/submit", json=task(url.replace("{shelf}", shelf)))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "input_invalid"
    assert "Cannot fetch the content of url(s)" in error["message"]


def test_a_url_with_the_name_localhost_is_fetched(http, shelf):
    assert result(http, task(shelf.replace("127.0.0.1", "localhost") + "/a.wav"))["result"] == [{"text": TEXT}]


@pytest.mark.parametrize("name", ["broken.mp3", "empty.wav"])
def test_a_file_without_audio_is_refused(http, shelf, name):
    response = http.post("/audio/asr/file/submit", json=task(f"{shelf}/{name}"))
    refused(response, "audio.url", "input_invalid")


def test_too_large_a_file_is_refused(http, shelf, monkeypatch):
    monkeypatch.setattr("stepfun_emulator.recognition.fetching.LARGEST", 100)
    assert "too large" in refused(http.post("/audio/asr/file/submit", json=task(f"{shelf}/a.wav")), "audio.url")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"format": "flac"}, "audio.format"),
        ({"format": "pcm"}, "audio.rate"),
        ({"format": "pcm", "rate": RATE}, "audio.bits"),
        ({"format": "pcm", "rate": RATE, "bits": 16}, "audio.channels"),
        ({"codec": "aac"}, "audio.codec"),
        ({"language": "zh"}, "audio.language"),
        ({"model_name": "step-asr"}, "request.model_name"),
        ({"enable_channel_split": True}, "request.enable_channel_split"),
        ({"enable_channel_split": "no", "channels": 2}, "request.enable_channel_split"),
        ({"enable_speaker_info": True}, "request.enable_speaker_info"),
        ({"show_utterances": 1}, "request.show_utterances"),
    ],
)
def test_what_a_task_may_not_be(http, fields, param):
    refused(http.post("/audio/asr/file/submit", json=task("http://127.0.0.1/a.wav", **fields)), param)


def test_an_unknown_task_is_an_error(http):
    refused(http.post("/audio/asr/file/query", json={"task_id": "none"}), "task_id", "invalid_request_error", 404)
    refused(http.post("/audio/asr/file/query", json={}), "task_id")


@pytest.mark.parametrize("path", ["/audio/transcriptions", "/audio/asr/file/submit", "/audio/asr/file/query"])
def test_the_plan_has_the_event_stream_only(http, emulator, path):
    response = http.post(emulator.plan_url + path, json={})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")


def test_recognition_needs_a_key(emulator):
    for path in ("/audio/transcriptions", "/audio/asr/sse", "/audio/asr/file/submit", "/audio/asr/file/query"):
        assert httpx.post(emulator.base_url + path, json={}).status_code == 401


def test_old_tasks_are_forgotten():
    from stepfun_emulator.errors import Refusal
    from stepfun_emulator.recognition.jobs import Jobs

    jobs = Jobs()
    first, *_, last = [jobs.add({"at": at}, 0) for at in range(1001)]
    assert jobs.poll(last) == {"at": 1000}
    with pytest.raises(Refusal):
        jobs.poll(first)
