"""Who is measured: each one way to ask the same question of the same server, made in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.server import MODEL, QUESTION

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

_KEY = "sk-loopback"  # the loopback server asks for none, the packages do


class Contender(Protocol):
    """One way to ask."""

    def invoke(self) -> str:
        """Ask for a whole reply and return its text."""

    def stream(self) -> Iterator[str]:
        """Ask for a stream and yield the text of each piece, `""` where it only thinks."""

    def astream(self) -> AsyncIterator[str]:
        """Ask for a stream, asynchronously."""

    def events(self) -> Iterator[str]:
        """Ask for a stream as v3 events, and yield the text of each that grows a block of text."""


def text_of_events(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Pick the text out of v3 events."""
    for event in events:
        if event["event"] == "content-block-delta" and event["delta"]["type"] == "text-delta":
            yield event["delta"]["text"]


class ChatModel:
    """A chat model of LangChain, called as its users call it."""

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model

    def invoke(self) -> str:
        """Ask for a whole reply."""
        return self._model.invoke(QUESTION).content

    def stream(self) -> Iterator[str]:
        """Ask for a stream."""
        for chunk in self._model.stream(QUESTION):
            yield chunk.content

    async def astream(self) -> AsyncIterator[str]:
        """Ask for a stream, asynchronously."""
        async for chunk in self._model.astream(QUESTION):
            yield chunk.content

    def events(self) -> Iterator[str]:
        """Ask for v3 events: the model's own, or those core makes of its chunks."""
        return text_of_events(self._model.stream_events(QUESTION, version="v3"))


# Each imports what it needs and nothing else: the others may not be installed, and must not count as its memory.


def _raw(base_url: str, _chunks: int) -> Contender:
    from benchmarks.raw import Raw  # noqa: PLC0415

    return Raw(base_url)


def _floor(base_url: str, chunks: int) -> Contender:
    from benchmarks.floor import Floor  # noqa: PLC0415

    return Floor(base_url, chunks)


def _stepfun(base_url: str, _chunks: int) -> Contender:
    from langchain_stepfun import ChatStepFun  # noqa: PLC0415

    return ChatModel(ChatStepFun(model=MODEL, api_key=_KEY, base_url=base_url))


def _openai(base_url: str, _chunks: int) -> Contender:
    from langchain_openai import ChatOpenAI  # noqa: PLC0415

    return ChatModel(ChatOpenAI(model=MODEL, api_key=_KEY, base_url=base_url))


def _mistral(base_url: str, _chunks: int) -> Contender:
    from langchain_mistralai import ChatMistralAI  # noqa: PLC0415

    # Its own limit of 64 requests at a time would be measured instead of its speed.
    return ChatModel(ChatMistralAI(model_name=MODEL, api_key=_KEY, base_url=base_url, max_concurrent_requests=1000))


def _deepseek(base_url: str, _chunks: int) -> Contender:
    from langchain_deepseek import ChatDeepSeek  # noqa: PLC0415

    return ChatModel(ChatDeepSeek(model=MODEL, api_key=_KEY, base_url=base_url))


OURS: dict[str, Callable[[str, int], Contender]] = {"raw": _raw, "floor": _floor, "ChatStepFun": _stepfun}
PEERS: dict[str, Callable[[str, int], Contender]] = {
    "ChatOpenAI": _openai,
    "ChatMistralAI": _mistral,
    "ChatDeepSeek": _deepseek,
}
EVERYBODY = {**OURS, **PEERS}

# What each imports, for the import times; the floor is what every integration on httpx must import.
IMPORTS = {
    "raw": "import httpx",
    "floor": "import langchain_core.language_models.chat_models, httpx",
    "ChatStepFun": "import langchain_stepfun",
    "ChatOpenAI": "import langchain_openai",
    "ChatMistralAI": "import langchain_mistralai",
    "ChatDeepSeek": "import langchain_deepseek",
}
