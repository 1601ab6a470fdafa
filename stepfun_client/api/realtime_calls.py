"""Calling a function for the model: its arguments read, its result written, its failure told (WIRE.md section 12)."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, TypeAlias

from stepfun_client.api.realtime_params import ToolResult

if TYPE_CHECKING:
    from stepfun_client.api.realtime_events import FunctionCall
    from stepfun_client.api.realtime_params import Tool

Outcome: TypeAlias = "tuple[str | ToolResult, BaseException | None]"


def called(function: Tool, call: FunctionCall) -> Outcome:
    """Call a function; give what the model is told, and what went wrong."""
    try:
        return _written(function(**_arguments(call))), None
    except Exception as error:  # noqa: BLE001 - the model is told of it
        return _failed(error), error


async def called_async(function: Tool, call: FunctionCall) -> Outcome:
    """Call a function that may be asynchronous; see `called`."""
    try:
        result = function(**_arguments(call))
        return _written(await result if inspect.isawaitable(result) else result), None
    except Exception as error:  # noqa: BLE001 - the model is told of it
        return _failed(error), error


def _arguments(call: FunctionCall) -> dict[str, Any]:
    arguments = json.loads(call.arguments or "{}", strict=False)
    if not isinstance(arguments, dict):
        raise TypeError(f"the arguments of {call.name} are no object: {call.arguments[:200]}")
    return arguments


def _written(result: Any) -> str | ToolResult:
    if isinstance(result, (str, ToolResult)):
        return result
    return json.dumps(result, ensure_ascii=False, default=str)


def _failed(error: Exception) -> str:
    return json.dumps({"error": f"{type(error).__name__}: {error}"}, ensure_ascii=False)
