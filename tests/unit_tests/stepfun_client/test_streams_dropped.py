"""A stream of speech or of recognition that is dropped ends its session then, not when the garbage is collected."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from stepfun_emulator import serving
from stepfun_emulator.sound.formats import encode
from stepfun_emulator.sound.tongue import utter

SPEAKER = {"model": "step-tts-2", "voice": "cixingnansheng", "response_format": "pcm"}
TEXT = "Hello there, my friend. " * 20
SOUND = utter(TEXT, rate=16_000)
RECORDING = encode(SOUND, form="wav", rate=16_000, text=TEXT)


def slowly(pieces):
    for piece in pieces:
        time.sleep(0.01)
        yield piece


WAYS = {
    "speech over HTTP": lambda client: client.speech.stream(input=TEXT, **SPEAKER),
    "speech over the WebSocket": lambda client: client.speech.stream(input=slowly(TEXT.split(". ")), **SPEAKER),
    "recognition over SSE": lambda client: client.transcription.stream(RECORDING, model="stepaudio-2.5-asr"),
    "live recognition": lambda client: client.transcription.live(
        slowly(SOUND[at : at + 3200] for at in range(0, len(SOUND), 3200))
    ),
}


@pytest.fixture(scope="module")
def slow():
    with serving(delay=0.1) as emulator:
        yield emulator


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("way", WAYS)
async def test_a_dropped_stream_ends_its_session(both, slow, way):
    troubles = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context["message"]))
    stream = WAYS[way](both.client(slow))
    await both.first(stream)
    assert slow.open_streams == 1

    del stream
    started = time.monotonic()
    while slow.open_streams and time.monotonic() - started < 5:  # noqa: ASYNC110 - it happens in another thread
        await asyncio.sleep(0.01)

    assert slow.open_streams == 0
    assert troubles == []
