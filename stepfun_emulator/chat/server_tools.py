"""Checking the tools that the service runs by itself (WIRE.md section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.knowledge import Contents, Knowledge
from stepfun_emulator.errors import invalid, undocumented

if TYPE_CHECKING:
    from stepfun_emulator.catalogue import Model

_PLACEHOLDERS = ("{{knowledge}}", "{{query}}")

StoredKnowledge = Callable[[str], "Contents | None"]


def read_server_tools(
    tools: list[dict[str, Any]], model: Model, stored: StoredKnowledge, *, lenient: bool
) -> tuple[bool, tuple[Knowledge, ...]]:
    """Whether the service may search the web, and the vector stores that it may look into.

    Args:
        tools: The request's tools, each of a known type.
        model: The request's model.
        stored: Gives what a vector store knows, or None.
        lenient: Ignore what is not documented.

    Raises:
        Refusal: A tool is malformed, not for this model, or names a store that is none.
    """
    web_search = False
    knowledge: list[Knowledge] = []
    for at, tool in enumerate(tools):
        if tool["type"] == "web_search":
            _check_web_search(tool, model, f"tools[{at}]")
            web_search = True
        elif tool["type"] == "retrieval":
            knowledge.append(_retrieval(tool, f"tools[{at}].function", stored, lenient=lenient))
    return web_search, tuple(knowledge)


def _check_web_search(tool: dict[str, Any], model: Model, at: str) -> None:
    function = tool.get("function", {})
    if not isinstance(function, dict) or not isinstance(function.get("description", ""), str):
        raise invalid(f"{at}.function", f"{at}.function must be an object with a description")
    if model.routes:
        raise invalid(f"{at}.type", f"{model.id} does not support web_search")


def _retrieval(tool: dict[str, Any], at: str, stored: StoredKnowledge, *, lenient: bool) -> Knowledge:
    function = tool.get("function")
    options = function.get("options") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(options, dict):
        raise invalid(f"{at}.options", f"{at}.options must be an object with a vector_store_id")
    _check_keys(function, ("name", "description", "options"), at, lenient=lenient)
    _check_keys(options, ("vector_store_id", "prompt_template"), f"{at}.options", lenient=lenient)
    name, description = (_text(function, key, f"{at}.{key}") for key in ("name", "description"))
    template = _text(options, "prompt_template", f"{at}.options.prompt_template")
    if template and not all(placeholder in template for placeholder in _PLACEHOLDERS):
        raise invalid(f"{at}.options.prompt_template", f"prompt_template must hold {' and '.join(_PLACEHOLDERS)}")
    store_id = options.get("vector_store_id")
    contents = stored(store_id) if isinstance(store_id, str) else None
    if contents is None:
        raise invalid(f"{at}.options.vector_store_id", f"No such vector store: {store_id}")
    return Knowledge(name, description, template, contents)


def _check_keys(given: dict[str, Any], known: tuple[str, ...], at: str, *, lenient: bool) -> None:
    for key in given:
        if key not in known and not lenient:
            raise undocumented(f"{at}.{key}")


def _text(given: dict[str, Any], key: str, at: str) -> str:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise invalid(at, f"{at} must be a string")
    return value or ""
