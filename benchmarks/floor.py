"""The floor: what no integration can do without.

httpx reads the reply, which nobody parses, and langchain-core passes on as many chunks as it holds, from memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from benchmarks.contenders import text_of_events
from benchmarks.raw import LoopbackHTTP
from benchmarks.server import QUESTION, said_in_stream, said_whole


class _FromMemory(BaseChatModel):
    """The least a chat model can be."""

    pieces: tuple[str, ...]

    @property
    def _llm_type(self) -> str:
        return "from-memory"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=said_whole()))])

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        for piece in self.pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self.pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))


class Floor:
    """One after the other: the network's share, then core's."""

    def __init__(self, base_url: str, chunks: int) -> None:
        self._http = LoopbackHTTP(base_url)
        self._memory = _FromMemory(pieces=said_in_stream(chunks))

    def invoke(self) -> str:
        """Read a whole reply, then say it from memory."""
        self._http.post()
        return self._memory.invoke(QUESTION).text

    def stream(self) -> Iterator[str]:
        """Read a stream, then say it from memory."""
        with self._http.open() as response:
            for _ in response.iter_bytes():
                pass
        for chunk in self._memory.stream(QUESTION):
            yield chunk.content

    async def astream(self) -> AsyncIterator[str]:
        """Read a stream, then say it from memory, asynchronously."""
        async with self._http.aopen() as response:
            async for _ in response.aiter_bytes():
                pass
        async for chunk in self._memory.astream(QUESTION):
            yield chunk.content

    def events(self) -> Iterator[str]:
        """Read a stream, then say it from memory, as the v3 events core makes of chunks."""
        with self._http.open() as response:
            for _ in response.iter_bytes():
                pass
        return text_of_events(self._memory.stream_events(QUESTION, version="v3"))
