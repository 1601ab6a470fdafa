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
    its question apart. A user message that only hands in what a tool returned is part of the turn, and no question.
    """
    answered = {one.answers for one in said if one.role == "tool"}
    asking = [one.role == "user" and not _hands_in(one, answered) for one in said]
    end = max((at for at, asks in enumerate(asking) if asks), default=-1)
    start = end
    while start > 0 and asking[start - 1]:
        start -= 1
    asked = said[max(start, 0) : end + 1]
    texts = {one.answers: one.text for one in said[end + 1 :] if one.role == "tool"}
    calls = [call for one in said[end + 1 :] for call in one.calls if call.id in texts]
    question = "\n".join(one.text for one in asked if one.text)
    # A tool may answer with pictures, or they come behind its answer.
    shown = [one for one in said[end + 1 :] if one.role == "tool" or _hands_in(one, answered)]
    media = tuple(medium for one in (*asked, *shown) for medium in one.media)
    return Turn(question, media, tuple(Result(call, texts[call.id]) for call in calls), tuple(said))


def _hands_in(one: Said, answered: set[str]) -> bool:
    """Whether a user message brings what a tool message has no place for: media, with the id of the call."""
    return one.role == "user" and bool(one.media) and any(call and call in one.text for call in answered)
