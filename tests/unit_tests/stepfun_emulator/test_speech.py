"""POST /audio/speech (WIRE.md section 6): what is said is what is heard, and what is documented is what is taken."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import stepfun_emulator
from stepfun_emulator import sound
from stepfun_emulator.speech.wording import Waiting, spoken

TEXT = "智能阶跃，十倍每一个人的可能。 Hello!"
ASKED = {"model": "step-tts-2", "input": TEXT, "voice": "cixingnansheng"}
MEDIA = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "opus": "audio/ogg", "pcm": "audio/pcm"}
NEWEST = {"model": "stepaudio-3-tts"}
CONTEXTUAL = {"model": "stepaudio-2.5-tts"}


@pytest.fixture
def speak(http):
    def send(*, headers=None, **fields):
        return http.post("/audio/speech", json={**ASKED, **fields}, headers=headers)

    return send


def heard(audio: bytes, form: str = "", rate: int = 24_000) -> str:
    read = sound.decode(audio, form, rate=rate)
    return "".join(one.text for one in sound.hear(read.mono, read.rate))


def sse(response: httpx.Response) -> list:
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [one if one == "[DONE]" else json.loads(one) for one in events]


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 48_000])
def test_every_format_says_the_text(speak, form, rate):
    response = speak(response_format=form, sample_rate=rate)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MEDIA[form]
    assert len(response.headers["x-trace-id"]) == 32
    assert heard(response.content, form, rate) == TEXT
    if form != "pcm":
        wanted = 24_000 if (form, rate) == ("opus", 22_050) else rate
        assert sound.decode(response.content).rate == wanted


def test_the_default_is_mp3_at_24000(speak):
    response = speak()
    assert response.headers["content-type"] == "audio/mpeg"
    assert sound.decode(response.content).rate == 24_000


def test_wav_has_a_list_chunk_and_samples_at_byte_78_and_the_label_after_them(speak):
    wav = speak(response_format="wav").content
    assert wav[36:40] == b"LIST"
    assert wav[70:74] == b"data"
    size = int.from_bytes(wav[74:78], "little")
    assert wav[78 + size :][:4] == b"AIGC"
    assert json.loads(wav[78 + size + 8 :])["AIGC"]["Text"] == TEXT


def test_speed_and_volume(speak):
    slow, quick = (sound.decode(speak(response_format="wav", speed=speed).content) for speed in (0.5, 2))
    assert slow.seconds > 2 * quick.seconds
    assert heard(speak(response_format="mp3", speed=2, volume=0.1).content) == TEXT


def test_the_seeds_request_works(http):
    body = {"model": "step-tts-vivid", "input": "智能阶跃，十倍每一个人的可能", "voice": "cixingnansheng",
            "response_format": "mp3", "speed": 1.0, "volume": 1.0, "sample_rate": 24000}  # fmt: skip
    assert heard(http.post("/audio/speech", json=body).content) == body["input"]
    for label in ({"language": "粤语"}, {"emotion": "高兴"}, {"style": "慢速"}):
        assert http.post("/audio/speech", json={**body, "voice_label": label}).status_code == 200


def test_the_step_plan_speaks_too(emulator):
    response = httpx.post(f"{emulator.plan_url}/audio/speech", json=ASKED, headers={"authorization": "Bearer x"})
    assert heard(response.content) == TEXT


def test_sse_gives_the_file_in_pieces(speak):
    *deltas, done, end = sse(speak(stream_format="sse", response_format="flac"))
    assert len(deltas) > 5
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert (done, end) == ({"type": "speech.audio.done"}, "[DONE]")
    assert heard(b"".join(base64.b64decode(event["audio"]) for event in deltas)) == TEXT


def test_a_url_may_be_asked_for(speak):
    response = speak(return_url=True, response_format="wav")
    fetched = httpx.get(response.json()["url"])
    assert fetched.headers["content-type"] == "audio/wav"
    assert heard(fetched.content) == TEXT
    assert httpx.get(response.json()["url"] + "x").status_code == 404


def test_only_the_last_hundred_urls_are_kept(http):
    with stepfun_emulator.serving() as emulator, httpx.Client(headers={"authorization": "Bearer x"}) as client:
        asked = {**ASKED, "input": "a", "return_url": True, "response_format": "pcm", "sample_rate": 8000}
        urls = [client.post(f"{emulator.base_url}/audio/speech", json=asked).json()["url"] for _ in range(101)]
        assert [client.get(url).status_code for url in (urls[0], urls[1], urls[-1])] == [404, 200, 200]


def test_moderation_is_451_and_in_a_stream_an_error_event(speak):
    text = "this is censored-by-emulator, sorry"
    response = speak(input=text)
    assert response.status_code == 451
    assert response.json()["error"]["type"] == "censorship_blocked"
    first, error = sse(speak(input=text, stream_format="sse"))
    assert first["type"] == "speech.audio.delta"
    assert error["type"] == "speech.audio.error"
    assert error["error"]["type"] == "censorship_blocked"


def test_brackets_are_directions_for_2_5_only(speak):
    text = "(softly, （very） softly)你好（停顿）世界。"
    assert heard(speak(**CONTEXTUAL, input=text).content) == "你好世界。"
    assert heard(speak(input=text).content) == text


def test_markdown_may_be_left_out(speak):
    text = "# Title\n\n- **bold** and `code`, [a link](https://x.y) 2 * 3 snake_case\n"
    assert heard(speak(input=text, markdown_filter=True).content) == (
        "Title\n\nbold and code, a link 2 * 3 snake_case\n"
    )
    assert heard(speak(input=text).content) == text


ACCEPTED = [
    {"speed": 0.5, "volume": 2},
    {"voice_label": {"style": "阴阳怪气"}},
    {**NEWEST, "language": "zh", "instruction": "慢" * 200, "voice_label": {"emotion": "困惑"}},
    {**CONTEXTUAL, "instruction": "温柔地"},
    {"pronunciation_map": {"tone": ["阿胶/e1胶"]}},
    {"input": "字" * 1000, "response_format": "pcm", "sample_rate": 8000},
    {"stream_format": "audio", "markdown_filter": False, "return_url": False, "voice_label": None},
]


@pytest.mark.parametrize("fields", ACCEPTED)
def test_what_is_documented_is_accepted(speak, fields):
    response = speak(**fields)
    assert response.status_code == 200, response.text


REFUSED = [
    ({"input": ""}, "input"),
    ({"input": " \n"}, "input"),
    ({"input": 5}, "input"),
    ({"input": "字" * 1001}, "input"),
    ({"model": None}, "model"),
    ({"model": "step-2-mini"}, "model"),
    ({"voice": None}, "voice"),
    ({"voice": "alloy"}, "voice"),
    ({"response_format": "aac"}, "response_format"),
    ({"response_format": "mp3_stream"}, "response_format"),
    ({"speed": 0.4}, "speed"),
    ({"speed": 2.1}, "speed"),
    ({"speed": "1"}, "speed"),
    ({"volume": 0.05}, "volume"),
    ({"volume": True}, "volume"),
    ({"sample_rate": 44_100}, "sample_rate"),
    ({"sample_rate": 12_000}, "sample_rate"),
    ({"voice_label": {}}, "voice_label"),
    ({"voice_label": {"emotion": "高兴", "style": "慢速"}}, "voice_label"),
    ({"voice_label": {"emotion": "happy"}}, "voice_label.emotion"),
    ({"voice_label": {"accent": "粤语"}}, "voice_label.accent"),
    ({"voice_label": "高兴"}, "voice_label"),
    ({"model": "step-tts-mini", "voice_label": {"style": "温柔"}}, "voice_label.style"),
    ({**NEWEST, "voice_label": {"style": "温柔"}}, "voice_label.style"),
    ({**CONTEXTUAL, "voice_label": {"emotion": "高兴"}}, "voice_label"),
    ({"instruction": "温柔地"}, "instruction"),
    ({**NEWEST, "instruction": "慢" * 201}, "instruction"),
    ({"language": "zh"}, "language"),
    ({**CONTEXTUAL, "language": "zh"}, "language"),
    ({"pronunciation_map": ["阿胶/e1胶"]}, "pronunciation_map"),
    ({"pronunciation_map": {"tone": "阿胶/e1胶"}}, "pronunciation_map.tone"),
    ({"pronunciation_map": {"tone": ["阿胶"]}}, "pronunciation_map.tone"),
    ({"markdown_filter": "yes"}, "markdown_filter"),
    ({"stream_format": "json"}, "stream_format"),
    ({"stream_format": "sse", "return_url": True}, "return_url"),
    ({"instructions": "softly"}, "instructions"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
def test_what_is_not_is_refused(speak, fields, param):
    response = speak(**fields)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["type"] == "request_params_invalid"
    assert response.json()["error"]["param"] == param


def test_an_unknown_model_is_404(speak):
    assert speak(model="tts-1").json()["error"]["type"] == "model_invalid"


def test_a_key_is_needed(emulator):
    assert httpx.post(f"{emulator.base_url}/audio/speech", json=ASKED).status_code == 401


def test_a_lenient_emulator_ignores_what_it_does_not_know():
    with stepfun_emulator.running(lenient=True) as base_url:
        asked = {**ASKED, "instructions": "softly", "voice_label": {"emotion": "高兴", "accent": "x"}}
        response = httpx.post(f"{base_url}/audio/speech", json=asked, headers={"authorization": "Bearer x"})
        assert response.status_code == 200


@pytest.mark.parametrize("fault", ["cut-stream", "error-in-stream", "stall-websocket"])
def test_faults_befall_speech_as_chat(speak, fault):
    response = speak(stream_format="sse", headers={"x-emulator-fault": fault})
    assert ("[DONE]" in response.text) == (fault == "stall-websocket")


def test_a_hundred_at_once(emulator):
    with httpx.Client(base_url=emulator.base_url, headers={"authorization": "Bearer x"}, timeout=60) as client:
        texts = [f"这是第{number}句。" for number in range(100)]

        def say(text):
            return heard(client.post("/audio/speech", json={**ASKED, "input": text, "response_format": "wav"}).content)

        with ThreadPoolExecutor(20) as threads:
            assert list(threads.map(say, texts)) == texts


def test_openai_speech(openai_client):
    reply = openai_client.audio.speech.create(model="step-tts-2", voice="linjiajiejie", input=TEXT)
    assert heard(reply.content) == TEXT
    asked = openai_client.audio.speech.with_streaming_response.create
    with asked(model="step-tts-2", voice="linjiajiejie", input=TEXT, response_format="opus", speed=1.5) as streamed:
        assert heard(b"".join(streamed.iter_bytes())) == TEXT


def test_openai_speech_events(openai_client):
    asked = openai_client.audio.speech.with_streaming_response.create
    with asked(model="step-tts-2", voice="linjiajiejie", input=TEXT, stream_format="sse") as streamed:
        lines = [json.loads(line[6:]) for line in streamed.iter_lines() if line.startswith("data: {")]
    assert heard(b"".join(base64.b64decode(one["audio"]) for one in lines if "audio" in one)) == TEXT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**重点**：`x`", "重点：x"),
        ("1. one\n2. two", "one\ntwo"),
        ("> quoted\n---\nend", "quoted\nend"),
        ("```python\nprint()\n```\n", "print()\n"),
        ("![picture](a.png) *it* _is_ ~~not~~", "picture it is not"),
    ],
)
def test_markdown(text, words):
    assert spoken(text, directions=False, markdown=True) == words


@pytest.mark.parametrize("directions", [True, False])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_nothing_of_a_text_is_lost_while_it_waits(directions, size):
    text = "Pi is 3.14. (Softly. Slowly) Yes!  “好。”他说。 （轻声。"
    waiting = Waiting(directions=directions)
    ready = [sentence for at in range(0, len(text), size) for sentence in waiting.add(text[at : at + size])]
    rest = waiting.rest()
    assert "".join(ready + rest) == text
    assert len(ready) >= 2
    assert waiting.rest() == []
    if directions:
        assert all(sentence.count("(") == sentence.count(")") for sentence in ready)
