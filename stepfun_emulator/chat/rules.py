"""What holds for every API that the chat models are served through: chat, Messages and Responses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from stepfun_emulator.answerer.conversation import Said, Tool
from stepfun_emulator.catalogue import MODELS, Model
from stepfun_emulator.chat.schemas import check_schema
from stepfun_emulator.errors import Refusal, invalid, no_such_model, undocumented

_APIS = {"chat": "Chat Completions", "messages": "Messages", "responses": "Responses"}
_TOOL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
_MAX_TOOLS = 128
_MAX_IMAGES = 60
_MODERATED = "censored-by-emulator"


def find_model(name: Any, *, api: str = "chat", plan: bool = False) -> Model:
    """The model of that name.

    Args:
        name: What was sent.
        api: A name of ``Model.protocols``.
        plan: Whether the request came under ``/step_plan/v1``.

    Raises:
        Refusal: There is none, or it is not one for this API.
    """
    if not isinstance(name, str) or not name:
        raise invalid("model", "model must be a non-empty string")
    model = MODELS.get(name)
    if model is None or (model.plan_only and not plan):
        raise no_such_model(name)
    if api in model.protocols:
        return model
    if model.kind != "chat":
        raise invalid("model", f"model {name} is a model for {model.kind}, not for chat completions")
    instead = next(_APIS[one] for one in _APIS if one in model.protocols)
    message = f"this model is not enabled for the {_APIS[api]} API, please use the {instead} API"
    raise Refusal(400, "request_params_invalid", message)


def check_conversation(said: Sequence[Said], places: Sequence[str], whole: str = "messages") -> None:
    """Check what is said as a whole: the number of images, the order of tool calls and results, moderation.

    Args:
        said: The messages.
        places: Where in the request each of them stands; of a tool's result, where it names the call.
        whole: Where all of them stand.

    Raises:
        Refusal: One of these is not as it must be.
    """
    images = sum(medium.kind == "image" for one in said for medium in one.media)
    if images > _MAX_IMAGES:
        raise Refusal(400, "request_params_invalid", f"Input images too many: {images}, max: {_MAX_IMAGES}")
    _check_order(said, places, whole)
    if any(_MODERATED in one.text for one in said):
        raise Refusal(451, "censorship_blocked", "The content you provided or machine outputted is blocked.")


def _check_order(said: Sequence[Said], places: Sequence[str], whole: str) -> None:
    """Every tool call is answered, at once, and nothing else is."""
    waiting: set[str] = set()
    for one, place in zip(said, places, strict=True):
        if one.role == "tool":
            if one.answers not in waiting:
                raise invalid(place, f"{place} must name a tool call made just before, not {one.answers!r}")
            waiting.discard(one.answers)
            continue
        if waiting:
            raise invalid(place, f"tool calls without an answer before {place}: {sorted(waiting)}")
        waiting = {call.id for call in one.calls}
    if waiting:
        raise invalid(whole, f"tool calls without an answer: {sorted(waiting)}")


def check_length(model: Model, prompt_tokens: int, max_tokens: int | None, names: tuple[str, str]) -> None:
    """Check the lengths of prompt and answer against the model's.

    Args:
        model: The model.
        prompt_tokens: What the prompt has.
        max_tokens: What the answer may have.
        names: What the API calls the prompt, and the limit of the answer.

    Raises:
        Refusal: One is too large.
    """
    if model.context is not None and prompt_tokens > model.context:
        raise invalid(
            names[0],
            f"the prompt is too long: {prompt_tokens} tokens, the context of {model.id} is {model.context}",
        )
    if model.max_output is not None and max_tokens is not None and max_tokens > model.max_output:
        raise invalid(names[1], f"{names[1]} of {model.id} must be at most {model.max_output}")


def check_effort(effort: Any, model: Model, param: str) -> str:
    """One of the efforts that a model lists.

    Raises:
        Refusal: It is none of them.
    """
    if effort not in model.efforts:
        listed = ", ".join(model.efforts) or "none"
        raise invalid(param, f"{param} {effort!r} is not supported by {model.id}: {listed}")
    return str(effort)


def check_tools(tools: Any, model: Model) -> list[Any]:
    """The tools as they were sent.

    Raises:
        Refusal: They are no array, too many, or the model takes none.
    """
    if not isinstance(tools, list) or len(tools) > _MAX_TOOLS:
        raise invalid("tools", f"tools must be an array of at most {_MAX_TOOLS}")
    if tools and not model.tools:
        raise invalid("tools", f"model {model.id} does not support tools")
    return tools


def check_names(functions: Sequence[Tool]) -> tuple[Tool, ...]:
    """The functions, no two of which have the same name.

    Raises:
        Refusal: Two have.
    """
    names = [function.name for function in functions]
    if len(set(names)) < len(names):
        raise invalid("tools", "two tools have the same name")
    return tuple(functions)


def read_function(
    function: Any, at: str, *, lenient: bool, schema: str = "parameters", also: tuple[str, ...] = ()
) -> Tool:
    """Read a function that the client offers.

    Args:
        function: The object that describes it.
        at: Where it stands.
        lenient: Ignore undocumented keys.
        schema: What the API calls the schema of its arguments.
        also: Other keys that may be there.

    Raises:
        Refusal: It is not described as it must be.
    """
    if not isinstance(function, dict):
        raise invalid(at, f"{at} must be an object")
    for key in function:
        if key not in ("name", "description", schema, *also) and not lenient:
            raise undocumented(f"{at}.{key}")
    name, description = function.get("name"), function.get("description", "")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise invalid(f"{at}.name", f"{at}.name must match ^{_TOOL_NAME.pattern}$")
    if not isinstance(description, str):
        raise invalid(f"{at}.description", f"{at}.description must be a string")
    parameters = function.get(schema, {"type": "object", "properties": {}})
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        raise invalid(f"{at}.{schema}", f"{at}.{schema} must be a JSON Schema whose root type is object")
    check_schema(parameters, f"{at}.{schema}")
    return Tool(name, description, parameters)


def check_choice(name: Any, tools: Sequence[Tool]) -> str:
    """The name of the function that must be called.

    Raises:
        Refusal: It is not among the tools.
    """
    if name not in {tool.name for tool in tools}:
        raise invalid("tool_choice", f"tool_choice names the function {name!r}, which is not among the tools")
    return str(name)


def check_required(tools: Sequence[Tool]) -> None:
    """Check that there is a function to call.

    Raises:
        Refusal: There is none.
    """
    if not tools:
        raise invalid("tool_choice", "tool_choice is required but there are no function tools")
