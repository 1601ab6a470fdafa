"""Pictures and speech on recorded exchanges: what a user writes, played from `tests/cassettes` (see CONTRIBUTING.md).

The assertions hold for the emulator and for StepFun itself, so that `make record` works with a key and without; what is
on modelverse needs its own key to be recorded live.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stepfun_client import AsyncStepFunClient, StepFunClient

pytestmark = pytest.mark.cassette

MEADOW = Path(__file__).parents[2] / "data" / "meadow.png"
SMALL = {"size": "256x256", "seed": 7, "steps": 10, "fetch": True}

Job = Callable[[Any], Any]


async def _sync(job: Job) -> Any:
    with StepFunClient() as client:
        return job(client)


async def _async(job: Job) -> Any:
    async with AsyncStepFunClient() as client:
        return await job(client)


WAYS: dict[str, Callable[[Job], Awaitable[Any]]] = {"sync": _sync, "async": _async}


@pytest.fixture(params=WAYS)
def done(request: pytest.FixtureRequest) -> Callable[[Job], Awaitable[Any]]:
    """Both ways to have a job done."""
    return WAYS[request.param]


@pytest.mark.parametrize("model", ["step-2x-large", "step-1x-medium"])
async def test_generate(done, model):
    picture = await done(lambda client: client.images.generate(model=model, prompt="a red house", **SMALL))

    assert (picture.media_type, picture.width, picture.height) == ("image/png", 256, 256)
    assert (picture.finish_reason, picture.seed) == ("success", 7)


async def test_generate_by_url(done):
    picture = await done(lambda client: client.images.generate(model="step-image-edit-2", prompt="a red house"))

    assert picture.content is None
    assert picture.url.startswith("http")


async def test_transform(done):
    picture = await done(
        lambda client: client.images.transform(
            MEADOW, model="step-1x-medium", prompt="in watercolours", source_weight=0.5, **SMALL
        )
    )

    assert (picture.width, picture.height, picture.finish_reason) == (256, 256, "success")


@pytest.mark.parametrize(
    "model", ["step-image-edit-2", pytest.param("stepfun-ai/step1x-edit", marks=pytest.mark.modelverse)]
)
async def test_edit(done, model):
    picture = await done(
        lambda client: client.images.edit(MEADOW, model=model, prompt="make it night", seed=7, fetch=True)
    )

    assert picture.format
    assert picture.width
    assert picture.content != MEADOW.read_bytes()


async def test_speak_and_transcribe(done):
    speech = {"model": "step-tts-2", "voice": "linjiajiejie", "input": "Good day.", "sample_rate": 8000}
    audio = await done(lambda client: client.speech.create(**speech))

    heard = [
        await done(lambda client, model=model: client.transcription.create(audio, model=model, progress=False))
        for model in ("step-asr", "stepaudio-2.5-asr")
    ]

    assert (audio.format, audio.sample_rate) == ("mp3", 8000)
    assert ["good day" in one.text.lower() for one in heard] == [True, True]


async def test_voices(done):
    voices = await done(lambda client: client.voices.official("step-tts-2"))

    assert "linjiajiejie" in {voice.id for voice in voices}
