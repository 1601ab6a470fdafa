"""The response object and its output items (WIRE.md section 5)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepfun_emulator.tokens import pieces

if TYPE_CHECKING:
    from stepfun_emulator.chat.reply import Choice, Completion

ERROR = {"code": "server_error", "message": "the engine is overloaded, please try again later"}


@dataclass(frozen=True)
class Item:
    """One output item: thoughts, a message or a call.

    Attributes:
        type: ``reasoning``, ``message`` or ``function_call``.
        tokens: What its text is made of.
        status: ``completed``, or ``incomplete`` where the limit of tokens cut it.
        fields: What else it says.
        id: Its id.
    """

    type: str
    tokens: list[str]
    status: str
    fields: dict[str, Any]
    id: str = field(default_factory=lambda: f"item_{secrets.token_hex(12)}")

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)

    def part(self, text: str) -> dict[str, Any]:
        """The part of its content that holds a text."""
        if self.type == "reasoning":
            return {"type": "reasoning_text", "text": text}
        return {"type": "output_text", "text": text, "annotations": []}

    def begun(self) -> dict[str, Any]:
        """The item before anything of its text is there."""
        return self._as(text=None, status="in_progress")

    def done(self) -> dict[str, Any]:
        """The item as it is in the end."""
        return self._as(text=self.text, status=self.status)

    def _as(self, text: str | None, status: str) -> dict[str, Any]:
        shown: dict[str, Any] = {"content": [] if text is None else [self.part(text)]}
        if self.type == "function_call":
            shown = {"arguments": text or ""}
        return {"id": self.id, "type": self.type, "status": status, **self.fields, **shown}


@dataclass(frozen=True)
class Reply:
    """A response and what its events repeat of it.

    Attributes:
        completion: The answer.
        echo: What is repeated of the request.
        items: The output.
    """

    completion: Completion
    echo: dict[str, Any]
    items: list[Item]

    @property
    def cut(self) -> bool:
        """Whether the limit of tokens ended it."""
        return self.completion.choices[0].finish == "length"

    def body(self, status: str) -> dict[str, Any]:
        """The response object.

        Args:
            status: ``in_progress``, ``completed``, ``incomplete`` or ``failed``.
        """
        over = status in ("completed", "incomplete")
        return {
            "id": f"resp_{self.completion.trace_id}.{self.completion.suffix}",
            "object": "response",
            "created_at": self.completion.created,
            "model": self.completion.model,
            "status": status,
            "error": ERROR if status == "failed" else None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "output": [item.done() for item in self.items] if over else [],
            **self.echo,
            "usage": self._usage() if over else None,
        }

    def whole(self) -> dict[str, Any]:
        """The JSON body of a reply without stream."""
        return self.body("incomplete" if self.cut else "completed")

    def _usage(self) -> dict[str, Any]:
        usage = self.completion.usage
        return {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.prompt + usage.completion,
        }


def reply(completion: Completion, echo: dict[str, Any]) -> Reply:
    """Write an answer as output items; where it was cut, the last of them is incomplete."""
    choice = completion.choices[0]
    parts = _parts(choice)
    cut_at = len(parts) - 1 if choice.finish == "length" else None
    items = [
        Item(type_, tokens, "incomplete" if at == cut_at else "completed", fields)
        for at, (type_, tokens, fields) in enumerate(parts)
    ]
    return Reply(completion, echo, items)


def _parts(choice: Choice) -> list[tuple[str, list[str], dict[str, Any]]]:
    parts: list[tuple[str, list[str], dict[str, Any]]] = []
    if choice.reasoning:
        parts.append(("reasoning", choice.reasoning, {"summary": []}))
    if choice.content:
        parts.append(("message", choice.content, {"role": "assistant"}))
    return parts + [
        ("function_call", pieces(call.arguments), {"call_id": call.id, "name": call.name}) for call in choice.calls
    ]
