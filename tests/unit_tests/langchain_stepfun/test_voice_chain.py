"""A voice chain: recognition, a chat stream, and speech over the WebSocket, heard before the chat has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

import stepfun_emulator
from langchain_stepfun import ChatStepFun
from stepfun_client import AsyncStepFunClient, StepFunClient

if TYPE_CHECKING:
    from stepfun_client.audio import Audio
    from stepfun_emulator import Emulator

QUESTION = "Tell me a story about the sea. It may be short."  # the answer has several sentences
HOW = {"model": "step-tts-2", "voice": "cixingnansheng", "response_format": "pcm"}


@pytest.fixture(scope="module")
def slow() -> Iterator[Emulator]:
    """An emulator that takes its time between the events of a stream."""
    with stepfun_emulator.serving(delay=0.03) as served:
        yield served


@pytest.fixture
def settings(slow: Emulator) -> dict[str, Any]:
    return {"api_key": "any", "base_url": slow.base_url, "max_retries": 0}


@pytest.fixture
def question(settings: dict[str, Any]) -> Audio:
    """The question, spoken."""
    with StepFunClient(**settings) as client:
        return client.speech.create(model="step-tts-2", input=QUESTION, voice="linjiajiejie", response_format="wav")


class Told(list[str]):
    """What happened, in its order: tokens as they are written, and "sound" as it is heard."""

    @property
    def answer(self) -> str:
        return "".join(what for what in self if what != "sound")


def test_the_first_sound_comes_before_the_last_token(settings: dict[str, Any], question: Audio) -> None:
    told = Told()
    chat = ChatStepFun(**settings, model="step-3.7-flash")

    def tokens(asked: str) -> Iterator[str]:
        for chunk in chat.stream(asked):
            told.append(chunk.text)
            yield chunk.text

    with StepFunClient(**settings) as client:
        asked = client.transcription.create(question, model="stepaudio-2.5-asr").text
        with client.speech.stream(input=tokens(asked), **HOW) as speech:
            for piece in speech:
                assert piece
                told.append("sound")
        again = client.transcription.create(speech.audio(), model="stepaudio-2.5-asr").text
    chat.client.close()

    assert asked == QUESTION
    check(told, again)


async def test_the_first_sound_comes_before_the_last_token_asynchronously(settings, question: Audio) -> None:
    told = Told()
    chat = ChatStepFun(**settings, model="step-3.7-flash")

    async def tokens(asked: str) -> AsyncIterator[str]:
        async for chunk in chat.astream(asked):
            told.append(chunk.text)
            yield chunk.text

    async with AsyncStepFunClient(**settings) as client:
        asked = (await client.transcription.create(question, model="stepaudio-2.5-asr")).text
        async with client.speech.stream(input=tokens(asked), **HOW) as speech:
            async for piece in speech:
                assert piece
                told.append("sound")
        again = (await client.transcription.create(await speech.audio(), model="stepaudio-2.5-asr")).text
    await chat.async_client.aclose()

    assert asked == QUESTION
    check(told, again)


def check(told: Told, heard: str) -> None:
    """The sound began while tokens were still to come, and all that was written was said."""
    last_token = max(at for at, what in enumerate(told) if what.strip() and what != "sound")
    assert told.index("sound") < last_token
    assert told.answer.startswith("Hello!")
    assert "".join(heard.split()) == "".join(told.answer.split())
