"""Who is measured for LlamaIndex: each one way to ask the same question of the same server, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from benchmarks.server import MODEL, QUESTION, said_in_stream, said_whole

if TYPE_CHECKING:
    from llama_index.core.llms import LLM, ChatMessage

    from benchmarks.contenders import Contender

US, PEER, COPIES = "StepFun", "llama-index-llms-stepfun", "copies"

_KEY = "sk-loopback"  # the loopback server asks for none, the packages do


class LanguageModel:
    """An LLM of LlamaIndex, called as its users call it."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._asked = _question()

    def invoke(self) -> str:
        """Ask for a whole reply."""
        return self._llm.chat(self._asked).message.content or ""

    def stream(self) -> Iterator[str]:
        """Ask for a stream."""
        for response in self._llm.stream_chat(self._asked):
            yield response.delta or ""

    async def astream(self) -> AsyncIterator[str]:
        """Ask for a stream, asynchronously."""
        async for response in await self._llm.astream_chat(self._asked):
            yield response.delta or ""


def _question() -> list[ChatMessage]:
    from llama_index.core.llms import ChatMessage  # noqa: PLC0415

    return [ChatMessage(role="user", content=QUESTION)]


class Copies:
    """No network and no framework: a loop that copies the text so far for each piece that is added to it."""

    def __init__(self, chunks: int) -> None:
        self._pieces = said_in_stream(chunks)
        self._so_far = ""

    def invoke(self) -> str:
        """Say the whole reply."""
        return said_whole()

    def stream(self) -> Iterator[str]:
        """Copy the text for each piece; who is asked keeps the text, so it cannot grow in place."""
        self._so_far = ""
        for piece in self._pieces:
            self._so_far += piece
            yield piece

    async def astream(self) -> AsyncIterator[str]:
        """Do the same, asynchronously."""
        for piece in self.stream():
            yield piece


# Each imports what it needs and nothing else: the others may not be installed, and must not count as its memory.


def _copies(_base_url: str, chunks: int) -> Contender:
    return Copies(chunks)


def _floor(base_url: str, chunks: int) -> Contender:
    from benchmarks.llama_index_floor import Floor  # noqa: PLC0415

    return Floor(base_url, chunks)


def _stepfun(base_url: str, _chunks: int) -> Contender:
    from llama_index_stepfun import StepFun  # noqa: PLC0415

    return LanguageModel(StepFun(model=MODEL, api_key=_KEY, base_url=base_url))


def _peer(base_url: str, _chunks: int) -> Contender:
    from llama_index.llms.stepfun import StepFun  # noqa: PLC0415

    return LanguageModel(StepFun(model=MODEL, api_key=_KEY, api_base=base_url))


OURS: dict[str, Callable[[str, int], Contender]] = {COPIES: _copies, "floor": _floor, US: _stepfun}
PEERS: dict[str, Callable[[str, int], Contender]] = {PEER: _peer}
EVERYBODY = {**OURS, **PEERS}

# What each imports, for the import times; the floor is what every integration on httpx must import.
IMPORTS = {
    "floor": "import llama_index.core.llms, httpx",
    US: "import llama_index_stepfun",
    PEER: "import llama_index.llms.stepfun",
}
