"""One measurement of speech, in a process of its own: does a task, and prints its figure.

`python -m benchmarks.speech_worker TASK ADDRESS`, where the task is one of `TASKS` and the address an emulator's.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from itertools import cycle, islice
from time import perf_counter, sleep
from typing import Literal, TypedDict

from stepfun_client import AsyncStepFunClient, StepFunClient

SYNTHESES = 100
LONG = 20_000
HOUR = 3600

_RATE: Literal[16000] = 16_000
_SECOND = 2 * _RATE  # bytes of 16 bit, mono
_PIECE = _SECOND // 5
_SENTENCE = "One after the other the ships left the harbour at 6.30, and nobody said a word. "
_TOKENS = 120
_TOKEN_SECONDS = 0.02  # a model that writes 50 tokens a second
_MEGABYTE = 1 << 20


class _Voice(TypedDict):
    model: str
    voice: str


_SPEAKER: _Voice = {"model": "step-tts-2", "voice": "cixingnansheng"}


def _client(address: str) -> StepFunClient:
    return StepFunClient(api_key="none", base_url=address)


def _async_client(address: str) -> AsyncStepFunClient:
    return AsyncStepFunClient(api_key="none", base_url=address)


def _peak() -> float:
    """The process's peak memory so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MEGABYTE if sys.platform == "darwin" else _MEGABYTE / 1024)


class _Talk:
    """Somebody who says a sentence, pauses for a second, and says it again."""

    def __init__(self, client: StepFunClient) -> None:
        spoken = client.speech.create(input=_SENTENCE, response_format="pcm", sample_rate=_RATE, **_SPEAKER)
        self._turn = spoken.content + bytes(_SECOND)

    def sound(self, seconds: int) -> Iterator[bytes]:
        """Give so much of it, in pieces as a microphone gives them."""
        pieces = [self._turn[at : at + _PIECE] for at in range(0, len(self._turn), _PIECE)]
        left = seconds * _SECOND
        for piece in cycle(pieces):
            if left <= 0:
                return
            yield piece[:left]
            left -= len(piece)

    def check(self, text: str, seconds: int) -> None:
        """Make sure that it was listened to: who drops sound needs no memory."""
        turns = seconds * _SECOND // len(self._turn)
        if text.count(_SENTENCE.strip()) < turns:
            message = f"the transcript holds {text.count(_SENTENCE.strip())} sentences of {turns}"
            raise RuntimeError(message)


def live(address: str) -> float:
    """How much an hour of sound adds to the memory that a minute needs, in megabytes."""
    with _client(address) as client:
        talk = _Talk(client)
        client.transcription.live(talk.sound(60)).transcript()
        before = _peak()
        text = client.transcription.live(talk.sound(HOUR)).transcript().text
        grown = _peak() - before
    talk.check(text, HOUR)
    return grown


def live_async(address: str) -> float:
    """See `live`; asynchronously."""
    with _client(address) as client:
        talk = _Talk(client)

    async def listen() -> tuple[str, float]:
        async with _async_client(address) as client:
            await client.transcription.live(_one_by_one(talk.sound(60))).transcript()
            before = _peak()
            heard = await client.transcription.live(_one_by_one(talk.sound(HOUR))).transcript()
            return heard.text, _peak() - before

    text, grown = asyncio.run(listen())
    talk.check(text, HOUR)
    return grown


async def _one_by_one(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


def at_once(address: str) -> float:
    """How many times faster so many syntheses are at once than one after the other."""

    async def compare() -> float:
        async with _async_client(address) as client:

            async def speak(number: int) -> None:
                await client.speech.create(input=f"Ship number {number}.", response_format="pcm", **_SPEAKER)

            await speak(0)  # opens the first connection
            began = perf_counter()
            for number in range(SYNTHESES):
                await speak(number)
            between = perf_counter()
            await asyncio.gather(*map(speak, range(SYNTHESES)))
            return (between - began) / (perf_counter() - between)

    return asyncio.run(compare())


def long_text(address: str) -> float:
    """The peak of what a long text's WAV takes while it is made, over the file's own size."""
    text = "".join(islice(cycle(_SENTENCE), LONG))
    with _client(address) as client:
        client.speech.create(input=_SENTENCE, response_format="wav", **_SPEAKER)  # imports what it needs
        tracemalloc.start()
        audio = client.speech.create(input=text, response_format="wav", progress=False, **_SPEAKER)
        _, peak = tracemalloc.get_traced_memory()
    return peak / len(audio)


def first_sound(address: str) -> float:
    """When the first sound of a text comes that is still being written, as a share of the whole time."""

    def written() -> Iterator[str]:
        for token in islice(cycle(_SENTENCE.split(" ")[:-1]), _TOKENS):
            sleep(_TOKEN_SECONDS)
            yield f"{token} "

    with _client(address) as client:
        client.speech.stream(input=["Hello."], response_format="pcm", **_SPEAKER).audio()  # imports what it needs
        began = perf_counter()
        with client.speech.stream(input=written(), response_format="pcm", **_SPEAKER) as stream:
            next(iter(stream))
            first = perf_counter()
            stream.audio()
    return (first - began) / (perf_counter() - began)


TASKS: Mapping[str, Callable[[str], float]] = {
    task.__name__: task for task in (live, live_async, at_once, long_text, first_sound)
}

if __name__ == "__main__":
    print(TASKS[sys.argv[1]](sys.argv[2]))
