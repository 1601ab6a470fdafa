"""LlamaIndex's tools in a realtime session: announced to the model, and called beside the conversation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from llama_index.core.tools import BaseTool, FunctionTool
from llama_index.core.tools.types import AsyncBaseTool, ToolOutput

from llama_index_stepfun.tool_calls import tools_to_wire
from stepfun_client.api.realtime_params import ToolResult
from stepfun_client.api.tool_choice import is_server_tool
from stepfun_client.errors import InvalidParameterError

VoiceTool: TypeAlias = "BaseTool | Callable[..., Any] | Mapping[str, Any]"

_SHOWN = "[the tool returned what cannot be told in words; the application has it]"


class VoiceTools:
    """The tools of a voice agent.

    Args:
        tools: LlamaIndex's tools, functions, which become tools, and wire objects of the tools StepFun runs by itself.

    Attributes:
        own: The tools that are called here.
        wire: All of them, as the model is told of them.

    Raises:
        InvalidParameterError: If one is none of these, or two have one name.
    """

    def __init__(self, tools: Sequence[VoiceTool]) -> None:
        made = [_made(tool) for tool in tools]
        self.own = [tool for tool in made if isinstance(tool, AsyncBaseTool)]
        self.wire = tools_to_wire(made)
        self.names = [tool.metadata.get_name() for tool in self.own]
        if twice := {name for name in self.names if self.names.count(name) > 1}:
            raise InvalidParameterError(
                f"two tools are called {', '.join(sorted(twice))}; the model could not tell them apart", param="tools"
            )

    def callables(self) -> dict[str, Callable[..., Any]]:
        """What the session calls, by name."""
        return {name: _called(tool) for name, tool in zip(self.names, self.own, strict=True)}

    def unknown(self, name: str) -> str:
        """What the model is told that calls a function there is not."""
        known = ", ".join(self.names) or "none"
        return json.dumps({"error": f"there is no function {name!r}; there are: {known}"}, ensure_ascii=False)


def _made(tool: VoiceTool) -> AsyncBaseTool | Mapping[str, Any]:
    if isinstance(tool, AsyncBaseTool):
        return tool
    if isinstance(tool, Mapping) and is_server_tool(tool):
        return tool
    if isinstance(tool, BaseTool):  # core's own adapter hands on one argument only
        return FunctionTool.from_defaults(tool.__call__, tool_metadata=tool.metadata)
    if callable(tool) and not isinstance(tool, type):
        return FunctionTool.from_defaults(tool)
    raise InvalidParameterError(
        f"a tool is {type(tool).__name__}, which a voice agent cannot call; give a FunctionTool, a function, or "
        'StepFun\'s own {"type": "web_search"} or {"type": "retrieval", ...}',
        param="tools",
    )


def _called(tool: AsyncBaseTool) -> Callable[..., Any]:
    async def call(**arguments: Any) -> ToolResult:
        output = await _output(tool, arguments)
        return ToolResult(_told(output), output)

    return call


async def _output(tool: AsyncBaseTool, arguments: dict[str, Any]) -> ToolOutput:
    try:
        output = await tool.acall(**arguments)
    except Exception as error:  # noqa: BLE001 - the model is told of it, and the event has it
        said = json.dumps({"error": f"{type(error).__name__}: {error}"}, ensure_ascii=False)
        name = tool.metadata.get_name()
        return ToolOutput(name, said, raw_input=arguments, raw_output=said, is_error=True, exception=error)
    return output.raw_output if isinstance(output.raw_output, ToolOutput) else output


def _told(output: ToolOutput) -> str:
    return output.content or (_SHOWN if output.blocks else "")
