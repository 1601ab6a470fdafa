"""The tools `bind_tools` takes, in LangChain's forms, as StepFun's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.utils.function_calling import convert_to_openai_tool

from stepfun_client.api.tool_choice import is_server_tool, server_tool


def tools_to_wire(tools: Iterable[Any], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Turn tools of any form into StepFun's.

    Args:
        tools: Functions, pydantic classes, TypedDicts, `BaseTool`s, runnables as tools, function dicts, and the tools
            StepFun runs by itself: `{"type": "web_search"}` and `{"type": "retrieval", "function": {...}}`.
        strict: Whether the model must keep to each function's schema.
    """
    return [
        server_tool(tool) if is_server_tool(tool) else convert_to_openai_tool(tool, strict=strict) for tool in tools
    ]
