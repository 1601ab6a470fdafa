"""What the Responses API answers: typed items, and how they are said again in the next request (WIRE.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from stepfun_client.api.resource import WireModel, WirePart

Item = dict[str, Any]


class ContentPart(WirePart):
    """A part of a message or of reasoning."""

    type: str = ""
    text: str = ""


class OutputItem(WirePart):
    """An item of an answer: a `message`, `reasoning`, a `function_call`, or one that is not known here.

    Attributes:
        type: Which.
        id: The item's id.
        status: `in_progress`, `completed` or `incomplete`.
        role: A message's.
        content: A message's parts; with `reasoning`, its thoughts.
        summary: Reasoning's summary, where the service gives one.
        call_id: A function call's; its result is answered to it.
        name: The function's name.
        arguments: The function's arguments, as JSON text.
    """

    type: str
    id: str | None = None
    status: str | None = None
    role: str | None = None
    content: list[ContentPart] = Field(default_factory=list)
    summary: list[ContentPart] = Field(default_factory=list)
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None

    @property
    def text(self) -> str:
        """The words of it."""
        return "".join(part.text for part in self.content or self.summary)


class ResponseUsage(WirePart):
    """What an exchange used, in tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: dict[str, Any] | None = None


class Response(WireModel):
    """A whole answer.

    Attributes:
        status: `completed`, or `incomplete`: then `incomplete_details` says why.
        output: The items, in order.
    """

    id: str = ""
    created_at: float = 0
    model: str = ""
    status: str = "completed"
    output: list[OutputItem] = Field(default_factory=list)
    usage: ResponseUsage | None = None
    incomplete_details: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """What the model says."""
        return "".join(item.text for item in self.output if item.type == "message")

    @property
    def reasoning(self) -> str:
        """What the model thought."""
        return "".join(item.text for item in self.output if item.type == "reasoning")

    @property
    def function_calls(self) -> list[OutputItem]:
        """The functions to be called; answer each with `function_output`."""
        return [item for item in self.output if item.type == "function_call"]

    def to_input(self) -> list[Item]:
        """Write the answer as items of the next request's input, where its calls' outputs follow.

        An assistant's turn is a plain text there: StepFun refuses `output_text` parts. Reasoning is left out: no source
        says that it may go back.

        Example:
            >>> question = {"role": "user", "content": "What is 6 * 7?"}
            >>> response = client.responses.create(model="step-3.7-flash", input=[question])
            >>> response.to_input()
            [{'role': 'assistant', 'content': '6 * 7 = 42'}]
        """
        items: list[Item] = []
        for item in self.output:
            if item.type == "message" and item.text:
                items.append({"role": "assistant", "content": item.text})
            elif item.type == "function_call":
                said = {"call_id": item.call_id, "name": item.name, "arguments": item.arguments or "{}"}
                items.append({"type": "function_call", **said})
        return items


def function_output(call: OutputItem | str, output: str) -> Item:
    """Write a function's result as an item of the next request's input.

    Args:
        call: The call, or its `call_id`.
        output: The result, as text.

    Example:
        >>> function_output("call_1", "42")
        {'type': 'function_call_output', 'call_id': 'call_1', 'output': '42'}
    """
    call_id = call if isinstance(call, str) else call.call_id
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def input_items(given: str | Iterable[Mapping[str, Any] | OutputItem]) -> str | list[Item]:
    """Write a request's input: what an earlier answer held is put as StepFun takes it."""
    if isinstance(given, str):
        return given
    return [item for one in given for item in _input_item(one)]


def _input_item(item: Mapping[str, Any] | OutputItem) -> list[Item]:
    if isinstance(item, OutputItem):
        return Response(output=[item]).to_input()
    content = item.get("content")
    if item.get("role") == "assistant" and isinstance(content, list):
        parts = [part for part in content if isinstance(part, Mapping)]
        if len(parts) == len(content) and all(part.get("type") in ("output_text", "text") for part in parts):
            return [{"role": "assistant", "content": "".join(str(part.get("text") or "") for part in parts)}]
    return [dict(item)]
