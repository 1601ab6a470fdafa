"""The conversation of a session: its items in order, as the client sees them and as the answerer does.

Sound is not kept: what was said is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from stepfun_emulator.answerer.conversation import Call, Said
from stepfun_emulator.errors import invalid
from stepfun_emulator.tokens import count

TOKENS_A_SECOND = 25  # of sound
_SPOKEN = ("input_audio", "audio")


@dataclass
class Part:
    """A piece of a message.

    Attributes:
        type: ``input_text``, ``input_audio``, ``text`` or ``audio``.
        text: The words, or what was heard.
        seconds: How long it is, where it is sound.
    """

    type: str
    text: str = ""
    seconds: float = 0.0

    def shown(self) -> dict[str, Any]:
        """As an event shows it. What the user said is transcribed later, by an event of its own."""
        if self.type == "input_audio":
            return {"type": self.type, "transcript": None}
        return {"type": self.type, "transcript" if self.type == "audio" else "text": self.text}


def new_id(kind: str) -> str:
    """An id: ``item_...``, ``resp_...``, ``call_...``."""
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass
class Item:
    """One item.

    Attributes:
        type: ``message``, ``function_call`` or ``function_call_output``.
        id: Its id.
        status: ``in_progress``, ``completed`` or ``incomplete``.
        role: Who says a message.
        parts: What a message consists of.
        call: The call.
        output: What the function gave.
        question: The id of the user's message that a call is for.
        asked: The id of the response that was the first to be given after it.
    """

    type: str
    id: str = field(default_factory=lambda: new_id("item"))
    status: str = "completed"
    role: str = ""
    parts: list[Part] = field(default_factory=list)
    call: Call | None = None
    output: str = ""
    question: str = ""
    asked: str = ""

    @property
    def text(self) -> str:
        """All the words of a message."""
        return "\n".join(part.text for part in self.parts if part.text)

    @property
    def tokens(self) -> tuple[int, int]:
        """How many tokens it counts as text, and as sound."""
        sound = round(sum(part.seconds for part in self.parts) * TOKENS_A_SECOND)
        words = sum(count(part.text) for part in self.parts if part.type not in _SPOKEN) + count(self.output)
        if self.call is not None and self.type == "function_call":
            words += count(self.call.name) + count(self.call.arguments)
        return words, sound

    def shown(self) -> dict[str, Any]:
        """As an event shows it."""
        shown: dict[str, Any] = {"id": self.id, "object": "realtime.item", "type": self.type, "status": self.status}
        if self.call is None:
            return {**shown, "role": self.role, "content": [part.shown() for part in self.parts]}
        if self.type == "function_call":
            return {**shown, "call_id": self.call.id, "name": self.call.name, "arguments": self.call.arguments}
        return {**shown, "call_id": self.call.id, "output": self.output}


class History:
    """The items of one session."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def add(self, item: Item) -> str | None:
        """Put an item at the end; give the id of the one before it.

        Raises:
            Refusal: There is one of that id already.
        """
        if item.id in self._items:
            raise invalid("item.id", f"there is an item {item.id!r} already")
        last = self.last
        self._items[item.id] = item
        return last

    def delete(self, item_id: str) -> None:
        """Take an item out.

        Raises:
            Refusal: There is none of that id.
        """
        if item_id not in self._items:
            raise invalid("item_id", f"there is no item {item_id!r} in this session")
        del self._items[item_id]

    @property
    def last(self) -> str | None:
        """The id of the last item."""
        return next(reversed(self._items), None)

    @property
    def question(self) -> str:
        """The id of the user's last message."""
        return next((one.id for one in reversed(self._items.values()) if one.role == "user"), "")

    def ask(self, response_id: str) -> None:
        """Have a response answer what no other has yet."""
        for item in self._items.values():
            item.asked = item.asked or response_id

    def waiting(self, call_id: str) -> Call:
        """The call of that id.

        Raises:
            Refusal: There is none, or it has been answered.
        """
        found = [one for one in self._items.values() if one.call is not None and one.call.id == call_id]
        if any(one.type == "function_call_output" for one in found):
            raise invalid("item.call_id", f"the call {call_id!r} has been answered already")
        if not found or found[0].call is None or found[0].status != "completed":
            raise invalid("item.call_id", f"there is no function call {call_id!r} in this session")
        return found[0].call

    def tokens(self) -> tuple[int, int]:
        """How many tokens all of it counts as text, and as sound."""
        each = [item.tokens for item in self._items.values()]
        return sum(words for words, _ in each), sum(sound for _, sound in each)

    def said(self, instructions: str) -> list[Said]:
        """The conversation as the answerer takes it.

        What a function gave only after the user had gone on stands at the end once more, with its question: it is what
        an answer was asked for now.
        """
        told = [Said("system", instructions)] if instructions else []
        return [*told, *self._spoken(list(self._items.values())), *self._spoken(self._late())]

    def _spoken(self, items: list[Item]) -> list[Said]:
        calls = {one.call.id for one in items if one.type == "function_call" and one.call is not None}
        said: list[Said] = []
        asked = ""
        for item in items:
            if item.type == "message":
                if item.role == "user" and said and said[-1].role == "user" and item.asked != asked:
                    said.append(Said("assistant"))  # what was answered by nothing is not asked again
                said.append(Said(item.role, item.text))
                asked = item.asked
            elif item.call is not None and item.type == "function_call":
                said.append(Said("assistant", calls=(item.call,)))
            elif item.call is not None and item.call.id in calls:
                said.append(Said("tool", item.output, answers=item.call.id))
        return said

    def _late(self) -> list[Item]:
        """A question that the user has gone on from, its calls, and what these have given since."""
        fresh: list[Item] = []
        for item in reversed(self._items.values()):
            if item.type != "function_call_output":
                break
            fresh.insert(0, item)
        answered = {one.call.id for one in fresh if one.call is not None}
        calls = [
            one for one in self._items.values()
            if one.type == "function_call" and one.call is not None and one.call.id in answered
        ]  # fmt: skip
        asked = self._items.get(calls[-1].question) if calls else None
        if asked is None or asked.id == self.question:
            return []
        return [asked, *calls, *fresh]
