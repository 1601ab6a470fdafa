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

    from stepfun_emulator.answerer.conversation import Said
    from stepfun_emulator.media import Medium

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


def count_message(said: Said) -> int:
    """The number of tokens of one message, media included."""
    calls = sum(count(call.name) + count(call.arguments) for call in said.calls)
    return _PER_MESSAGE + count(said.text) + sum(_count_medium(medium) for medium in said.media) + calls


def _count_medium(medium: Medium) -> int:
    if medium.kind == "image":
        return _IMAGE_HIGH if medium.detail == "high" else _IMAGE_LOW
    return _OTHER_MEDIA


def count_prompt(said: Iterable[Said], tools: Sequence[dict[str, Any]] = ()) -> int:
    """The number of tokens of a whole prompt; the tools as they were sent."""
    total = _PER_REQUEST + sum(count_message(one) for one in said)
    return total + sum(count(json.dumps(tool, ensure_ascii=False)) for tool in tools)


class PromptCache:
    """Remembers the beginnings of prompts, to report cached input as the service bills it: in units of 256 tokens."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._known: OrderedDict[int, None] = OrderedDict()

    def look_up(self, model: str, said: Iterable[Said]) -> int:
        """How many tokens of this prompt were sent before; afterwards all of it counts as sent."""
        cached, tokens, prefix = 0, _PER_REQUEST, hash(model)
        for one in said:
            tokens += count_message(one)
            prefix = hash((prefix, one))
            if prefix in self._known:
                cached = tokens
            self._known[prefix] = None
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return cached // CACHE_UNIT * CACHE_UNIT
