"""What is certainly wrong with a Messages request, said before it is sent (WIRE.md sections 3 and 5).

Only rules that are documented and certain. A model the catalogue does not know is not checked against it, and
`extra_body` is the way past every rule here, since documents age.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stepfun_client.api.chat_checks import TOOL_NAME, check_effort, check_output_limit
from stepfun_client.catalog import MODEL_ROUTER, find
from stepfun_client.errors import InvalidParameterError
from stepfun_client.media import MAX_IMAGES

_PAST_IT = "if StepFun allows it by now, send it with extra_body={...}"
_SHAPE = '[{"role": "user", "content": "..."}]'
_ELSEWHERE = {
    "system": "what it says goes into system=...",
    "developer": "what it says goes into system=...",
    "tool": 'a tool\'s answer is a block {"type": "tool_result", "tool_use_id": ..., "content": ...} of a user message',
}


def check_messages(messages: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Check the conversation's shape and the number of its pictures; return it as a list."""
    if isinstance(messages, (str, Mapping)) or not (messages := list(messages)):
        raise InvalidParameterError(
            f"messages must be a list of at least one message, such as {_SHAPE}", param="messages"
        )
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, Mapping) else None
        if role not in ("user", "assistant"):
            advice = _ELSEWHERE.get(role or "", f"such as {_SHAPE[1:-1]}")
            raise InvalidParameterError(
                f"messages[{number}] has the role {role!r}; a message here is the user's or the assistant's; {advice}",
                param="messages",
            )
        if not isinstance(message.get("content"), (str, list, tuple)):
            raise InvalidParameterError(
                f"messages[{number}] has no content; it must be a text or a list of blocks", param="messages"
            )
    images = sum(block.get("type") == "image" for block in _blocks(messages))
    if images > MAX_IMAGES:
        raise InvalidParameterError(
            f"the request holds {images} images; StepFun takes at most {MAX_IMAGES} over all messages: drop older "
            "ones, or ask in several requests",
            param="messages",
        )
    return messages


def check_tools(tools: Iterable[Any]) -> None:
    """Check that tools have this API's shape, names of their own, and object schemas."""
    names: set[str] = set()
    for tool in tools:
        if not isinstance(tool, Mapping) or "input_schema" not in tool:
            raise InvalidParameterError(
                'a tool of the Messages API is {"name": ..., "description": ..., "input_schema": {"type": "object", '
                '...}}; "type": "function" and the tools that StepFun runs by itself (web_search, retrieval) are '
                f"chat's; {_PAST_IT}",
                param="tools",
            )
        name, schema = tool.get("name"), tool["input_schema"]
        if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
            raise InvalidParameterError(
                f"the tool name {name!r} is refused by StepFun: it must begin with a letter or _, and hold at most 64 "
                "letters, digits, _ and -",
                param="tools",
            )
        if name in names:
            raise InvalidParameterError(f"two tools are called {name!r}; give each a name of its own", param="tools")
        names.add(name)
        if not isinstance(schema, Mapping) or schema.get("type") != "object":
            raise InvalidParameterError(
                f'the input_schema of tool {name!r} must be an object schema: {{"type": "object", "properties": ...}}',
                param="tools",
            )


def check_model(body: Mapping[str, Any]) -> None:
    """Check what holds for the request's model, as far as the catalogue knows it; warn of what it ignores."""
    if not isinstance(body["model"], str) or not body["model"]:
        raise InvalidParameterError(f"model is {body['model']!r}; it must be a model id", param="model")
    model = find(body["model"])
    if model is None:
        return
    check_output_limit(body.get("max_tokens"), model)
    if model.id == MODEL_ROUTER:
        _check_routed(body)
    else:
        check_effort((body.get("output_config") or {}).get("effort"), model, "effort")


def _check_routed(body: Mapping[str, Any]) -> None:
    if shown := {block.get("type") for block in _blocks(body["messages"])} & {"image", "document"}:
        raise InvalidParameterError(
            f"{MODEL_ROUTER} takes text only, no {' and no '.join(sorted(map(str, shown)))}; step-3.7-flash takes "
            "pictures",
            param="messages",
        )
    if (body.get("output_config") or {}).get("effort"):
        warnings.warn(f"{MODEL_ROUTER} ignores the effort on the Messages API", stacklevel=2)


def _blocks(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Give every block, those within a tool's answer too."""
    for message in messages:
        content = message.get("content")
        for block in content if isinstance(content, (list, tuple)) else ():
            if isinstance(block, Mapping):
                yield block
                yield from _blocks([block] if block.get("type") == "tool_result" else [])
