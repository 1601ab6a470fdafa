"""Voices: cloned once and never twice, from recordings that were checked before; previews, lists, official voices."""

from __future__ import annotations

import base64
import io
import json
import wave

import numpy as np
import pytest
import soundfile

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    InvalidParameterError,
    ServerError,
)
from stepfun_client.api import voice_samples
from stepfun_client.audio import Audio

MODEL = "step-tts-2"
WORDS = "The quick brown fox jumps over the lazy dog."


def wav(seconds, *, rate=16000, loud=9000):
    """A tone; of another loudness, another file."""
    samples = (loud * np.sin(np.arange(round(seconds * rate)) / 9)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def mp3(seconds, rate=16000):
    samples, file = 0.3 * np.sin(np.arange(round(seconds * rate)) / 9), io.BytesIO()
    soundfile.write(file, samples, rate, format="MP3")
    return file.getvalue()


@pytest.fixture
def voices(both, emulator):
    """`client.voices` of either client; a call returns what it returns."""
    return both.client(base_url=emulator.base_url).voices


@pytest.fixture
def scripted(both, server):
    """The same, on a scripted server."""
    return both.client(server).voices


@pytest.fixture(params=["path", "bytes", "bytearray", "file", "audio", "pcm"])
def recording(request, tmp_path):
    content = wav(6)
    path = tmp_path / "my voice.wave"
    path.write_bytes(content)
    return {
        "path": path,
        "bytes": content,
        "bytearray": bytearray(content),
        "file": io.BytesIO(content),
        "audio": Audio.of(content),
        "pcm": Audio.of(content[44:], format="pcm", sample_rate=16000),
    }[request.param]


# --- Cloning ----------------------------------------------------------------------------------------------------------


async def test_a_voice_is_cloned_from_a_recording(both, voices, recording, emulator):
    voice = await both.get(voices.create(recording, model=MODEL, text=WORDS))

    assert voice.id
    assert voice.trace_id
    assert (voice.sample_text, voice.sample_audio.text) == (WORDS, WORDS)
    assert (voice.sample_audio.format, voice.sample_audio.voice) == ("wav", voice.id)
    assert voice.sample_audio.model == MODEL
    assert voice.sample_audio.trace_id == voice.trace_id
    assert voice.id in [known.id for known in await both.get(voices.list())]


async def test_an_mp3_is_as_good(both, voices):
    assert (await both.get(voices.create(mp3(6), model=MODEL))).sample_audio is None


async def test_a_file_uploaded_before_is_named_by_its_id(both, voices, emulator):
    new = wav(7, loud={"sync": 5000, "async": 6000}[both.kind])
    file = await both.get(both.client(base_url=emulator.base_url).files.create(new, filename="a.wav"))

    first = await both.get(voices.create(file_id=file.id, model=MODEL))
    second = await both.get(voices.create(file_id=file.id, model=MODEL))

    assert (first.file_id, first.duplicated, second.duplicated) == (file.id, False, True)
    assert first.id == second.id
    assert [known.file_id for known in await both.get(voices.list()) if known.id == first.id] == [file.id]


@pytest.mark.parametrize("seconds", [5, 10])
async def test_five_and_ten_seconds_are_enough_and_not_too_much(seconds, both, voices):
    assert (await both.get(voices.create(wav(seconds), model=MODEL))).id


REFUSED = [
    (wav(4.9), "lasts 4.90 s"),
    (wav(10.1), "lasts 10.10 s"),
    (mp3(3), "lasts 3"),
    (b"RIFF\x00\x00\x00\x00WAVE", "broken"),
    (b"fLaC" + bytes(100), "audio/flac"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"hello", "no known kind"),
    (b"", "no known kind"),
    ("voice.wav", "pathlib.Path"),
    (io.StringIO("voice"), "pass a path"),
    (7, "pass a path"),
]


@pytest.mark.parametrize("refused", REFUSED, ids=[said for _, said in REFUSED])
@pytest.mark.parametrize("job", ["create", "preview"])
async def test_a_recording_is_checked_before_anything_is_sent(job, refused, both, scripted, server):
    file, said = refused
    more = {"sample_text": "Hi"} if job == "preview" else {}

    with pytest.raises(InvalidParameterError, match=said) as error:
        await both.get(getattr(scripted, job)(file, model=MODEL, **more))

    assert error.value.param == "file"
    assert server.requests == []


async def test_no_more_of_a_large_file_is_read_than_is_allowed(both, scripted, monkeypatch, tmp_path):
    monkeypatch.setattr(voice_samples, "_MOST_BYTES", 1 << 20)
    path = tmp_path / "film.wav"
    path.write_bytes(wav(60))

    with pytest.raises(InvalidParameterError, match="more than 1 MB"):
        await both.get(scripted.create(path, model=MODEL))


WRONG = [
    ({"file": wav(6), "file_id": "file-1"}, "file"),
    ({}, "file"),
    ({"file_id": " "}, "file_id"),
    ({"file_id": "file-1", "text": ""}, "text"),
    ({"file_id": "file-1", "model": "step-3.7-flash"}, "model"),
    ({"file_id": "file-1", "model": ""}, "model"),
    ({"file_id": "file-1", "nonsense": 1}, "nonsense"),
]


@pytest.mark.parametrize(("given", "param"), WRONG)
async def test_a_wrong_argument_is_refused_before_anything_is_sent(given, param, both, scripted, server):
    with pytest.raises(InvalidParameterError) as refused:
        await both.get(scripted.create(**{"model": MODEL, **given}))

    assert refused.value.param == param
    assert server.requests == []


STORED = {"id": "file-9", "status": "success"}


def cloning(server):
    return [request.path for request in server.requests if request.path == "/v1/audio/voices"]


async def test_the_requests_of_a_clone(both, scripted, server, wire):
    server.answers(wire.reply(STORED), wire.reply({"id": "voice-1", "object": "audio.voice"}))

    await both.get(scripted.create(wav(6), model=MODEL, extra_body={"tag": 1}, extra_headers={"X-A": "b"}, timeout=9))

    upload, clone = server.requests
    assert b'name="purpose"\r\n\r\nstorage' in upload.body
    assert b'filename="sample.wav"' in upload.body
    assert upload.headers["x-a"] == clone.headers["x-a"] == "b"
    assert clone.json == {"model": MODEL, "file_id": "file-9", "tag": 1}


async def test_a_recording_keeps_its_name_with_the_ending_of_what_it_is(both, scripted, server, wire, tmp_path):
    server.answers(wire.reply(STORED), wire.reply({"id": "voice-1"}))
    path = tmp_path / "grandma.m4a"
    path.write_bytes(mp3(6))

    await both.get(scripted.create(path, model=MODEL))

    assert b'filename="grandma.mp3"' in server.requests[0].body


UNKNOWN_FATES = [
    (lambda server, wire: [server.drop], APIConnectionError),
    (lambda server, wire: [server.stall], APITimeoutError),
    (lambda server, wire: wire.error(503), ServerError),
    (lambda server, wire: wire.error(408), APIStatusError),
    (lambda server, wire: wire.reply(b"<html>"), APIResponseError),
    (lambda server, wire: wire.reply({"object": "audio.voice"}), APIResponseError),
]


@pytest.mark.parametrize("fate", UNKNOWN_FATES)
@pytest.mark.parametrize("ours", [True, False])
async def test_a_clone_whose_fate_is_unknown_is_never_sent_again(fate, ours, both, server, wire):
    """WIRE.md section 3: paid, never re-send one whose fate is unknown."""
    reply, error = fate
    server.answers(*[wire.reply(STORED)] * ours, reply(server, wire))
    voices = both.client(server, max_retries=5, timeout=0.2).voices

    with pytest.raises(error, match=r"file file-9: .*client\.voices\.list\(\)"):
        await both.get(voices.create(model=MODEL, **({"file": wav(6)} if ours else {"file_id": "file-9"})))

    assert len(cloning(server)) == 1
    assert len(server.requests) == 1 + ours


@pytest.mark.parametrize("status", [400, 402, 429, 451])
async def test_a_refused_clone_takes_our_upload_with_it(status, both, scripted, server, wire):
    server.answers(wire.reply(STORED), wire.error(status), wire.reply({"id": "file-9", "deleted": True}))

    with pytest.raises(APIStatusError) as refused:
        await both.get(scripted.create(wav(6), model=MODEL))

    assert "file-9" not in str(refused.value)
    assert [(request.method, request.path) for request in server.requests[1:]] == [
        ("POST", "/v1/audio/voices"),
        ("DELETE", "/v1/files/file-9"),
    ]


async def test_a_refused_clone_leaves_a_file_that_was_there_before(both, scripted, server, wire):
    server.answers(wire.error(400))

    with pytest.raises(BadRequestError):
        await both.get(scripted.create(file_id="file-9", model=MODEL))

    assert len(server.requests) == 1


async def test_an_upload_that_cannot_be_deleted_is_named(both, scripted, server, wire):
    server.answers(wire.reply(STORED), wire.error(400, message="bad voice"), wire.error(404))

    with pytest.raises(BadRequestError, match="bad voice; the recording stays uploaded as file file-9"):
        await both.get(scripted.create(wav(6), model=MODEL))


@pytest.mark.parametrize("sample", ["", None, "no base64!", base64.b64encode(b"").decode()])
async def test_an_unreadable_sample_does_not_take_the_paid_voice_with_it(sample, both, scripted, server, wire):
    server.answers(wire.reply({"id": "voice-1", "sample_audio": sample}))

    voice = await both.get(scripted.create(file_id="file-9", model=MODEL))

    assert (voice.id, voice.sample_audio, voice.file_id) == ("voice-1", None, "file-9")


async def test_a_sample_may_carry_a_data_prefix(both, scripted, server, wire):
    data = "data:audio/wav;base64," + base64.b64encode(wav(1)).decode()
    server.answers(wire.reply({"id": "voice-1", "sample_audio": data, "sample_text": "Hi"}))

    assert (await both.get(scripted.create(file_id="file-9", model=MODEL))).sample_audio.duration_seconds == 1


async def test_the_emulator_refuses_what_the_client_did_not_check(both, voices, emulator):
    file = await both.get(both.client(base_url=emulator.base_url).files.create(wav(2), filename="a.wav"))

    with pytest.raises(BadRequestError, match="5 to 10 seconds"):
        await both.get(voices.create(file_id=file.id, model=MODEL))


# --- Previews ---------------------------------------------------------------------------------------------------------


async def test_a_voice_is_heard_before_it_is_made(both, voices, recording, emulator):
    heard = await both.get(
        voices.preview(recording, model=MODEL, sample_text="Hello!", text=WORDS, speed=1.5, sample_rate=16000)
    )

    assert heard.request_id
    assert (heard.sample_text, heard.sample_audio.text, heard.sample_audio.format) == ("Hello!", "Hello!", "wav")
    assert heard.sample_audio.sample_rate == 16000
    voice = await both.get(voices.create(file_id=heard.file_id, model=MODEL))
    assert voice.file_id == heard.file_id


WRONG_PREVIEWS = [
    ({"sample_text": "a" * 51}, "sample_text"),
    ({"sample_text": " "}, "sample_text"),
    ({"speed": 3}, "speed"),
    ({"sample_rate": 44100}, "sample_rate"),
    ({"instruction": "softly"}, "instruction"),
    ({"voice_label": {"emotion": "无聊"}}, "voice_label"),
    ({"response_format": "mp3"}, "response_format"),
]


@pytest.mark.parametrize(("given", "param"), WRONG_PREVIEWS)
async def test_a_wrong_preview_is_refused_before_anything_is_sent(given, param, both, scripted, server):
    with pytest.raises(InvalidParameterError) as refused:
        await both.get(scripted.preview(**{"file_id": "file-9", "model": MODEL, "sample_text": "a" * 50, **given}))

    assert refused.value.param == param
    assert server.requests == []


async def test_the_request_of_a_preview(both, scripted, server, wire):
    server.answers(wire.reply({"sample_audio": base64.b64encode(wav(1)).decode(), "request_id": "r"}))

    heard = await both.get(
        scripted.preview(file_id="file-9", model=MODEL, sample_text="Hi", volume=2, extra_body={"tag": 1}, timeout=9)
    )

    assert heard.sample_text == "Hi"
    (request,) = server.requests
    assert request.json == {"model": MODEL, "file_id": "file-9", "sample_text": "Hi", "volume": 2, "tag": 1}


@pytest.mark.usefixtures("naps")
async def test_a_preview_is_asked_for_again(both, scripted, server, wire):
    server.answers(wire.error(503), wire.reply({"sample_audio": base64.b64encode(wav(1)).decode()}))

    assert (await both.get(scripted.preview(file_id="file-9", model=MODEL, sample_text="Hi"))).sample_audio


@pytest.mark.parametrize("sample", ["", "no base64!", None])
async def test_a_preview_without_sound_is_none(sample, both, scripted, server, wire):
    server.answers(wire.reply({"sample_audio": sample}))

    with pytest.raises(APIResponseError, match="file file-9: try again"):
        await both.get(scripted.preview(file_id="file-9", model=MODEL, sample_text="Hi"))


# --- Lists ------------------------------------------------------------------------------------------------------------


async def test_the_list_goes_on_to_its_end(both, scripted, server, wire):
    first = {"data": [{"id": "v2", "file_id": "f2", "created_at": 2}], "has_more": True, "last_id": "v2"}
    server.answers(wire.reply(first), wire.reply({"data": [{"id": "v1", "file_id": "f1"}], "has_more": False}))

    listed = await both.get(scripted.list())

    assert [(voice.id, voice.file_id, voice.created_at) for voice in listed] == [("v2", "f2", 2), ("v1", "f1", None)]
    assert [request.path for request in server.requests] == [
        "/v1/audio/voices?limit=100",
        "/v1/audio/voices?limit=100&after=v2",
    ]


async def test_the_official_voices_say_what_they_are_for(both, voices):
    official = {voice.id: voice for voice in await both.get(voices.official(MODEL))}

    assert len(official) > 30
    magnetic = official["cixingnansheng"]
    assert (magnetic.name, magnetic.scenes) == ("磁性男声", ["有声书", "广告旁白"])
    assert magnetic.description


DETAILS = [
    ({"voice-name": "甲", "recommended_scene": ["a", "b"], "new": 1}, ("甲", None, ["a", "b"])),
    ({"voice-name": None, "recommended_scene": None}, (None, None, [])),
    ({"recommended_scene": " a, b;c "}, (None, None, ["a", "b", "c"])),
    ({}, (None, None, [])),
]


@pytest.mark.parametrize("said", DETAILS)
async def test_what_is_not_said_of_an_official_voice_is_absent(said, both, scripted, server, wire):
    details, read = said
    server.answers(wire.reply({"voices": ["v"], "voices-details": {"v": details, "w": {}}}))

    first, second = await both.get(scripted.official("a-model-of-tomorrow"))

    assert (first.id, second.id) == ("v", "w")
    assert (first.name, first.description, first.scenes) == read
    assert json.loads(first.model_dump_json()).get("new") == details.get("new")
    assert server.requests[0].path == "/v1/audio/system_voices?model=a-model-of-tomorrow"


async def test_a_model_that_does_not_speak_has_no_voices(both, scripted):
    with pytest.raises(InvalidParameterError, match="does not speak"):
        await both.get(scripted.official("step-3.7-flash"))


# --- Step Plan --------------------------------------------------------------------------------------------------------


async def test_the_plan_clones_and_previews_what_was_uploaded_elsewhere(both, emulator):
    file = await both.get(both.client(base_url=emulator.base_url).files.create(wav(8), filename="a.wav"))
    voices = both.client(base_url=emulator.base_url, plan=True).voices

    heard = await both.get(voices.preview(file_id=file.id, model=MODEL, sample_text="Hi"))
    voice = await both.get(voices.create(file_id=file.id, model=MODEL))

    assert heard.sample_audio
    assert voice.id in [known.id for known in await both.get(voices.list())]


@pytest.mark.parametrize("job", ["upload", "official"])
async def test_what_the_plan_does_not_offer_is_said(job, both, emulator):
    voices = both.client(base_url=emulator.base_url, plan=True).voices

    with pytest.raises(InvalidParameterError, match=r"Step Plan does not offer /(files|audio/system_voices);"):
        await both.get(voices.official(MODEL) if job == "official" else voices.create(wav(6), model=MODEL))
