"""What the answerer gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Call


@dataclass(frozen=True)
class Search:
    """A web search that the server made by itself (WIRE.md section 4, server tools)."""

    arguments: str
    results: list[dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """One answer: the thoughts, the text, and the tools to call; and what a look into a store added to the prompt."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    search: Search | None = None
    consulted: str = ""
