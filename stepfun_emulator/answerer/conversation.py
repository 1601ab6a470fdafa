"""A conversation as the answerer sees it, once the request's checks are through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepfun_emulator.media import Medium


@dataclass(frozen=True)
class Call:
    """A tool call: made earlier and now in the history, or made by the answerer."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True)
class Said:
    """One message."""

    role: str
    text: str = ""
    media: tuple[Medium, ...] = ()
    calls: tuple[Call, ...] = ()
    answers: str = ""


@dataclass(frozen=True)
class Tool:
    """A function that the client offers."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A call of the current turn together with what the tool said."""

    call: Call
    text: str


@dataclass(frozen=True)
class Turn:
    """What matters for the next answer: the last question and what was done about it since."""

    question: str
    media: tuple[Medium, ...]
    results: tuple[Result, ...]
    said: tuple[Said, ...]

    @property
    def chinese(self) -> bool:
        """Whether the question is in Chinese."""
        return any("一" <= character <= "鿿" for character in self.question)


def current_turn(said: list[Said]) -> Turn:
    """Cut the last turn off a conversation.

    It starts at the last run of user messages: several in a row are one question, since some clients send a picture and
    its question apart.
    """
    end = max((at for at, one in enumerate(said) if one.role == "user"), default=-1)
    start = end
    while start > 0 and said[start - 1].role == "user":
        start -= 1
    asked = said[max(start, 0) : end + 1]
    texts = {one.answers: one.text for one in said[end + 1 :] if one.role == "tool"}
    calls = [call for one in said[end + 1 :] for call in one.calls if call.id in texts]
    question = "\n".join(one.text for one in asked if one.text)
    media = tuple(medium for one in asked for medium in one.media)
    return Turn(question, media, tuple(Result(call, texts[call.id]) for call in calls), tuple(said))
