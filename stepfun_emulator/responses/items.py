"""Checking the input of a Responses request and reading it: items in, a conversation out (WIRE.md section 5).

Thoughts, text and calls are items of their own here. Those that follow each other are one message of the assistant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.conversation import Call, Said
from stepfun_emulator.chat.rules import check_conversation
from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.fields import Fields

if TYPE_CHECKING:
    from stepfun_emulator.chat.attachments import Attachments
    from stepfun_emulator.media import Medium

_KEYS = {
    "reasoning": ("type", "id", "summary", "content", "encrypted_content", "status"),
    "function_call": ("type", "id", "call_id", "name", "arguments", "status"),
    "function_call_output": ("type", "id", "call_id", "output", "status"),
}
_ROLES = ("user", "system", "assistant")
_REPLAY = (
    "an assistant's turn is sent back as {'role': 'assistant', 'content': '<text>'}, "
    "without type and without output_text parts"
)

Placed = tuple[Said, str]


@dataclass(frozen=True)
class Reader:
    """Reads the input of one request.

    Args:
        attachments: Reads the images.
        lenient: Whether undocumented keys are ignored.
    """

    attachments: Attachments
    lenient: bool

    def read(self, given: Any, instructions: str) -> list[Said]:
        """Check the input and its order.

        Raises:
            Refusal: Whatever the service refuses.
        """
        placed = [(Said("system", instructions), "instructions")] if instructions else []
        if isinstance(given, str):
            placed.append((Said("user", given), "input"))
        elif isinstance(given, list) and given:
            placed += _joined([self._item(item, f"input[{at}]") for at, item in enumerate(given)])
        else:
            raise invalid("input", "input must be a string or a non-empty array of items")
        check_conversation([said for said, _ in placed], [place for _, place in placed], "input")
        return [said for said, _ in placed]

    def _item(self, item: Any, at: str) -> Placed:
        type_ = item.get("type", "message") if isinstance(item, dict) else "message"
        if type_ == "message":
            return self._message(item, at), at
        if not isinstance(type_, str) or type_ not in _KEYS:
            listed = ", ".join(("message", *_KEYS))
            raise invalid(f"{at}.type", f"{at}.type must be one of {listed}, not {type_!r}")
        fields = Fields(item, at, _KEYS[type_], lenient=self.lenient)
        readers: dict[str, Callable[[Fields], Said]] = {
            "reasoning": lambda _: Said("assistant"),
            "function_call": _call,
            "function_call_output": lambda one: Said("tool", one.string("output"), answers=one.text("call_id")),
        }
        return readers[type_](fields), f"{at}.call_id" if type_ == "function_call_output" else at

    def _message(self, item: Any, at: str) -> Said:
        fields = Fields(item, at, ("type", "role", "content"), lenient=self.lenient)
        role = "system" if self.lenient and fields.value("role") == "developer" else fields.choice("role", _ROLES)
        content = fields.value("content")
        if role == "assistant":
            return _replayed(fields)
        if isinstance(content, str):
            return Said(role, content)
        if role == "system":
            raise invalid(fields.path("content"), f"{fields.path('content')} of a system message must be a string")
        text, media = self._parts(content, fields.path("content"))
        return Said(role, text, media)

    def _parts(self, content: Any, at: str) -> tuple[str, tuple[Medium, ...]]:
        if not isinstance(content, list) or not content:
            raise invalid(at, f"{at} must be a string or a non-empty array of parts")
        texts, media = [], []
        for index, part in enumerate(content):
            place = f"{at}[{index}]"
            type_ = part.get("type") if isinstance(part, dict) else None
            if type_ == "input_text":
                texts.append(Fields(part, place, ("type", "text"), lenient=self.lenient).string("text"))
            elif type_ == "input_image":
                media.append(self._image(Fields(part, place, ("type", "image_url", "detail"), lenient=self.lenient)))
            elif type_ == "output_text":
                raise _no_replay(f"{place}.type")
            else:
                raise self.attachments.unsupported(f"{place}.type", type_)
        return "\n".join(texts), tuple(media)

    def _image(self, part: Fields) -> Medium:
        self.attachments.check("image", part.path("type"))
        detail = part.choice("detail", ("low", "high")) if part.given("detail") else "low"
        return self.attachments.medium("image", part.text("image_url"), part.path("image_url"), detail=detail)


def _call(fields: Fields) -> Said:
    call = Call(fields.text("name"), fields.string("arguments"), fields.text("call_id"))
    return Said("assistant", calls=(call,))


def _replayed(fields: Fields) -> Said:
    """An earlier answer: plain text, else the service rejects it."""
    if fields.given("type"):
        raise _no_replay(fields.path("type"))
    content = fields.value("content")
    if not isinstance(content, str):
        raise _no_replay(fields.path("content"))
    return Said("assistant", content)


def _no_replay(param: str) -> Refusal:
    return invalid(param, f"{param} is not accepted: {_REPLAY}")


def _joined(placed: list[Placed]) -> list[Placed]:
    """Neighbouring items of the assistant as one message."""
    found: list[Placed] = []
    for said, place in placed:
        if said.role == "assistant" and found and found[-1][0].role == "assistant":
            before, where = found.pop()
            text = "\n".join(one.text for one in (before, said) if one.text)
            found.append((Said("assistant", text, calls=(*before.calls, *said.calls)), where))
        else:
            found.append((said, place))
    return found
