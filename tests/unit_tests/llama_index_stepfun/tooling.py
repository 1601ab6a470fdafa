"""What the tests of the tools share: a key, both ways to use a tool, and what is in one's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llama_index.core.tools import ToolOutput

    from llama_index_stepfun import StepFunToolSpec

KEY = "sk-a-key-nobody-may-see"

Use = Callable[..., Awaitable["ToolOutput"]]


def tool_of(spec: StepFunToolSpec, name: str) -> Any:
    return next(tool for tool in spec.to_tool_list() if tool.metadata.name == name)


def parameters(spec: StepFunToolSpec, name: str) -> list[str]:
    return list(tool_of(spec, name).metadata.get_parameters_dict()["properties"])


async def _call(spec: StepFunToolSpec, name: str, *args: Any, **kwargs: Any) -> ToolOutput:
    return tool_of(spec, name).call(*args, **kwargs)


async def _acall(spec: StepFunToolSpec, name: str, *args: Any, **kwargs: Any) -> ToolOutput:
    return await tool_of(spec, name).acall(*args, **kwargs)


USES: dict[str, Use] = {"call": _call, "acall": _acall}
