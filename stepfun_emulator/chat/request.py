"""Checking a chat request and reading it (WIRE.md section 4).

The table of parameters is the documented one. Whatever is not in it is refused, unless the emulator is lenient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_emulator.chat.attachments import Attachments, StoredFile
from stepfun_emulator.chat.messages import Reader
from stepfun_emulator.chat.rules import (
    check_choice,
    check_effort,
    check_length,
    check_names,
    check_required,
    check_tools,
    find_model,
    read_function,
)
from stepfun_emulator.chat.schemas import check_schema
from stepfun_emulator.chat.server_tools import StoredKnowledge, read_server_tools
from stepfun_emulator.errors import invalid, undocumented
from stepfun_emulator.tokens import count_prompt

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Said, Tool
    from stepfun_emulator.answerer.knowledge import Knowledge
    from stepfun_emulator.catalogue import Model

_DOCUMENTED = {
    "model", "messages", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "n", "stream", "stop",
    "frequency_penalty", "response_format", "reasoning_effort", "reasoning_format", "modalities", "audio",
    "stream_options",
}  # fmt: skip
_RANGES: dict[str, tuple[float, float]] = {"temperature": (0, 2), "top_p": (0, 1), "frequency_penalty": (0, 1)}
_MAX_CHOICES = 16


@dataclass(frozen=True)
class ChatRequest:
    """A request that passed every check."""

    model: Model
    said: list[Said]
    prompt_tokens: int
    tools: tuple[Tool, ...] = ()
    web_search: bool = False
    knowledge: tuple[Knowledge, ...] = ()
    tool_choice: str = "auto"
    forced_tool: str = ""
    max_tokens: int | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    stop: tuple[str, ...] = ()
    effort: str = "medium"
    json_answer: bool = False
    schema: dict[str, Any] | None = None
    speak: bool = False
    sound_format: str = "wav"


def read_request(
    body: Any, *, stored: StoredFile, knowledge: StoredKnowledge, lenient: bool = False, plan: bool = False
) -> ChatRequest:
    """Check the body of a chat request.

    Args:
        body: The parsed JSON.
        stored: Gives the content of an uploaded file (see :class:`Attachments`).
        knowledge: Gives what a vector store knows, or None.
        lenient: Ignore what is not documented, as the service does.
        plan: Whether the request came under ``/step_plan/v1``.

    Raises:
        Refusal: Whatever the service refuses.
    """
    if not isinstance(body, dict):
        raise invalid("body", "the body must be a JSON object")
    given = {name: value for name, value in body.items() if value is not None}
    if not lenient:
        for name in given:
            if name not in _DOCUMENTED:
                raise undocumented(name)
    model = find_model(given.get("model"), plan=plan)
    said = Reader(Attachments(model, stored), lenient).read(given.get("messages"))
    tools = read_functions(given.get("tools", []), model, lenient=lenient)
    web_search, stores = read_server_tools(given.get("tools", []), model, knowledge, lenient=lenient)
    choice, forced = _tool_choice(given.get("tool_choice", "auto"), tools)
    prompt_tokens = count_prompt(said, given.get("tools", []))
    max_tokens = _whole_number(given, "max_tokens")
    _check_numbers(given)
    check_length(model, prompt_tokens, max_tokens, ("messages", "max_tokens"))
    stream = _flag(given, "stream")
    json_answer, schema = _response_format(given.get("response_format"), model)
    speak, sound_format = _sound(given, model, stream=stream)
    return ChatRequest(
        model=model,
        said=said,
        prompt_tokens=prompt_tokens,
        tools=tools,
        web_search=web_search,
        knowledge=stores,
        tool_choice=choice,
        forced_tool=forced,
        max_tokens=max_tokens,
        n=_whole_number(given, "n", _MAX_CHOICES) or 1,
        stream=stream,
        include_usage=_include_usage(given.get("stream_options"), stream=stream, lenient=lenient),
        stop=_stop(given.get("stop", [])),
        effort=_effort(given, model),
        json_answer=json_answer,
        schema=schema,
        speak=speak,
        sound_format=sound_format,
    )


def _flag(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise invalid(name, f"{name} must be a boolean")
    return value


def _whole_number(given: dict[str, Any], name: str, most: int | None = None) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most is not None and value > most):
        raise invalid(name, f"{name} must be a whole number of at least 1" + (f", at most {most}" if most else ""))
    return value


def _check_numbers(given: dict[str, Any]) -> None:
    for name, (low, high) in _RANGES.items():
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise invalid(name, f"{name} must be a number between {low} and {high}")


def _stop(stop: Any) -> tuple[str, ...]:
    words = [stop] if isinstance(stop, str) else stop
    if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
        raise invalid("stop", "stop must be a string or an array of non-empty strings")
    return tuple(words)


def _include_usage(options: Any, *, stream: bool, lenient: bool) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict):
        raise invalid("stream_options", "stream_options must be an object")
    if not stream and not lenient:
        raise invalid("stream_options", "stream_options is for streams only")
    for name in options:
        if name != "include_usage" and not lenient:
            raise undocumented(f"stream_options.{name}")
    return _flag(options, "include_usage")


def _effort(given: dict[str, Any], model: Model) -> str:
    if given.get("reasoning_format", "general") not in ("general", "deepseek-style"):
        raise invalid("reasoning_format", "reasoning_format must be general or deepseek-style")
    effort = given.get("reasoning_effort")
    return "medium" if effort is None else check_effort(effort, model, "reasoning_effort")


def _response_format(wanted: Any, model: Model) -> tuple[bool, dict[str, Any] | None]:
    if wanted is None:
        return False, None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind in ("text", "json_object"):
        return kind == "json_object", None
    if kind != "json_schema":
        raise invalid("response_format.type", "response_format.type must be text, json_object or json_schema")
    if not model.schema:
        raise invalid("response_format.type", f"model {model.id} does not support response_format json_schema")
    described = wanted.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise invalid("response_format.json_schema", "response_format.json_schema must have a name and a schema")
    schema = described.get("schema")
    if not isinstance(schema, dict):
        raise invalid("response_format.json_schema.schema", "response_format.json_schema.schema must be an object")
    check_schema(schema, "response_format.json_schema.schema")
    return True, schema


def _sound(given: dict[str, Any], model: Model, *, stream: bool) -> tuple[bool, str]:
    modalities = given.get("modalities", ["text"])
    if not isinstance(modalities, list) or not modalities or any(kind not in ("text", "audio") for kind in modalities):
        raise invalid("modalities", "modalities must be an array of text and audio")
    if "audio" not in modalities:
        return False, "wav"
    if not model.speaks:
        raise invalid("modalities", f"model {model.id} does not support audio in modalities")
    audio = given.get("audio")
    if not isinstance(audio, dict) or not isinstance(audio.get("voice"), str) or not audio["voice"]:
        raise invalid("audio", "audio must be an object with a voice and a format")
    wanted = "pcm" if stream else "wav"
    if audio.get("format", wanted) != wanted:
        raise invalid("audio.format", f"audio.format must be {wanted} {'with' if stream else 'without'} stream")
    return True, wanted


def read_functions(tools: Any, model: Model, *, lenient: bool) -> tuple[Tool, ...]:
    """The functions among the tools."""
    functions: list[Tool] = []
    for at, tool in enumerate(check_tools(tools, model)):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind == "function":
            functions.append(read_function(tool.get("function"), f"tools[{at}].function", lenient=lenient))
        elif kind not in ("web_search", "retrieval"):
            raise invalid(f"tools[{at}].type", f"tools[{at}].type must be function, web_search or retrieval")
    return check_names(functions)


def _tool_choice(choice: Any, tools: tuple[Tool, ...]) -> tuple[str, str]:
    """The mode and, for a named function, its name; `required` is undocumented but unsettled (section 13): accepted."""
    if choice in ("auto", "none"):
        return choice, ""
    if choice == "required":
        check_required(tools)
        return choice, ""
    function = choice.get("function") if isinstance(choice, dict) and choice.get("type") == "function" else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise invalid("tool_choice", "tool_choice must be auto, none, required or a named function")
    return "named", check_choice(name, tools)
