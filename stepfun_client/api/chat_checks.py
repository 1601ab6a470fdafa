"""What is certainly wrong with a chat request, said before it is sent (WIRE.md section 4).

Only rules that are documented and certain. A model the catalogue does not know is not checked against it, and
`extra_body` is the way past every rule here, since documents age.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stepfun_client.catalog import MODEL_ROUTER, ModelInfo, find
from stepfun_client.errors import InvalidParameterError
from stepfun_client.media import check_image_count

TOOL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")

_PAST_IT = "if StepFun allows it by now, send it with extra_body={...}"


def check_shape(messages: Iterable[Any], tools: Iterable[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """Check what holds for every model; return the messages, with StepFun's `system` for the role `developer`."""
    if isinstance(messages, (str, Mapping)) or not (messages := list(messages)):
        raise InvalidParameterError(
            'messages must be a list of at least one message, such as [{"role": "user", "content": "..."}]',
            param="messages",
        )
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or not message.get("role"):
            raise InvalidParameterError(
                f"messages[{number}] is no message object with a role: system, user, assistant or tool",
                param="messages",
            )
    check_image_count(messages)
    check_tools(tools or ())
    return [{**message, "role": "system"} if message["role"] == "developer" else message for message in messages]


def check_tools(tools: Iterable[Mapping[str, Any]]) -> None:
    """Check the tools' names, which are each other's only distinction, and the shape of their parameters."""
    names: set[str] = set()
    for tool in tools:
        check_tool(tool)
        name = str((tool.get("function") or {}).get("name"))
        if tool.get("type") == "function" and name in names:
            raise InvalidParameterError(f"two tools are called {name!r}; give each a name of its own", param="tools")
        names.add(name)


def check_tool(tool: Mapping[str, Any]) -> None:
    """Check a function tool's name, and that its parameters are an object."""
    function = tool.get("function") or {}
    if tool.get("type") != "function":
        return
    name = function.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise InvalidParameterError(
            f"the tool name {name!r} is refused by StepFun: it must begin with a letter or _, and hold at most 64 "
            "letters, digits, _ and -",
            param="tools",
        )
    parameters = function.get("parameters")
    if parameters is not None and parameters.get("type") != "object":
        raise InvalidParameterError(
            f"the parameters of tool {name!r} have type {parameters.get('type')!r} at their root; StepFun wants "
            'an object schema: {"type": "object", "properties": {...}}',
            param="tools",
        )


def check_model_rules(body: Mapping[str, Any]) -> None:
    """Check what holds for the request's model, as far as the catalogue knows it."""
    if not isinstance(body["model"], str) or not body["model"]:
        raise InvalidParameterError(f"model is {body['model']!r}; it must be a model id", param="model")
    _check_audio_format(body)
    model = find(body["model"])
    if model is None:
        return
    check_effort(body.get("reasoning_effort"), model, "reasoning_effort")
    if (body.get("response_format") or {}).get("type") == "json_schema" and not model.json_schema:
        raise InvalidParameterError(
            f"{model.id} does not take response_format json_schema; use json_object and describe the shape in the "
            f"prompt, or a function tool, or step-3.5-flash; {_PAST_IT}",
            param="response_format",
        )
    _check_modalities(body.get("modalities") or (), model)
    check_output_limit(body.get("max_tokens"), model)
    _check_search(body.get("tools") or (), model)
    if model.id == MODEL_ROUTER:
        _check_routed(body["messages"])


def check_effort(effort: str | None, model: ModelInfo, param: str) -> None:
    """Check how hard to think against what the model lists."""
    if effort and model.efforts and effort not in model.efforts:
        raise InvalidParameterError(
            f"{param} is {effort!r}; {model.id} takes {_listed(model.efforts)}; {_PAST_IT}", param=param
        )


def check_output_limit(max_tokens: int | None, model: ModelInfo) -> None:
    """Check the length of an answer against the model's longest."""
    if max_tokens and model.max_output and max_tokens > model.max_output:
        raise InvalidParameterError(
            f"max_tokens is {max_tokens}; {model.id} takes at most {model.max_output}; {_PAST_IT}", param="max_tokens"
        )


def _check_search(tools: Iterable[Mapping[str, Any]], model: ModelInfo) -> None:
    if model.web_search is False and any(tool.get("type") == "web_search" for tool in tools):
        raise InvalidParameterError(
            f"{model.id} does not take the tool web_search; step-3.7-flash does; {_PAST_IT}", param="tools"
        )


def _check_routed(messages: Iterable[Mapping[str, Any]]) -> None:
    if shown := set(_part_types(messages)) - {"text"}:
        raise InvalidParameterError(
            f"{MODEL_ROUTER} takes text only, and no {' and no '.join(sorted(shown))}; step-3.7-flash takes pictures "
            f"and videos; {_PAST_IT}",
            param="messages",
        )


def _part_types(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, (list, tuple)) else ():
            yield str(part.get("type")) if isinstance(part, Mapping) else "text"


def _check_modalities(modalities: Iterable[str], model: ModelInfo) -> None:
    if "audio" in modalities and "audio" not in model.outputs:
        raise InvalidParameterError(
            f"{model.id} answers in text only, so modalities must not hold 'audio'; step-audio-2 speaks; {_PAST_IT}",
            param="modalities",
        )


def audio_format(*, stream: bool) -> str:
    """Return the one format a spoken answer comes in: pcm in a stream, else wav."""
    return "pcm" if stream else "wav"


def _check_audio_format(body: Mapping[str, Any]) -> None:
    if "audio" not in (body.get("modalities") or ()):
        return
    given = (body.get("audio") or {}).get("format")
    wanted = audio_format(stream=bool(body.get("stream")))
    if given and given != wanted:
        raise InvalidParameterError(
            f"audio format is {given!r}; a spoken answer is wav without stream and pcm in a stream, so here "
            f"{wanted!r}; {_PAST_IT}",
            param="audio",
        )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(repr, values))
