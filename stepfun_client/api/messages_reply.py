"""A reply of the Messages API, as typed objects (WIRE.md section 5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from stepfun_client.api.resource import WireModel, WirePart


class TextBlock(WirePart):
    """Some of the answer's text."""

    type: Literal["text"] = "text"
    text: str = ""


class ThinkingBlock(WirePart):
    """What the model thought before it answered. No source documents the block; the signature is kept as it came."""

    type: Literal["thinking"] = "thinking"
    thinking: str = ""
    signature: str | None = None


class ToolUseBlock(WirePart):
    """A tool call.

    Attributes:
        input: The arguments; empty where `max_tokens` cut them.
        partial_json: The text of arguments that were cut; None where they are whole.
    """

    type: Literal["tool_use"] = "tool_use"
    id: str = ""
    name: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    partial_json: str | None = None


class OtherBlock(WirePart):
    """A block this package does not know yet, kept as it came."""

    type: str = ""


def _kind(block: Any) -> str:
    kind = block.get("type") if isinstance(block, dict) else getattr(block, "type", None)
    return kind if kind in ("text", "thinking", "tool_use") else "other"


ContentBlock = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[ThinkingBlock, Tag("thinking")]
    | Annotated[ToolUseBlock, Tag("tool_use")]
    | Annotated[OtherBlock, Tag("other")],
    Discriminator(_kind),
]


class MessageUsage(WirePart):
    """What an exchange used, in tokens.

    Attributes:
        input_tokens: What was read; as in Anthropic's API, what came from the prompt cache is counted by itself.
        output_tokens: What was written, thinking included.
        cache_read_input_tokens: What came from the prompt cache; None where the service does not say.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class Message(WireModel):
    """A whole reply.

    Attributes:
        stop_reason: Why it ends: `"end_turn"`, `"tool_use"`, `"max_tokens"`; `"stop_sequence"` where one was met.
        stop_sequence: Which one was met.
    """

    id: str = ""
    role: str = "assistant"
    model: str = ""
    content: list[ContentBlock]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: MessageUsage | None = None

    @property
    def text(self) -> str:
        """The text of all blocks."""
        return "".join(block.text for block in self.content if isinstance(block, TextBlock))

    @property
    def thinking(self) -> str | None:
        """What the model thought; None where it does not say."""
        thoughts = [block.thinking for block in self.content if isinstance(block, ThinkingBlock)]
        return "".join(thoughts) if thoughts else None

    @property
    def tool_uses(self) -> list[ToolUseBlock]:
        """The tool calls."""
        return [block for block in self.content if isinstance(block, ToolUseBlock)]


class InputTokens(WireModel):
    """The service's count of a prompt; `int(count)` is the number."""

    input_tokens: int

    def __int__(self) -> int:
        return self.input_tokens

    __index__ = __int__
