"""A chat request as a request of the Messages API (WIRE.md sections 4 and 5). Pure functions.

What the Messages API has no place for is an error that names it; nothing is left out silently, but for the reasoning of
earlier turns, which is none of the documented blocks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from stepfun_client.catalog import find
from stepfun_client.errors import InvalidParameterError

MAX_TOKENS_DEFAULT = 32_768
"""The longest answer where nobody says another: this API wants the number, which chat does without."""

_RENAMED = {"stop": "stop_sequences", "reasoning_effort": "effort"}
_CHAT_ONLY = (
    "n",
    "frequency_penalty",
    "response_format",
    "reasoning_format",
    "modalities",
    "audio",
    "stream_options",
    "parallel_tool_calls",
)

Block = dict[str, Any]


def messages_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what `client.chat.create` takes into what `client.messages.create` takes.

    System messages become `system`, wherever they stand; messages of one role that follow each other become one, as
    this API wants the user and the assistant in turns; a tool's answer is a block of the user's.

    Args:
        request: `model`, `messages` and the parameters of chat; parameters of the Messages API, such as `top_k`, pass.

    Raises:
        InvalidParameterError: For what the Messages API has no place for, named.
    """
    given = {_RENAMED.get(name, name): value for name, value in request.items() if value is not None}
    check_possible(given)
    made = {"max_tokens": default_max_tokens(given["model"]), **given, **_prompt(given["messages"])}
    if isinstance(made.get("stop_sequences"), str):
        made["stop_sequences"] = [made["stop_sequences"]]
    if "tools" in made:
        made["tools"] = [_tool(tool) for tool in made["tools"]]
    if "tool_choice" in made:
        made["tool_choice"] = _tool_choice(made["tool_choice"])
    return made


def check_possible(given: Collection[str]) -> None:
    """Refuse parameters, by their names, that are chat's alone.

    Raises:
        InvalidParameterError: If there are any.
    """
    if absent := [name for name in _CHAT_ONLY if name in given]:
        raise InvalidParameterError(
            f"the Messages API has no {', '.join(absent)}: leave it out, or use the chat API", param=absent[0]
        )


def default_max_tokens(model: str) -> int:
    """Choose how long an answer may be: 32,768 tokens, but half of the context where that is less.

    >>> default_max_tokens("step-3.7-flash"), default_max_tokens("step-1-8k")
    (32768, 4000)
    """
    info = find(model)
    return min(MAX_TOKENS_DEFAULT, info.context // 2) if info is not None and info.context else MAX_TOKENS_DEFAULT


def _prompt(messages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Part the system prompt from the turns."""
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message["role"]
        if role in ("system", "developer"):
            system.append("\n".join(block["text"] for block in _blocks(message["content"])))
            continue
        turn = _turn(role, message)
        if turns and turns[-1]["role"] == turn["role"]:
            both = [*_blocks(turns[-1]["content"]), *_blocks(turn["content"])]
            turns[-1]["content"] = both or ""
        else:
            turns.append(turn)
    said = "\n\n".join(text for text in system if text)
    return {"messages": turns, **({"system": said} if said else {})}


def _turn(role: str, message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content") or ""
    if role == "user":
        return {"role": role, "content": content if isinstance(content, str) else _blocks(content)}
    if role == "assistant":
        calls = [_tool_use(call) for call in message.get("tool_calls") or ()]
        return {"role": role, "content": [*_blocks(content), *calls] if calls else content}
    if role == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content}
        return {"role": "user", "content": [result]}
    raise InvalidParameterError(
        f"the Messages API takes no message of the role {role!r}; possible are system, user, assistant and tool",
        param="messages",
    )


def _blocks(content: Any) -> list[Block]:
    """Give a content as blocks; an empty text is none."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_block(part) for part in content]


def _block(part: Mapping[str, Any]) -> Block:
    kind = part.get("type")
    if kind in ("text", "image", "tool_use", "tool_result"):  # this API's own, or made of chat's already
        return dict(part)
    if kind == "image_url":
        return {"type": "image", "source": _source(part["image_url"])}
    raise InvalidParameterError(
        f"the Messages API takes no {kind!r} part, only text and pictures; the chat API takes video and sound with the "
        "models that know them",
        param="messages",
    )


def _source(image: Mapping[str, Any]) -> dict[str, Any]:
    url = image["url"]
    if image.get("detail"):
        raise InvalidParameterError(
            f"the Messages API has no detail ({image['detail']!r}) of a picture: leave it out, or use the chat API",
            param="messages",
        )
    if url.startswith("stepfile://"):
        raise InvalidParameterError(
            f"the Messages API takes a picture by http(s) address or as base64, not as an uploaded file ({url}): send "
            "its bytes or its address, or use the chat API",
            param="messages",
        )
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    return {"type": "base64", "media_type": media_type, "data": data}


def _tool_use(call: Mapping[str, Any]) -> Block:
    function = call.get("function") or {}
    return {
        "type": "tool_use",
        "id": call.get("id"),
        "name": function.get("name"),
        "input": _input(function.get("arguments")),
    }


def _input(arguments: str | None) -> dict[str, Any]:
    """Read a call's arguments; what is no object is shown to the model as the text it was."""
    try:
        read = json.loads(arguments or "{}", strict=False)
    except (ValueError, RecursionError):
        read = None
    return read if isinstance(read, dict) else {"arguments": arguments}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if "input_schema" in tool:
        return dict(tool)
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, Mapping):
        raise InvalidParameterError(
            f"the Messages API has no tool of the type {tool.get('type')!r}: StepFun runs web_search and retrieval on "
            "the chat API only; here a tool is a function",
            param="tools",
        )
    if function.get("strict"):
        raise InvalidParameterError(
            f"the Messages API has no strict for the tool {function.get('name')!r}: leave it out, or use the chat API",
            param="strict",
        )
    described = {"name": function.get("name"), "description": function.get("description")}
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return {**{name: value for name, value in described.items() if value}, "input_schema": schema}


def _tool_choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, str) and choice in _CHOICES:
        return {"type": _CHOICES[choice]}
    if isinstance(choice, Mapping):
        if choice.get("type") == "function":
            return {"type": "tool", "name": (choice.get("function") or {}).get("name")}
        if choice.get("type") in ("auto", "any", "none", "tool"):
            return dict(choice)
    raise InvalidParameterError(
        f"tool_choice is {choice!r}; possible are 'auto', 'none', 'required' and a function by name",
        param="tool_choice",
    )


_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
