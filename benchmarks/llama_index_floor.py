"""LlamaIndex's floor: httpx reads the reply, which nobody parses, and the smallest LLM says as much from memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from llama_index.core.base.llms.types import TextBlock, ThinkingBlock
from llama_index.core.llms import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    CustomLLM,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.callbacks import llm_chat_callback

from benchmarks.llama_index_contenders import LanguageModel
from benchmarks.raw import LoopbackHTTP
from benchmarks.server import PIECE, said_in_stream, said_whole


class _FromMemory(CustomLLM):
    """The least an LLM can be whose responses hold the same blocks: the thinking and the text so far."""

    pieces: tuple[str, ...]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True)

    @llm_chat_callback()
    def chat(self, *_: Any, **__: Any) -> ChatResponse:
        return _response(said_whole(), said_whole())

    @llm_chat_callback()
    def stream_chat(self, *_: Any, **__: Any) -> ChatResponseGen:
        return self._responses()

    @llm_chat_callback()
    async def astream_chat(self, *_: Any, **__: Any) -> ChatResponseAsyncGen:
        async def responses() -> ChatResponseAsyncGen:
            for response in self._responses():
                yield response

        return responses()

    def _responses(self) -> ChatResponseGen:
        thinking = text = ""
        for piece in self.pieces:
            if piece:
                text += piece
            else:
                thinking += PIECE
            yield _response(thinking, text, piece)

    def complete(self, *_: Any, **__: Any) -> CompletionResponse:
        raise NotImplementedError

    def stream_complete(self, *_: Any, **__: Any) -> CompletionResponseGen:
        raise NotImplementedError


def _response(thinking: str, text: str, delta: str | None = None) -> ChatResponse:
    blocks = [ThinkingBlock(content=thinking), TextBlock(text=text)] if text else [ThinkingBlock(content=thinking)]
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks), delta=delta)


class Floor:
    """One after the other: the network's share, then core's."""

    def __init__(self, base_url: str, chunks: int) -> None:
        self._http = LoopbackHTTP(base_url)
        self._memory = LanguageModel(_FromMemory(pieces=said_in_stream(chunks)))

    def invoke(self) -> str:
        """Read a whole reply, then say it from memory."""
        self._http.post()
        return self._memory.invoke()

    def stream(self) -> Iterator[str]:
        """Read a stream, then say it from memory."""
        with self._http.open() as response:
            for _ in response.iter_bytes():
                pass
        yield from self._memory.stream()

    async def astream(self) -> AsyncIterator[str]:
        """Read a stream, then say it from memory, asynchronously."""
        async with self._http.aopen() as response:
            async for _ in response.aiter_bytes():
                pass
        async for piece in self._memory.astream():
            yield piece
