"""What happened in a voice agent's conversation, as LlamaIndex's events; sound is counted, not kept."""

from __future__ import annotations

from typing import Any

from llama_index.core.bridge.pydantic import Field
from llama_index.core.tools.types import ToolOutput
from llama_index.core.voice_agents import BaseVoiceAgentEvent

from stepfun_client.api.realtime_events import AudioDelta, Problem, RealtimeEvent, ToolAnswered

_APART = {"type", "audio", "error", "value"}


class StepFunVoiceAgentEvent(BaseVoiceAgentEvent):
    """One event of a conversation.

    Attributes:
        type_t: The service's name of it, e.g. `response.done`, or the session's own, e.g. `session.interrupted`.
        data: What else it says. Of a piece of sound, only how many bytes it has (`audio_bytes`).
        tool_output: What a tool gave, where one did.
    """

    data: dict[str, Any] = Field(default_factory=dict)
    tool_output: ToolOutput | None = None


def recorded(event: RealtimeEvent) -> StepFunVoiceAgentEvent:
    """Make the record of an event."""
    data = event.model_dump(exclude=_APART, exclude_none=True)
    output = None
    match event:
        case AudioDelta():
            data["audio_bytes"] = len(event.audio)
        case Problem():
            data["error"] = str(event.error)
        case ToolAnswered():
            output = event.value if isinstance(event.value, ToolOutput) else None
            data |= {} if event.error is None else {"error": f"{type(event.error).__name__}: {event.error}"}
    return StepFunVoiceAgentEvent(type_t=event.type, data=data, tool_output=output)
