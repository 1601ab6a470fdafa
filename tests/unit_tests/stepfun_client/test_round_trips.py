"""What is spoken is what is understood: text -> speech -> text, by every path of the client, in both worlds."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepfun_client import AsyncStepFunClient, StepFunClient
from stepfun_emulator import sound

TEXT = "智能阶跃，十倍每一个人的可能。Hello, 3.14 is pi! 你好吗？"
ASKED = {"model": "step-tts-2", "voice": "cixingnansheng"}
QUICK = {**ASKED, "response_format": "pcm", "sample_rate": 8000, "speed": 2}

WAYS = {
    "create": lambda client, **asked: client.speech.create(input=TEXT, **asked),
    "stream": lambda client, **asked: client.speech.stream(input=TEXT, **asked).audio(),
    "socket": lambda client, **asked: client.speech.stream(input=iter(TEXT), **asked).audio(),
}


@pytest.mark.parametrize("model", ["step-asr", "stepaudio-2.5-asr"])
@pytest.mark.parametrize("form", ["wav", "pcm", "mp3"])
@pytest.mark.parametrize("way", WAYS)
async def test_text_to_speech_to_text(both, emulator, way, form, model):
    client = both.client(emulator)
    audio = await both.get(WAYS[way](client, **ASKED, response_format=form))
    transcript = await both.get(client.transcription.create(audio, model=model))
    assert transcript.text == TEXT


# Any text but half characters, which cannot be sent, in pieces cut anywhere.
CHUNKINGS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=6)


def heard(audio):
    """What the emulator understands, and where blanks alone are left out."""
    return "".join(one.text for one in sound.hear(audio.content, audio.sample_rate)).strip()


def spoken(stream, chunks):
    """What the emulator says of a text; of one that is blank nothing is said."""
    return heard(stream.audio()) if "".join(chunks).strip() else heard_nothing(list(stream))


def heard_nothing(pieces):
    assert pieces == []
    return ""


@given(chunks=CHUNKINGS)
@settings(max_examples=60, deadline=None)
def test_any_text_in_any_pieces_is_said_exactly(emulator, chunks):
    client = StepFunClient("key", base_url=emulator.base_url)
    assert spoken(client.speech.stream(input=chunks, **QUICK), chunks) == "".join(chunks).strip()


@given(chunks=CHUNKINGS)
@settings(max_examples=60, deadline=None)
def test_any_text_in_any_pieces_is_said_exactly_asynchronously(emulator, chunks):
    async def texts():
        for chunk in chunks:
            yield chunk

    async def speak():
        async with AsyncStepFunClient("key", base_url=emulator.base_url) as client:
            stream = client.speech.stream(input=texts(), **QUICK)
            return [piece async for piece in stream], await stream.audio() if "".join(chunks).strip() else None

    pieces, audio = asyncio.run(speak())
    assert (heard(audio) if audio else heard_nothing(pieces)) == "".join(chunks).strip()


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip))
@settings(max_examples=40, deadline=None)
def test_any_text_is_said_exactly_over_http(emulator, text):
    client = StepFunClient("key", base_url=emulator.base_url)
    whole = client.speech.create(input=text, **QUICK)
    assert heard(whole) == text.strip()
    assert client.speech.stream(input=text, **QUICK).audio().content == whole.content
