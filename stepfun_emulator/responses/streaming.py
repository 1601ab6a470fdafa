"""The streamed response: typed events, numbered (WIRE.md section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stepfun_emulator.chat.streaming import grouped

if TYPE_CHECKING:
    from stepfun_emulator.responses.reply import Item, Reply

_TEXT = {"reasoning": "response.reasoning_text", "message": "response.output_text"}

Event = dict[str, Any]


def events(reply: Reply, *, fails: bool = False) -> Iterator[Event]:
    """Everything that a stream says.

    Args:
        reply: The response.
        fails: End it with ``response.failed`` after the first delta.
    """
    for number, event in enumerate(_failing(reply) if fails else _events(reply)):
        yield {**event, "sequence_number": number}


def _events(reply: Reply) -> Iterator[Event]:
    yield {"type": "response.created", "response": reply.body("in_progress")}
    yield {"type": "response.in_progress", "response": reply.body("in_progress")}
    for index, item in enumerate(reply.items):
        yield {"type": "response.output_item.added", "output_index": index, "item": item.begun()}
        yield from _call(item, index) if item.type == "function_call" else _text(item, index)
        yield {"type": "response.output_item.done", "output_index": index, "item": item.done()}
    end = reply.whole()
    yield {"type": f"response.{end['status']}", "response": end}


def _failing(reply: Reply) -> Iterator[Event]:
    usual = list(_events(reply))
    deltas = (at for at, event in enumerate(usual) if event["type"].endswith(".delta"))
    yield from usual[: next(deltas, 0) + 1]
    yield {"type": "response.failed", "response": reply.body("failed")}


def _text(item: Item, index: int) -> Iterator[Event]:
    name = _TEXT[item.type]
    where = {"item_id": item.id, "output_index": index, "content_index": 0}
    extra: dict[str, Any] = {"logprobs": []} if item.type == "message" else {}
    yield {"type": "response.content_part.added", **where, "part": item.part("")}
    for delta, _ in grouped(item.tokens):
        yield {"type": f"{name}.delta", **where, "delta": delta, **extra}
    yield {"type": f"{name}.done", **where, "text": item.text, **extra}
    yield {"type": "response.content_part.done", **where, "part": item.part(item.text)}


def _call(item: Item, index: int) -> Iterator[Event]:
    where = {"item_id": item.id, "output_index": index}
    for delta, _ in grouped(item.tokens):
        yield {"type": "response.function_call_arguments.delta", **where, "delta": delta}
    name = item.fields["name"]
    yield {"type": "response.function_call_arguments.done", **where, "name": name, "arguments": item.text}
