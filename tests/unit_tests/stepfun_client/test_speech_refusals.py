"""What StepFun would certainly refuse of a synthesis (WIRE.md section 6) is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

import stepfun_emulator
from stepfun_client import BadRequestError, InvalidParameterError, NotFoundError

OLD, NEW, NEWEST = "step-tts-2", "stepaudio-2.5-tts", "stepaudio-3-tts"
HELLO: dict[str, Any] = {"model": OLD, "input": "Hello.", "voice": "cixingnansheng"}
LONG = "Hello, you. " * 100


@pytest.fixture(scope="module")
def unasked():
    """An emulator that nobody is to ask anything."""
    with stepfun_emulator.serving() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def lenient():
    """An emulator that ignores what is not documented, as the service does."""
    with stepfun_emulator.serving(lenient=True) as emulator:
        yield emulator


async def speak(both, client, way, **asked):
    """Speak in one of the three ways."""
    if way == "create":
        return await both.get(client.speech.create(**asked))
    if way == "socket" and isinstance(asked["input"], str):
        asked["input"] = [asked["input"]]
    return await both.get(client.speech.stream(**asked).audio())


async def refused(both, emulator, way, asked, param, *, said=None):
    """Check that something is refused for the sake of a parameter, and that the emulator hears nothing of it."""
    with pytest.raises(InvalidParameterError, match=said) as caught:
        await speak(both, both.client(emulator), way, **{**HELLO, **asked})
    assert caught.value.param == param
    assert (emulator.requests, emulator.sessions) == ([], [])


ALWAYS = {
    "too slow": ({"speed": 0.49}, "speed"),
    "too fast": ({"speed": 2.01}, "speed"),
    "no number": ({"speed": float("nan")}, "speed"),
    "too soft": ({"volume": 0.09}, "volume"),
    "too loud": ({"volume": 2.5}, "volume"),
    "another rate": ({"sample_rate": 44100}, "sample_rate"),
    "no rate": ({"sample_rate": 0}, "sample_rate"),
    "another format": ({"response_format": "aac"}, "response_format"),
    "an unknown name": ({"sped": 1.5}, "sped"),
    "a wire name that is not the caller's": ({"stream_format": "sse"}, "stream_format"),
    "a flag that is none": ({"markdown_filter": "perhaps"}, "markdown_filter"),
    "no seconds to wait": ({"timeout": 0}, "timeout"),
    "pronunciation as a list, as the docs' table has it": ({"pronunciation_map": ["阿胶/e1胶"]}, "pronunciation_map"),
    "pronunciation of one text": ({"pronunciation_map": {"tone": 5}}, "pronunciation_map"),
    "no voice": ({"voice": ""}, "voice"),
    "a voice of None": ({"voice": None}, "voice"),
    "no model": ({"model": " "}, "model"),
    "a model of None": ({"model": None}, "model"),
    "a model that chats": ({"model": "step-3.7-flash"}, "model"),
    "a model that listens": ({"model": "step-asr"}, "model"),
    "instruction on step-tts-2": ({"instruction": "Softly"}, "instruction"),
    "instruction on step-tts-mini": ({"model": "step-tts-mini", "instruction": "Softly"}, "instruction"),
    "instruction on step-tts-vivid": ({"model": "step-tts-vivid", "instruction": "Softly"}, "instruction"),
    "instruction of 201 characters": ({"model": NEW, "instruction": "轻" * 201}, "instruction"),
    "language on step-tts-2": ({"language": "粤语"}, "language"),
    "language on stepaudio-2.5-tts": ({"model": NEW, "language": "粤语"}, "language"),
    "voice_label on stepaudio-2.5-tts": ({"model": NEW, "voice_label": {"emotion": "高兴"}}, "voice_label"),
    "voice_label of nothing": ({"voice_label": {}}, "voice_label"),
    "voice_label of two": ({"voice_label": {"emotion": "高兴", "style": "慢速"}}, "voice_label"),
    "voice_label of another kind": ({"voice_label": {"mood": "高兴"}}, "voice_label"),
    "voice_label that is a text": ({"voice_label": "高兴"}, "voice_label"),
    "an unknown emotion": ({"voice_label": {"emotion": "happy"}}, "voice_label"),
    "an unknown style": ({"voice_label": {"style": "快"}}, "voice_label"),
    "an unknown dialect": ({"voice_label": {"language": "上海话"}}, "voice_label"),
    "a style of step-tts-2 elsewhere": ({"model": "step-tts-mini", "voice_label": {"style": "温柔"}}, "voice_label"),
    "no JSON": ({"extra_body": {"x": {1, 2}}}, None),
    "half a character": ({"extra_body": {"x": "\ud800"}}, None),
}


@pytest.mark.parametrize("way", ["create", "stream", "socket"])
@pytest.mark.parametrize("case", ALWAYS)
async def test_refused_however_it_is_spoken(both, unasked, way, case):
    asked, param = ALWAYS[case]
    await refused(both, unasked, way, asked, param)


BY_WAY = {
    "create: a blank text": ("create", {"input": " \n"}, "input", "empty"),
    "create: no text": ("create", {"input": None}, "input", "text"),
    "create: texts": ("create", {"input": ["Hello."]}, "input", "text"),
    "create: mode": ("create", {"mode": "sentence"}, "mode", "no parameter"),
    "create: mp3_stream": ("create", {"response_format": "mp3_stream"}, "response_format", "mp3"),
    "create: long flac": ("create", {"input": LONG, "response_format": "flac"}, "response_format", "joined"),
    "create: long opus": ("create", {"input": LONG, "response_format": "opus"}, "response_format", "wav"),
    "create: a direction that fills a request": ("create", {"input": f"({LONG})"}, "input", "direction"),
    "stream: a blank text": ("stream", {"input": "　"}, "input", "empty"),
    "stream: mode": ("stream", {"mode": "sentence"}, "mode", "input=.text."),
    "stream: mp3_stream": ("stream", {"response_format": "mp3_stream"}, "response_format", "WebSocket"),
    "stream: flac_stream": ("stream", {"response_format": "flac_stream"}, "response_format", "WebSocket"),
    "stream: long wav": ("stream", {"input": LONG, "response_format": "wav"}, "response_format", "create"),
    "stream: long flac": ("stream", {"input": LONG, "response_format": "flac"}, "response_format", "mp3"),
    "socket: another mode": ("socket", {"mode": "fast"}, "mode", "sentence"),
    "socket: language": ("socket", {"model": NEWEST, "language": "粤语"}, "language", "voice_label"),
    "socket: headers": ("socket", {"extra_headers": {"x-a": "b"}}, "extra_headers", "default_headers"),
    "socket: bytes": ("socket", {"input": b"Hello."}, "input", "text"),
    "socket: a dictionary": ("socket", {"input": {"Hello.": 1}}, "input", "text"),
    "socket: nothing": ("socket", {"input": None}, "input", "text"),
    "socket: a number": ("socket", {"input": 5}, "input", "text"),
}


@pytest.mark.parametrize("case", BY_WAY)
async def test_refused_of_one_way_to_speak(both, unasked, case):
    way, asked, param, said = BY_WAY[case]
    await refused(both, unasked, way, asked, param, said=said)


def test_asynchronous_texts_need_the_asynchronous_client(unasked):
    from stepfun_client import StepFunClient

    async def texts():
        yield "Hello."

    with pytest.raises(InvalidParameterError, match="AsyncStepFunClient") as caught:
        StepFunClient("key", base_url=unasked.base_url).speech.stream(**{**HELLO, "input": texts()})
    assert caught.value.param == "input"


@pytest.mark.parametrize("way", ["create", "stream", "socket"])
async def test_everything_is_refused_before_a_key_is_looked_for(both, way):
    with pytest.raises(InvalidParameterError) as caught:
        await speak(both, both.client(api_key=None, base_url="http://127.0.0.1:9/v1"), way, **HELLO, speed=9)
    assert caught.value.param == "speed"


ALLOWED = {
    "the slowest and loudest": {"speed": 0.5, "volume": 2},
    "the fastest and softest": {"speed": 2, "volume": 0.1},
    "telephone": {"sample_rate": 8000},
    "studio": {"sample_rate": 48000},
    "a dialect": {"voice_label": {"language": "四川话"}},
    "a feeling": {"voice_label": {"emotion": "非常高兴"}},
    "a style": {"voice_label": {"style": "极慢"}},
    "a style of step-tts-2": {"voice_label": {"style": "阴阳怪气"}},
    "an instruction of 200 characters": {"model": NEW, "instruction": "轻" * 200},
    "an instruction of stepaudio-3-tts": {"model": NEWEST, "instruction": "Softly"},
    "pronunciation": {"pronunciation_map": {"tone": ["阿胶/e1胶"]}},
    "markdown": {"markdown_filter": True},
    "what is None": {"speed": None, "voice_label": None, "language": None, "instruction": None, "timeout": None},
}


@pytest.mark.parametrize("way", ["create", "stream", "socket"])
@pytest.mark.parametrize("case", ALLOWED)
async def test_what_is_allowed_is_spoken(both, emulator, way, case):
    audio = await speak(both, both.client(emulator), way, **{**HELLO, "input": "Hi", **ALLOWED[case]})
    assert audio.duration_seconds > 0


async def test_the_language_of_a_text_goes_over_http(both, emulator):
    for way in ("create", "stream"):
        await speak(both, both.client(emulator), way, **{**HELLO, "model": NEWEST}, language="粤语")
        assert emulator.requests[-1].body["language"] == "粤语"


@pytest.mark.parametrize("way", ["create", "stream", "socket"])
async def test_an_unknown_model_passes_for_the_service_to_judge(both, emulator, way):
    new = {**HELLO, "model": "stepaudio-9-tts", "instruction": "Softly", "voice_label": {"style": "温柔"}}
    with pytest.raises(NotFoundError, match="stepaudio-9-tts"):
        await speak(both, both.client(emulator), way, **new)


PAST_THE_RULES = {"sample_rate": 24000, "brand_new": {"deep": [1, "二"]}}


async def test_extra_body_is_the_way_past_every_rule(both, lenient):
    for way in ("create", "stream"):
        await speak(both, both.client(lenient), way, **HELLO, sample_rate=8000, extra_body=PAST_THE_RULES)
        assert lenient.requests[-1].body.items() >= PAST_THE_RULES.items()
    await speak(both, both.client(lenient), "socket", **HELLO, sample_rate=8000, extra_body=PAST_THE_RULES)
    assert lenient.sessions[-1].received[0]["data"].items() >= PAST_THE_RULES.items()


async def test_what_the_service_refuses_all_the_same_is_its_own_error(both, emulator):
    for way in ("create", "stream"):
        with pytest.raises(BadRequestError) as caught:
            await speak(both, both.client(emulator), way, **HELLO, extra_body={"sample_rate": 1})
        assert (caught.value.status_code, caught.value.param) == (400, "sample_rate")
        assert caught.value.trace_id
    with pytest.raises(BadRequestError, match="sample_rate") as caught:
        await speak(both, both.client(emulator), "socket", **HELLO, extra_body={"sample_rate": 1})
    assert (caught.value.status_code, bool(caught.value.trace_id)) == (200, True)
