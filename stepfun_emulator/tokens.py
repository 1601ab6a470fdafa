"""Counting tokens: a cheap estimate that is the same everywhere it is used.

The service's tokenizer is not public. What matters to a client is that the numbers agree with each other: the pieces
of a stream add up to the usage of the whole reply, and ``/token/count`` counts what a chat request is charged for.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PIECE = re.compile(r" ?[^\W\d_一-鿿]{1,6}| ?\d{1,3}|[一-鿿]{1,2}|\s+|.", re.DOTALL)

_PER_MESSAGE = 4
_PER_REQUEST = 3
_IMAGE_LOW = 169  # WIRE.md section 4: "about 169 tokens"
_IMAGE_HIGH = 4 * _IMAGE_LOW
_OTHER_MEDIA = 512
CACHE_UNIT = 256  # the prompt cache works above 256 tokens, in units of 256 (WIRE.md section 4)


def pieces(text: str) -> list[str]:
    """Cut a text into tokens; joined they are the text again."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """The number of tokens of a text."""
    return len(pieces(text))


def count_message(message: dict[str, Any]) -> int:
    """The number of tokens of one chat message, media included."""
    total = _PER_MESSAGE
    content = message.get("content")
    if isinstance(content, str):
        total += count(content)
    elif isinstance(content, list):
        total += sum(_count_part(part) for part in content)
    for call in message.get("tool_calls") or ():
        function = call.get("function", {})
        total += count(str(function.get("name", ""))) + count(str(function.get("arguments", "")))
    return total


def _count_part(part: dict[str, Any]) -> int:
    if part.get("type") == "text":
        return count(part["text"])
    if part.get("type") == "image_url":
        return _IMAGE_HIGH if part["image_url"].get("detail") == "high" else _IMAGE_LOW
    return _OTHER_MEDIA


def count_prompt(messages: Iterable[dict[str, Any]], tools: Sequence[dict[str, Any]] = ()) -> int:
    """The number of tokens of a whole prompt."""
    total = _PER_REQUEST + sum(count_message(message) for message in messages)
    return total + sum(count(json.dumps(tool, ensure_ascii=False)) for tool in tools)


class PromptCache:
    """Remembers the beginnings of prompts, to report cached input as the service bills it: in units of 256 tokens."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._known: OrderedDict[int, None] = OrderedDict()

    def look_up(self, model: str, messages: Iterable[dict[str, Any]]) -> int:
        """How many tokens of this prompt were sent before; afterwards all of it counts as sent."""
        cached, tokens, prefix = 0, _PER_REQUEST, hash(model)
        for message in messages:
            tokens += count_message(message)
            prefix = hash((prefix, json.dumps(message, sort_keys=True)))
            if prefix in self._known:
                cached = tokens
            self._known[prefix] = None
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return cached // CACHE_UNIT * CACHE_UNIT
