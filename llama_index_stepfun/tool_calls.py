"""Tools and tool calls: LlamaIndex's tools to the wire, the calls of a message to selections. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.llms.utils import parse_partial_json

from stepfun_client.api.tool_choice import is_server_tool, server_tool

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool


def tools_to_wire(tools: Iterable[BaseTool | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn LlamaIndex's tools, wire objects, and the tools StepFun runs by itself into StepFun's."""
    return [_tool_to_wire(tool) for tool in tools]


def _tool_to_wire(tool: BaseTool | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(tool, Mapping):
        return server_tool(tool) if is_server_tool(tool) else dict(tool)
    described: dict[str, Any] = tool.metadata.to_openai_tool(skip_length_check=True)
    return described


def selections(message: ChatMessage) -> list[ToolSelection]:
    """Read a message's calls. While a call is still being streamed, its arguments are read as far as they have come."""
    return [
        ToolSelection(tool_id=block.tool_call_id or "", tool_name=block.tool_name, tool_kwargs=_read(block.tool_kwargs))
        for block in message.blocks
        if isinstance(block, ToolCallBlock)
    ]


def first_call_only(message: ChatMessage) -> None:
    """Keep the first call alone, in both places it stands."""
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    message.blocks = [block for block in message.blocks if block not in calls[1:]]
    if calls[1:]:
        message.additional_kwargs["tool_calls"] = message.additional_kwargs["tool_calls"][:1]


def _read(kwargs: dict[str, Any] | str) -> dict[str, Any]:
    if not isinstance(kwargs, str):
        return kwargs
    try:
        read: Any = parse_partial_json(kwargs)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
