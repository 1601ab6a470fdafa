"""The voices (WIRE.md section 7)."""

from __future__ import annotations

import base64

import httpx
import pytest

import stepfun_emulator
from stepfun_emulator import sound

MODEL = "step-tts-vivid"
SENTENCE = "这是用于训练的声音样本"


def sample(seconds: float = 6, form: str = "wav", seed: int = 0) -> bytes:
    samples = sound.utter(f"{SENTENCE} {seed}", rate=8000)
    return sound.encode(samples.ljust(round(16_000 * seconds), b"\0")[: round(16_000 * seconds)], 8000, form)


@pytest.fixture
def upload(http):
    def send(data: bytes, name: str = "sample.wav", purpose: str = "storage") -> str:
        response = http.post("/files", data={"purpose": purpose}, files={"file": (name, data)})
        assert response.status_code == 200, response.text
        return response.json()["id"]

    return send


@pytest.fixture
def clone(http):
    def send(file_id, **fields):
        return http.post("/audio/voices", json={"model": MODEL, "file_id": file_id, **fields})

    return send


def heard(encoded: str) -> str:
    read = sound.decode(base64.b64decode(encoded))
    return "".join(one.text for one in sound.hear(read.mono, read.rate))


def test_the_seeds_example(upload, clone):
    reply = clone(upload(sample()), text=SENTENCE).json()
    assert set(reply) == {"id", "object", "duplicated", "sample_text", "sample_audio"}
    assert (reply["object"], reply["duplicated"], reply["sample_text"]) == ("audio.voice", False, SENTENCE)
    assert heard(reply["sample_audio"]) == SENTENCE


def test_the_same_sample_gives_the_same_voice(upload, clone):
    data = sample(seed=1)
    one, again = clone(upload(data)).json(), clone(upload(data)).json()
    assert one["id"] == again["id"]
    assert (one["duplicated"], again["duplicated"]) == (False, True)
    assert set(again) == {"id", "object", "duplicated"}
    assert clone(upload(sample(seed=2))).json()["id"] != one["id"]


def test_a_cloned_voice_speaks(http, upload, clone):
    voice = clone(upload(sample(form="mp3", seed=3), "sample.mp3")).json()["id"]
    spoken = http.post("/audio/speech", json={"model": MODEL, "input": "你好", "voice": voice})
    assert spoken.status_code == 200
    assert http.post("/audio/speech", json={"model": MODEL, "input": "你好", "voice": voice + "x"}).status_code == 400


@pytest.mark.parametrize("seconds", [5, 10])
def test_five_to_ten_seconds(upload, clone, seconds):
    assert clone(upload(sample(seconds))).status_code == 200


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ((sample(4.9), "a.wav", "storage"), "5 to 10"),
        ((sample(10.1), "a.wav", "storage"), "5 to 10"),
        ((b"RIFF", "a.wav", "storage"), "cannot be read"),
        ((sample(), "a.mp4", "storage"), "wav or mp3"),
        ((b"text", "a.txt", "file-extract"), "purpose storage"),
    ],
)
def test_a_bad_sample_is_refused(http, upload, clone, sent, said):
    file_id = upload(*sent)
    preview = http.post("/audio/voices/preview", json={"model": MODEL, "file_id": file_id, "sample_text": "好"})
    for response in (clone(file_id), preview):
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "file_id"
        assert said in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"file_id": "file-none"}, "file_id"),
        ({"file_id": None}, "file_id"),
        ({"model": "step-asr"}, "model"),
        ({"text": "字" * 1001}, "text"),
        ({"name": "mine"}, "name"),
    ],
)
def test_a_bad_clone_is_refused(http, fields, param):
    response = http.post("/audio/voices", json={"model": MODEL, "file_id": "file-x", **fields})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_preview(http, upload):
    asked = {"model": "step-tts-2", "file_id": upload(sample()), "text": SENTENCE, "sample_text": "你好，世界。",
             "speed": 1.5, "volume": 0.5, "sample_rate": 16_000, "voice_label": {"style": "温柔"}}  # fmt: skip
    reply = http.post("/audio/voices/preview", json=asked).json()
    assert set(reply) == {"sample_text", "sample_audio", "request_id"}
    assert reply["sample_text"] == heard(reply["sample_audio"]) == "你好，世界。"
    assert sound.decode(base64.b64decode(reply["sample_audio"])).rate == 16_000
    moderated = http.post("/audio/voices/preview", json={**asked, "sample_text": "censored-by-emulator"})
    assert moderated.status_code == 451


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"sample_text": "字" * 51}, "sample_text"),
        ({"sample_text": None}, "sample_text"),
        ({"sample_text": "x", "speed": 9}, "speed"),
        ({"sample_text": "x", "voice": "cixingnansheng"}, "voice"),
    ],
)
def test_a_bad_preview_is_refused(http, upload, fields, param):
    response = http.post("/audio/voices/preview", json={"model": MODEL, "file_id": "file-x", **fields})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_voices_come_in_pages():
    with (
        stepfun_emulator.serving() as emulator,
        httpx.Client(base_url=emulator.plan_url, headers={"authorization": "Bearer x"}) as http,
    ):
        ids = []
        for seed in range(5):
            files = {"file": ("a.wav", sample(seed=seed))}
            file = httpx.post(f"{emulator.base_url}/files", headers=http.headers, data={"purpose": "storage"},
                              files=files).json()  # fmt: skip
            ids.append(http.post("/audio/voices", json={"model": MODEL, "file_id": file["id"]}).json()["id"])

        def page(**query):
            reply = http.get("/audio/voices", params=query).json()
            assert reply["object"] == "list"
            return [voice["id"] for voice in reply["data"]], reply["has_more"]

        assert page() == (ids[::-1], False)
        assert page(order="asc", limit=2) == (ids[:2], True)
        assert page(order="asc", limit=2, after=ids[1]) == (ids[2:4], True)
        assert page(order="asc", after=ids[3]) == (ids[4:], False)
        assert page(order="asc", before=ids[1]) == (ids[:1], False)
        reply = http.get("/audio/voices", params={"limit": 1}).json()
        assert reply["first_id"] == reply["last_id"] == ids[-1]
        assert set(reply["data"][0]) == {"id", "file_id", "created_at"}
        for query in ({"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "voice-x"}, {"page": 2}):
            assert http.get("/audio/voices", params=query).status_code == 400


def test_the_official_voices(http):
    reply = http.get("/audio/system_voices", params={"model": "step-tts-2"}).json()
    assert 35 <= len(reply["voices"]) <= 45
    assert set(reply["voices"]) == set(reply["voices-details"])
    assert {"cixingnansheng", "elegantgentle-female", "zixinnansheng"} <= set(reply["voices"])
    details = reply["voices-details"]["cixingnansheng"]
    assert set(details) == {"voice-name", "voice-description", "recommended_scene"}
    assert details["voice-name"] == "磁性男声"


@pytest.mark.parametrize("query", [{}, {"model": "step-asr"}, {"model": "step-tts-2", "limit": 5}])
def test_official_voices_are_asked_for_by_model(http, query):
    assert http.get("/audio/system_voices", params=query).status_code == 400
