"""Reading the item of a ``conversation.item.create``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.realtime.items import History, Item, Part, new_id
from stepfun_emulator.recognition.listening import recognise
from stepfun_emulator.sound import RATE

LARGEST = 15 * 1024 * 1024  # bytes of sound in one event (WIRE.md section 12)
_PARTS = {"user": ("input_text", "input_audio"), "system": ("input_text",), "assistant": ("text",)}

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Call


def sound_of(fields: Fields) -> bytes:
    """The sound of an event or a part.

    Raises:
        Refusal: It is not base64, or too much.
    """
    content = fields.content("audio")
    if len(content) > LARGEST:
        path = fields.path("audio")
        raise invalid(path, f"{path} has {len(content)} bytes, at most {LARGEST} (15 MB) are allowed: send several")
    return content


def read_item(wanted: Any, history: History, *, lenient: bool) -> Item:
    """Check an item that the client puts into the conversation.

    Raises:
        Refusal: Something in it is wrong.
    """
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "message":
        fields = Fields(wanted, "item", ("id", "type", "role", "content"), lenient=lenient)
        role = fields.choice("role", tuple(_PARTS))
        parts = _parts(wanted.get("content"), _PARTS[role], lenient=lenient)
        return Item("message", _id(fields), role=role, parts=parts)
    if kind == "function_call_output":
        fields = Fields(wanted, "item", ("id", "type", "call_id", "output"), lenient=lenient)
        call: Call = history.waiting(fields.text("call_id"))
        if not fields.given("output"):
            raise invalid("item.output", "item.output must be a string: what the function gave")
        return Item("function_call_output", _id(fields), call=call, output=fields.text("output", ""))
    raise invalid("item.type", f"item.type must be message or function_call_output, not {kind!r}")


def _id(fields: Fields) -> str:
    return fields.text("id") if fields.given("id") else new_id("item")


def _parts(content: Any, allowed: tuple[str, ...], *, lenient: bool) -> list[Part]:
    if not isinstance(content, list) or not content:
        raise invalid("item.content", "item.content must be a non-empty array of parts")
    return [_part(one, f"item.content[{at}]", allowed, lenient=lenient) for at, one in enumerate(content)]


def _part(part: Any, at: str, allowed: tuple[str, ...], *, lenient: bool) -> Part:
    kind = Fields(part, at, ("type", "text", "audio"), lenient=lenient).choice("type", allowed)
    if kind != "input_audio":
        return Part(kind, Fields(part, at, ("type", "text"), lenient=lenient).text("text"))
    content = sound_of(Fields(part, at, ("type", "audio"), lenient=lenient))
    heard = recognise(content[: len(content) // 2 * 2], RATE)
    return Part(kind, heard.text, heard.seconds)
