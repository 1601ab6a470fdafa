"""What a stream says about itself beside the message: who answered, how it ended, what it used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_stepfun.messages import found_by, reply_metadata, tell_audio_type, warn_if_thought_only
from stepfun_client.api.chat_stream import ChatChunk, latest_usage


class StreamFacts:
    """Collects the facts, chunk by chunk. StepFun repeats them on every chunk; LangChain wants them once."""

    def __init__(self) -> None:
        self.model: str | None = None
        self.usage: dict[str, Any] | None = None
        self._request_id: str | None = None
        self._finish_reason: str | None = None
        self._has_answered = False
        self._has_sounded = False
        self._found: list[dict[str, Any]] = []  # by searches, and cited by the text that comes next

    def note(self, chunk: ChatChunk) -> list[Mapping[str, Any]]:
        """Take a wire chunk; return what it adds to the message."""
        self.usage = latest_usage(self.usage, chunk.get("usage"))
        if self.model is None:
            self.model, self._request_id = chunk.get("model"), chunk.get("id")
        deltas: list[Mapping[str, Any]] = []
        for choice in chunk.get("choices") or ():
            if choice["index"]:  # a message is made of one choice
                continue
            if "finish_reason" in choice:
                self._finish_reason = choice["finish_reason"]
            deltas.append(self._heard(choice["delta"]))
        return deltas

    def _heard(self, delta: Any) -> Any:
        if not self._has_answered and (delta.get("content") or delta.get("tool_calls") or delta.get("audio")):
            self._has_answered = True
        if delta.get("tool_calls"):
            self._found += found_by(delta)
        if self._found and delta.get("content"):
            delta["citations"], self._found = self._found, []
        if not self._has_sounded and (delta.get("audio") or {}).get("data"):
            self._has_sounded = True
            tell_audio_type(delta)
        return delta

    def conclude(self, *, trace_id: str | None, headers: Mapping[str, str] | None) -> dict[str, Any]:
        """Return what `response_metadata` tells; warn where thinking has left nothing for an answer."""
        warn_if_thought_only(self._finish_reason, has_answered=self._has_answered)
        return reply_metadata(
            model=self.model,
            finish_reason=self._finish_reason,
            request_id=self._request_id,
            trace_id=trace_id,
            headers=headers,
        )
