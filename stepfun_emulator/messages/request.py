"""Checking a Messages request and reading it as a request of chat (WIRE.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_emulator.chat.attachments import Attachments, StoredFile
from stepfun_emulator.chat.request import ChatRequest
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
from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.messages.blocks import Reader
from stepfun_emulator.tokens import count_prompt

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Said, Tool
    from stepfun_emulator.catalogue import Model

# `tool_choice` is in no source's list of fields, but the tools of an Anthropic-shaped API cannot be forced without it.
_PROMPT = ("model", "messages", "system", "tools", "tool_choice", "output_config")
_DOCUMENTED = (*_PROMPT, "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences")
_CHOICES = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}
_MOST_TOKENS = 10**9  # where the model sets no limit


@dataclass(frozen=True)
class Prompt:
    """What the model reads, and what counts as input.

    Attributes:
        model: The model.
        said: The conversation, system prompt first.
        tools: The functions on offer.
        choice: ``auto``, ``none``, ``required`` or ``named``.
        forced: The function's name for ``named``.
        effort: How long to think; ``""`` where nothing was asked for, or where it is ignored.
        tokens: What all this counts.
    """

    model: Model
    said: list[Said]
    tools: tuple[Tool, ...]
    choice: str
    forced: str
    effort: str
    tokens: int


def read_request(body: Any, *, stored: StoredFile, lenient: bool = False, plan: bool = False) -> ChatRequest:
    """Check the body of a Messages request.

    Args:
        body: The parsed JSON.
        stored: Gives the content of an uploaded file.
        lenient: Ignore what is not documented, as the service does.
        plan: Whether the request came under ``/step_plan/v1``.

    Raises:
        Refusal: Whatever the service refuses.
    """
    fields = Fields(body, "", _DOCUMENTED, lenient=lenient)
    prompt = _prompt(fields, stored, lenient=lenient, plan=plan)
    max_tokens = fields.whole("max_tokens", 1, _MOST_TOKENS)
    check_length(prompt.model, prompt.tokens, max_tokens, ("messages", "max_tokens"))
    fields.number("temperature", 0, 2, 1)
    fields.number("top_p", 0, 1, 1)
    fields.whole("top_k", 0, 500, 0)
    return ChatRequest(
        model=prompt.model,
        said=prompt.said,
        prompt_tokens=prompt.tokens,
        tools=prompt.tools,
        tool_choice=prompt.choice,
        forced_tool=prompt.forced,
        max_tokens=max_tokens,
        stream=fields.flag("stream"),
        stop=tuple(fields.texts("stop_sequences")),
        effort=prompt.effort,
    )


def count_request(body: Any, *, stored: StoredFile, lenient: bool = False, plan: bool = False) -> int:
    """The number of tokens of a prompt: the same that a request with it is charged for as input.

    The arguments are those of :func:`read_request`.

    Raises:
        Refusal: The prompt is refused.
    """
    return _prompt(Fields(body, "", _PROMPT, lenient=lenient), stored, lenient=lenient, plan=plan).tokens


def _prompt(fields: Fields, stored: StoredFile, *, lenient: bool, plan: bool) -> Prompt:
    model = find_model(fields.value("model"), api="messages", plan=plan)
    said = Reader(Attachments(model, stored), lenient).read(fields.value("messages"), fields.value("system"))
    sent = fields.value("tools", [])
    tools = check_names(
        [_function(tool, model, f"tools[{at}]", lenient=lenient) for at, tool in enumerate(check_tools(sent, model))]
    )
    choice, forced = _tool_choice(fields, tools)
    return Prompt(model, said, tools, choice, forced, _effort(fields, model), count_prompt(said, sent))


def _function(tool: Any, model: Model, at: str, *, lenient: bool) -> Tool:
    type_ = tool.get("type", "custom") if isinstance(tool, dict) else "custom"
    if model.routes and str(type_).startswith("web_search"):
        raise invalid(f"{at}.type", f"{model.id} does not support web_search")
    if isinstance(tool, dict) and "input_schema" not in tool:
        raise invalid(f"{at}.input_schema", f"{at}.input_schema must be a JSON Schema whose root type is object")
    return read_function(tool, at, lenient=lenient, schema="input_schema")


def _tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, str]:
    if not fields.given("tool_choice"):
        return "auto", ""
    wanted = fields.object("tool_choice", "type", "name")
    choice = _CHOICES[wanted.choice("type", tuple(_CHOICES))]
    if choice == "required":
        check_required(tools)
    return choice, check_choice(wanted.text("name"), tools) if choice == "named" else ""


def _effort(fields: Fields, model: Model) -> str:
    if not fields.given("output_config"):
        return ""
    effort = fields.object("output_config", "effort").value("effort")
    if effort is None or model.routes:  # the router ignores it on Messages (WIRE.md section 3)
        return ""
    return check_effort(effort, model, "output_config.effort")
