"""Checking the messages of a chat request and reading them (WIRE.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.conversation import Call, Said
from stepfun_emulator.chat.rules import check_conversation
from stepfun_emulator.errors import invalid, undocumented

if TYPE_CHECKING:
    from stepfun_emulator.chat.attachments import Attachments
    from stepfun_emulator.media import Medium

_KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "reasoning", "reasoning_content"},
    "tool": {"role", "content", "tool_call_id"},
}
_SOURCES = {"image_url": ("url", {"url", "detail"}), "video_url": ("url", {"url"}), "input_audio": ("data", {"data"})}
_PART_KINDS = {"image_url": "image", "video_url": "video", "input_audio": "audio"}


@dataclass(frozen=True)
class Reader:
    """Reads messages for one request.

    Args:
        attachments: Reads the media.
        lenient: Whether undocumented keys are ignored.
    """

    attachments: Attachments
    lenient: bool

    def read(self, messages: Any) -> list[Said]:
        """Check all messages and their order.

        Raises:
            Refusal: Whatever the service refuses.
        """
        if not isinstance(messages, list) or not messages:
            raise invalid("messages", "messages must be a non-empty array")
        said = [self._message(message, f"messages[{at}]") for at, message in enumerate(messages)]
        places = [f"messages[{at}]{'.tool_call_id' * (one.role == 'tool')}" for at, one in enumerate(said)]
        check_conversation(said, places)
        return said

    def _message(self, message: Any, at: str) -> Said:
        if not isinstance(message, dict):
            raise invalid(at, f"{at} must be an object")
        role = message.get("role")
        if role == "developer" and self.lenient:
            role = "system"
        if not isinstance(role, str) or role not in _KEYS:
            raise invalid(f"{at}.role", f"{at}.role must be one of system, user, assistant, tool, not {role!r}")
        self._check_keys(message, _KEYS[role], at)
        if role == "user":
            text, media = self._user_content(message.get("content"), f"{at}.content")
            return Said("user", text, media)
        if role == "assistant":
            return self._assistant(message, at)
        content = message.get("content")
        if not isinstance(content, str):
            raise invalid(f"{at}.content", f"{at}.content of a {role} message must be a string")
        if role == "system":
            return Said("system", content)
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str) or not call_id:
            raise invalid(f"{at}.tool_call_id", f"{at}.tool_call_id must be a non-empty string")
        return Said("tool", content, answers=call_id)

    def _check_keys(self, given: dict[str, Any], known: set[str], at: str) -> None:
        if not self.lenient:
            for key in given:
                if key not in known:
                    raise undocumented(f"{at}.{key}")

    def _assistant(self, message: dict[str, Any], at: str) -> Said:
        content, calls = message.get("content"), message.get("tool_calls")
        if content is not None and not isinstance(content, str):
            raise invalid(f"{at}.content", f"{at}.content of an assistant message must be a string or null")
        if content is None and not calls:
            raise invalid(f"{at}.content", f"{at} has neither content nor tool_calls")
        if calls is not None and not isinstance(calls, list):
            raise invalid(f"{at}.tool_calls", f"{at}.tool_calls must be an array")
        made = [_call(call, f"{at}.tool_calls[{index}]") for index, call in enumerate(calls or ())]
        return Said("assistant", content or "", calls=tuple(call for call in made if call is not None))

    def _user_content(self, content: Any, at: str) -> tuple[str, tuple[Medium, ...]]:
        if isinstance(content, str):
            return content, ()
        if not isinstance(content, list) or not content:
            raise invalid(at, f"{at} of a user message must be a string or a non-empty array of parts")
        texts, media = [], []
        for index, part in enumerate(content):
            where = f"{at}[{index}]"
            if not isinstance(part, dict):
                raise invalid(where, f"{where} must be an object")
            if part.get("type") == "text":
                self._check_keys(part, {"type", "text"}, where)
                if not isinstance(part.get("text"), str):
                    raise invalid(f"{where}.text", f"{where}.text must be a string")
                texts.append(part["text"])
            else:
                media.append(self._media_part(part, where))
        return "\n".join(texts), tuple(media)

    def _media_part(self, part: dict[str, Any], at: str) -> Medium:
        type_ = part.get("type")
        if not isinstance(type_, str) or type_ not in _SOURCES:
            raise self.attachments.unsupported(f"{at}.type", type_)
        source, known = _SOURCES[type_]
        self._check_keys(part, {"type", type_}, at)
        inner = part.get(type_)
        if not isinstance(inner, dict) or not isinstance(inner.get(source), str):
            raise invalid(f"{at}.{type_}", f"{at}.{type_} must be an object with a string {source!r}")
        self._check_keys(inner, known, f"{at}.{type_}")
        detail = inner.get("detail", "low")
        if detail not in ("low", "high"):
            raise invalid(f"{at}.{type_}.detail", "detail must be low or high")
        kind = _PART_KINDS[type_]
        self.attachments.check(kind, f"{at}.type")
        return self.attachments.medium(kind, inner[source], f"{at}.{type_}.{source}", detail=detail)


def _call(call: Any, at: str) -> Call | None:
    """A function call of the history; None for a server tool's, which nobody answers."""
    if not isinstance(call, dict):
        raise invalid(at, f"{at} must be an object")
    if call.get("type") == "web_search":
        return None
    function = call.get("function")
    if call.get("type", "function") != "function" or not isinstance(function, dict):
        raise invalid(at, f"{at} must be of type function and have a function")
    name, arguments, call_id = function.get("name"), function.get("arguments"), call.get("id")
    if not isinstance(call_id, str) or not call_id:
        raise invalid(f"{at}.id", f"{at}.id must be a non-empty string")
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise invalid(f"{at}.function", f"{at}.function must have a name and arguments, both strings")
    return Call(name, arguments, call_id)
