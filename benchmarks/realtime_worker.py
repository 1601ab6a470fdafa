"""One measurement of realtime conversations, in a process of its own; see `benchmarks.speech_worker`.

Somebody asks for a product, for the weather (a function is called), and for a long count that is broken off by the next
question; every turn is checked: none may be lost, none told twice.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from stepfun_client import AsyncStepFunClient, StepFunClient

SECONDS = 600

_RATE = 24_000
_PAUSE = bytes(2 * _RATE)
_MEGABYTE = 1 << 20
_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_SESSION: Mapping[str, Any] = {
    "model": "stepaudio-2.5-realtime",
    "tools": [_WEATHER],
    "callables": {"get_weather": lambda city: f"18 degrees in {city}"},
    "remembered": 10_000,
}
_PRODUCTS = 9
_WEATHERS = "What is the weather in Paris?"
_COUNT = "Count from 1 to 200"


def _product(number: int) -> str:
    return f"What is {2 + number % _PRODUCTS} * 7?"


@dataclass
class Talk:
    """What one person says, and what is to be answered.

    Attributes:
        sounds: How each question sounds.
        seconds: How much is said.
        asked: What was asked.
        spoken: How much has been said, in bytes.
    """

    sounds: Mapping[str, bytes]
    seconds: int
    asked: list[str] = field(default_factory=list)
    spoken: int = 0

    def turns(self) -> Generator[tuple[bytes, str, int]]:
        """Give what to say, and for how many events of which type to wait before the next."""
        for number in count():
            yield self._say(_product(number)), "response.done", 2 if number else 1
            yield self._say(_WEATHERS), "response.done", 2
            yield self._say(_COUNT), "response.audio.delta", 3
            if self.spoken >= self.seconds * 2 * _RATE:
                break
        yield self._say(_product(0)), "response.done", 2

    def _say(self, question: str) -> bytes:
        self.asked.append(question)
        sound = self.sounds[question] + _PAUSE
        self.spoken += len(sound)
        return sound

    def check(self, history: list[Any]) -> None:
        """See that no turn was lost, and none told twice."""
        heard = [turn.text for turn in history if turn.role == "user"]
        answers = [turn.text for turn in history if turn.role == "assistant"]
        if heard != self.asked:
            raise RuntimeError(f"{len(self.asked)} questions were asked, and these heard: {heard}")
        for question, answer in zip(self.asked, answers, strict=True):
            if not _is_answer(answer, question):
                raise RuntimeError(f"{question!r} was answered with {answer!r}")


def _is_answer(answer: str, question: str) -> bool:
    if question == _COUNT:
        return answer.startswith("1") and "200" not in answer
    if question == _WEATHERS:
        return "18 degrees in Paris" in answer
    factor = question.split()[2]
    return answer == f"{factor} * 7 = {int(factor) * 7}"


def _sounds(client: StepFunClient) -> Mapping[str, bytes]:
    questions = [*(_product(number) for number in range(_PRODUCTS)), _WEATHERS, _COUNT]
    return {
        question: client.speech.create(
            input=question, model="step-tts-2", voice="cixingnansheng", response_format="pcm", sample_rate=_RATE
        ).content
        for question in questions
    }


def converse(client: StepFunClient, talk: Talk) -> None:
    """Hold a conversation and check it."""
    with client.realtime.connect(**_SESSION) as session:
        for sound, awaited, times in talk.turns():
            session.send_audio(sound)
            left = times
            for event in session:
                left -= event.type == awaited
                if not left:
                    break
        talk.check(session.history)


async def converse_async(client: AsyncStepFunClient, talk: Talk) -> None:
    """See `converse`; asynchronously."""
    async with client.realtime.connect(**_SESSION) as session:
        for sound, awaited, times in talk.turns():
            await session.send_audio(sound)
            left = times
            async for event in session:
                left -= event.type == awaited
                if not left:
                    break
        talk.check(session.history)


def _peak() -> float:
    """The process's peak memory so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MEGABYTE if sys.platform == "darwin" else _MEGABYTE / 1024)


def talk(address: str, seconds: int = SECONDS) -> float:
    """How much a long conversation adds to the memory that a minute needs, in megabytes."""
    with StepFunClient(api_key="none", base_url=address) as client:
        sounds = _sounds(client)
        converse(client, Talk(sounds, 60))
        before = _peak()
        converse(client, Talk(sounds, seconds))
        return _peak() - before


def talk_async(address: str, seconds: int = SECONDS) -> float:
    """See `talk`; asynchronously."""
    with StepFunClient(api_key="none", base_url=address) as client:
        sounds = _sounds(client)

    async def measure() -> float:
        async with AsyncStepFunClient(api_key="none", base_url=address) as client:
            await converse_async(client, Talk(sounds, 60))
            before = _peak()
            await converse_async(client, Talk(sounds, seconds))
            return _peak() - before

    return asyncio.run(measure())


TASKS: Mapping[str, Callable[..., float]] = {"talk": talk, "talk_async": talk_async}

if __name__ == "__main__":
    print(TASKS[sys.argv[1]](sys.argv[2]))
