"""A chat stream in LangChain's words: wire chunks in, `ChatGenerationChunk`s out. One state machine, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_stepfun.messages import (
    PROVIDER,
    extra_content,
    is_server_call,
    reply_metadata,
    transcript_of,
    usage_metadata,
)
from stepfun_client.api.chat_stream import ChatChunk, latest_usage


class MessageStream:
    """Turns a stream's clean wire chunks into message chunks.

    What LangChain adds up must be said once: the names and the finish reason (repeated strings are concatenated) and
    the usage (StepFun repeats it, cumulative, on every chunk) come on one last chunk, from `finish`.
    """

    def __init__(self) -> None:
        self._usage: dict[str, Any] | None = None
        self._model: str | None = None
        self._request_id: str | None = None
        self._finish_reason: str | None = None

    def read(self, chunk: ChatChunk) -> Iterator[ChatGenerationChunk]:
        """Take a wire chunk; yield the message chunk it makes, if it says anything."""
        usage = chunk.get("usage")
        if usage is not None:
            self._usage = latest_usage(self._usage, usage)
        if self._model is None:
            self._model, self._request_id = chunk.get("model"), chunk.get("id")
        for choice in chunk.get("choices") or ():
            self._finish_reason = choice.get("finish_reason", self._finish_reason)
            if message := _message_chunk(choice["delta"]):
                yield ChatGenerationChunk(message=message)

    def finish(self, *, trace_id: str | None, headers: Mapping[str, str] | None = None) -> ChatGenerationChunk:
        """Return the last chunk: usage, names, finish reason."""
        metadata = reply_metadata(
            model=self._model,
            finish_reason=self._finish_reason,
            request_id=self._request_id,
            trace_id=trace_id,
            headers=headers,
        )
        message = AIMessageChunk(
            content="",
            usage_metadata=usage_metadata(self._usage),
            response_metadata={**metadata, "model_provider": PROVIDER},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)


def _message_chunk(delta: Mapping[str, Any]) -> AIMessageChunk | None:
    """Turn one delta into a message chunk; None where it says nothing, as the first one and the last."""
    text = delta.get("content") or transcript_of(delta)
    extra = extra_content(delta)
    calls = delta.get("tool_calls")
    if not (text or extra or calls):
        return None
    return AIMessageChunk(
        content=text,
        additional_kwargs=extra,
        tool_call_chunks=[_call_chunk(call) for call in calls if not is_server_call(call)] if calls else [],
        response_metadata={"model_provider": PROVIDER},
    )


def _call_chunk(call: Mapping[str, Any]) -> Any:
    function = call.get("function") or {}
    return tool_call_chunk(
        name=function.get("name"), args=function.get("arguments"), id=call.get("id"), index=call["index"]
    )
