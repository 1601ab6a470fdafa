"""What the Responses API answers: typed items, and how they are said again in the next request (WIRE.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from stepfun_client.api.resource import WireModel, WirePart
from stepfun_client.errors import APIStatusError, InvalidParameterError, stream_error

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

    def to_input(self) -> Item | None:
        """Write it as an item of the next request's input; None for what has no place there, as its thoughts."""
        if self.type == "message":
            return {"role": "assistant", "content": self.text} if self.text else None
        if self.type == "function_call":
            said = {"call_id": self.call_id, "name": self.name, "arguments": self.arguments or "{}"}
            return {"type": "function_call", **said}
        return None if self.type == "reasoning" else self.model_dump(exclude_unset=True)


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
        says that it may go back. An item that is not known here goes back as it came.

        Example:
            >>> question = {"role": "user", "content": "What is 6 * 7?"}
            >>> response = client.responses.create(model="step-3.7-flash", input=[question])
            >>> response.to_input()
            [{'role': 'assistant', 'content': '6 * 7 = 42'}]
        """
        return [said for item in self.output if (said := item.to_input())]


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


def failure(error: Any, *, trace_id: str | None) -> APIStatusError:
    """Build the error of an answer that failed. OpenAI's shape names its kind in `code`, where others have `type`."""
    if isinstance(error, Mapping) and error:
        named = {name: value for name, value in error.items() if (name, value) != ("type", "error")}
        error = {"type": named.get("code"), **named}
    return stream_error(error or {"message": "the answer failed, and the service does not say why"}, trace_id=trace_id)


def input_items(given: str | Iterable[Mapping[str, Any] | OutputItem]) -> str | list[Item]:
    """Write a request's input: what an earlier answer held is put as StepFun takes it.

    Raises:
        InvalidParameterError: If it is empty, or holds what is no item.
    """
    if isinstance(given, Mapping):
        raise InvalidParameterError("input is one item; put it into a list, or pass a text", param="input")
    items = given if isinstance(given, str) else [item for at, one in enumerate(given) for item in _items(one, at)]
    if not items:
        raise InvalidParameterError("input is empty; it must be a text or a list of at least one item", param="input")
    return items


def _items(item: Any, at: int) -> list[Item]:
    if isinstance(item, OutputItem):
        said = item.to_input()
        return [said] if said else []
    if not isinstance(item, Mapping):
        raise InvalidParameterError(
            f"input[{at}] is a {type(item).__name__}; an item is a message {{'role': ..., 'content': ...}}, an output "
            "item of an earlier answer, or function_output(...)",
            param="input",
        )
    if item.get("role") == "assistant" and (text := _text_of(item.get("content"))) is not None:
        return [{"role": "assistant", "content": text}]
    return [dict(item)]


def _text_of(content: Any) -> str | None:
    """The text of a message's content, whether plain or in parts; None where there is more than text in it."""
    if isinstance(content, str):
        return content
    parts = [
        part for part in content or () if isinstance(part, Mapping) and part.get("type") in ("output_text", "text")
    ]
    if not isinstance(content, (list, tuple)) or len(parts) < len(content):
        return None
    return "".join(str(part.get("text") or "") for part in parts)
