"""Tools and tool choices in every form people write them, as StepFun takes them (WIRE.md section 4). Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepfun_client.errors import InvalidParameterError

SERVER_TOOLS = frozenset({"web_search", "retrieval"})
"""The tools StepFun runs by itself."""

_WEB_SEARCH_DESCRIPTION = "Search the web for current information."


def is_server_tool(tool: Any) -> bool:
    """Whether StepFun runs the tool by itself.

    >>> is_server_tool({"type": "web_search"})
    True
    """
    return isinstance(tool, Mapping) and tool.get("type") in SERVER_TOOLS


def is_server_call(call: Mapping[str, Any]) -> bool:
    """Whether StepFun has run the call by itself: it must be neither executed nor answered.

    >>> is_server_call({"type": "web_search", "results": []}), is_server_call({"type": "function"})
    (True, False)
    """
    return call.get("type", "function") not in ("function", "", None)


def server_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the service wants beside the type: a web search has a description."""
    if tool["type"] == "web_search" and not tool.get("function"):
        return {**tool, "function": {"description": _WEB_SEARCH_DESCRIPTION}}
    return dict(tool)


def tool_choice_to_wire(
    choice: str | bool | Mapping[str, Any] | None,  # noqa: FBT001 - the form frameworks use
    tools: Sequence[Mapping[str, Any]],
) -> str | dict[str, Any] | None:
    """Turn a tool choice of any form into StepFun's.

    A call is forced safest by name: StepFun does not document `required` for chat, so where only one function can be
    meant, it is named.

    Args:
        choice: A tool's name, `"auto"`, `"none"`, `"any"`, `"required"`, True for any, False for none in particular, or
            a wire object.
        tools: The tools bound with it, in the wire's form.

    Raises:
        InvalidParameterError: If it names a tool that is not bound.

    Example:
        >>> tools = [{"type": "function", "function": {"name": "add"}}]
        >>> tool_choice_to_wire("any", tools)
        {'type': 'function', 'function': {'name': 'add'}}
    """
    if choice is None or choice is False or choice == "" or not tools:
        return None
    if isinstance(choice, Mapping):
        return dict(choice)
    names = [tool["function"]["name"] for tool in tools if tool.get("type") == "function"]
    if choice is True or choice in ("any", "required"):
        return _named(names[0]) if len(names) == 1 else "required"
    if choice in ("auto", "none"):
        return str(choice)
    if choice not in names:
        raise InvalidParameterError(
            f"tool_choice is {choice!r}, which is none of the bound tools ({', '.join(names) or 'none'}) nor one of "
            "'auto', 'none', 'any', 'required'",
            param="tool_choice",
        )
    return _named(str(choice))


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}
