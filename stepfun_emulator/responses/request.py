"""Checking a Responses request and reading it as a request of chat (WIRE.md section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from stepfun_emulator.chat.attachments import Attachments, StoredFile
from stepfun_emulator.chat.request import ChatRequest
from stepfun_emulator.chat.rules import (
    check_effort,
    check_length,
    check_names,
    check_tools,
    find_model,
    read_function,
)
from stepfun_emulator.chat.schemas import check_schema
from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.responses.items import Reader
from stepfun_emulator.tokens import count_prompt

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Tool

_DOCUMENTED = (
    "model", "input", "instructions", "reasoning", "max_output_tokens", "tools", "tool_choice", "text", "stream",
)  # fmt: skip
_FORMATS = ("text", "json_object", "json_schema")
_MOST_TOKENS = 10**9  # where the model sets no limit


class ResponsesRequest(NamedTuple):
    """A request that passed every check.

    Attributes:
        chat: The same as a request of chat.
        echo: What the reply repeats of it.
    """

    chat: ChatRequest
    echo: dict[str, Any]


def read_request(body: Any, *, stored: StoredFile, lenient: bool = False) -> ResponsesRequest:
    """Check the body of a Responses request.

    Args:
        body: The parsed JSON.
        stored: Gives the content of an uploaded file.
        lenient: Ignore what is not documented, as the service does.

    Raises:
        Refusal: Whatever the service refuses.
    """
    fields = Fields(body, "", _DOCUMENTED, lenient=lenient)
    model = find_model(fields.value("model"), api="responses")
    instructions = fields.text("instructions", "")
    said = Reader(Attachments(model, stored), lenient).read(fields.value("input"), instructions)
    sent = check_tools(fields.value("tools", []), model)
    tools = check_names([_function(tool, f"tools[{at}]", lenient=lenient) for at, tool in enumerate(sent)])
    if fields.value("tool_choice", "auto") != "auto":
        raise invalid("tool_choice", 'tool_choice must be "auto": nothing else is supported on Responses')
    effort = None
    if fields.given("reasoning") and fields.object("reasoning", "effort").given("effort"):
        effort = check_effort(fields.object("reasoning", "effort").value("effort"), model, "reasoning.effort")
    tokens = count_prompt(said, sent)
    max_tokens = fields.whole("max_output_tokens", 1, _MOST_TOKENS, _MOST_TOKENS)
    check_length(model, tokens, None, ("input", "max_output_tokens"))
    json_answer, schema = _format(fields)
    chat = ChatRequest(
        model=model,
        said=said,
        prompt_tokens=tokens,
        tools=tools,
        max_tokens=max_tokens,
        stream=fields.flag("stream"),
        effort=effort or "medium",
        json_answer=json_answer,
        schema=schema,
    )
    return ResponsesRequest(chat, _echo(fields, effort, sent))


def _function(tool: Any, at: str, *, lenient: bool) -> Tool:
    """A flat function: what chat nests stands at the top level here."""
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise invalid(f"{at}.type", f"{at}.type must be function")
    return read_function(tool, at, lenient=lenient, also=("type",))


def _format(fields: Fields) -> tuple[bool, dict[str, Any] | None]:
    """Whether the answer must be JSON, and by which schema; no source limits the kinds that this API takes."""
    if not fields.given("text") or not fields.object("text", "format").given("format"):
        return False, None
    wanted = fields.object("text", "format").object("format", "type", "name", "schema", "strict", "description")
    kind = wanted.choice("type", _FORMATS)
    if kind != "json_schema":
        return kind == "json_object", None
    wanted.text("name")
    wanted.flag("strict")
    schema = wanted.value("schema")
    if not isinstance(schema, dict):
        raise invalid(wanted.path("schema"), f"{wanted.path('schema')} must be an object")
    check_schema(schema, wanted.path("schema"))
    return True, schema


def _echo(fields: Fields, effort: str | None, tools: list[Any]) -> dict[str, Any]:
    return {
        "instructions": fields.value("instructions"),
        "max_output_tokens": fields.value("max_output_tokens"),
        "parallel_tool_calls": True,
        "reasoning": {"effort": effort, "summary": None},
        "text": {"format": {"type": "text"}, **fields.value("text", {})},
        "tool_choice": "auto",
        "tools": tools,
    }
