"""Checking the messages of a Messages request and reading them: blocks in, a conversation out (WIRE.md section 5).

The results of tools stand in user messages here. Each becomes a message of its own, as on chat.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.conversation import Call, Said
from stepfun_emulator.chat.rules import check_conversation
from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields

if TYPE_CHECKING:
    from stepfun_emulator.chat.attachments import Attachments
    from stepfun_emulator.media import Medium

_KEYS = {
    "text": ("type", "text"),
    "image": ("type", "source"),
    "tool_use": ("type", "id", "name", "input"),
    "tool_result": ("type", "tool_use_id", "content", "is_error"),
    # Not among the documented blocks, but the emulator gives it (see `reply`), and clients send back what they got.
    "thinking": ("type", "thinking", "signature"),
}
_BLOCKS = {"user": ("text", "image", "tool_result"), "assistant": ("text", "tool_use", "thinking")}
_SOURCES = {"url": ("type", "url"), "base64": ("type", "media_type", "data")}

Placed = tuple[Said, str]


@dataclass
class _Words:
    """Text and pictures that belong to one message."""

    texts: list[str] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)

    def said(self, role: str, **more: Any) -> Said:
        return Said(role, "\n".join(self.texts), tuple(self.media), **more)

    def __bool__(self) -> bool:
        return bool(self.texts or self.media)


@dataclass(frozen=True)
class Reader:
    """Reads messages for one request.

    Args:
        attachments: Reads the images.
        lenient: Whether undocumented keys are ignored.
    """

    attachments: Attachments
    lenient: bool

    def read(self, messages: Any, system: Any) -> list[Said]:
        """Check the system prompt, all messages and their order.

        Raises:
            Refusal: Whatever the service refuses.
        """
        if not isinstance(messages, list) or not messages:
            raise invalid("messages", "messages must be a non-empty array")
        placed = [(Said("system", self._texts(system, "system")), "system")] if system is not None else []
        for at, message in enumerate(messages):
            placed += self._message(message, f"messages[{at}]")
        check_conversation([said for said, _ in placed], [place for _, place in placed])
        return [said for said, _ in placed]

    def _texts(self, content: Any, at: str) -> str:
        """A string, or blocks of text only."""
        if isinstance(content, str):
            return content
        words = _Words()
        for type_, block, place in self._blocks(content, at, ("text",)):
            self._add(words, type_, block, place)
        return words.said("").text

    def _blocks(self, content: Any, at: str, allowed: tuple[str, ...]) -> Iterator[tuple[str, Fields, str]]:
        """Each block with its type and place."""
        if not isinstance(content, list) or not content:
            raise invalid(at, f"{at} must be a string or a non-empty array of blocks")
        for index, block in enumerate(content):
            place = f"{at}[{index}]"
            type_ = block.get("type") if isinstance(block, dict) else None
            if not isinstance(type_, str) or type_ not in _KEYS:
                raise self.attachments.unsupported(f"{place}.type", type_)
            if type_ not in allowed:
                raise invalid(f"{place}.type", f"{place}.type must be one of {', '.join(allowed)} here, not {type_}")
            yield type_, Fields(block, place, _KEYS[type_], lenient=self.lenient), place

    def _message(self, message: Any, at: str) -> list[Placed]:
        fields = Fields(message, at, ("role", "content"), lenient=self.lenient)
        role = fields.choice("role", tuple(_BLOCKS))
        content = fields.value("content")
        if isinstance(content, str):
            return [(Said(role, content), at)]
        blocks = self._blocks(content, fields.path("content"), _BLOCKS[role])
        return self._user(blocks, at) if role == "user" else [(self._assistant(blocks), at)]

    def _user(self, blocks: Iterator[tuple[str, Fields, str]], at: str) -> list[Placed]:
        placed: list[Placed] = []
        words = _Words()
        for type_, block, place in blocks:
            if type_ == "tool_result":
                if words:
                    placed.append((words.said("user"), at))
                    words = _Words()
                placed.append((self._result(block), f"{place}.tool_use_id"))
            else:
                self._add(words, type_, block, place)
        if words:
            placed.append((words.said("user"), at))
        return placed

    def _assistant(self, blocks: Iterator[tuple[str, Fields, str]]) -> Said:
        words, calls = _Words(), []
        for type_, block, place in blocks:
            if type_ == "tool_use":
                given = block.value("input")
                if not isinstance(given, dict):
                    raise invalid(block.path("input"), f"{block.path('input')} must be an object")
                arguments = json.dumps(given, ensure_ascii=False)
                calls.append(Call(block.text("name"), arguments, block.text("id")))
            elif type_ == "thinking":
                block.text("thinking", "")
                block.text("signature", "")
            else:
                self._add(words, type_, block, place)
        return words.said("assistant", calls=tuple(calls))

    def _result(self, block: Fields) -> Said:
        block.flag("is_error")
        content, words = block.value("content", ""), _Words()
        if isinstance(content, str):
            words.texts.append(content)
        else:
            for type_, part, place in self._blocks(content, block.path("content"), ("text", "image")):
                self._add(words, type_, part, place)
        return words.said("tool", answers=block.text("tool_use_id"))

    def _add(self, words: _Words, type_: str, block: Fields, place: str) -> None:
        if type_ == "text":
            words.texts.append(block.string("text"))
        else:
            self.attachments.check("image", f"{place}.type")
            words.media.append(self._image(block))

    def _image(self, block: Fields) -> Medium:
        kind = block.object("source", *(key for keys in _SOURCES.values() for key in keys)).choice(
            "type", tuple(_SOURCES)
        )
        source = block.object("source", *_SOURCES[kind])
        if kind == "url":
            return self.attachments.medium("image", source.text("url"), source.path("url"))
        uri = f"data:{source.text('media_type')};base64,{source.text('data')}"
        return self.attachments.medium("image", uri, source.path("data"))
