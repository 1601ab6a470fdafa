"""How a realtime session goes, told in steps: a generator that both sessions, sync and async, carry out.

It yields what to do and is sent what came of it, as a `Flow` is; it opens the session, sets it up before any sound is
sent, says when its time is nearly over, and where it is asked to, opens another one in place of one that was lost. What
the conversation has to say stands in its outbox, which is emptied between steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from stepfun_client.api.realtime_events import (
    FunctionCall,
    Problem,
    RealtimeEvent,
    Reconnected,
    SessionCreated,
    SessionEnding,
    SessionUpdated,
)
from stepfun_client.errors import (
    APIConnectionError,
    APITimeoutError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    StreamTimeoutError,
)

if TYPE_CHECKING:
    from stepfun_client.api.realtime_params import RealtimeSettings
    from stepfun_client.api.realtime_state import Beginning, Conversation

_HANDSHAKE_SECONDS = 30.0
_MOST_ATTEMPTS = 5
_FIRST_DELAY_SECONDS = 0.5
_STEADY_SECONDS = 5.0  # a session that is lost earlier counts as another failed attempt
_SHORTEST_WAIT = 0.01


@dataclass(frozen=True)
class Open:
    """Open a connection, in place of the one there is; the answer is its trace id."""


@dataclass(frozen=True)
class Receive:
    """Wait for an event; the answer is None where the service has closed the session in good order.

    Attributes:
        timeout: After how many seconds to give up with an APITimeoutError; None waits for ever.
    """

    timeout: float | None


@dataclass(frozen=True)
class Say:
    """Send an event before all else."""

    event: dict[str, Any]


@dataclass(frozen=True)
class Tell:
    """Tell the user something."""

    event: RealtimeEvent


@dataclass(frozen=True)
class Run:
    """Call a function, beside all else; its result is told to the conversation."""

    call: FunctionCall


@dataclass(frozen=True)
class Wait:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Ready:
    """The session is set up: sound may be sent."""


Step: TypeAlias = "Open | Receive | Say | Tell | Run | Wait | Ready"
Steps: TypeAlias = "Generator[Step, Any, None]"


def session_steps(
    settings: RealtimeSettings, conversation: Conversation, clock: Callable[[], float] = time.monotonic
) -> Steps:
    """Tell how the session goes, up to the error that ends it; the user ends it by closing the generator.

    Raises:
        StreamInterruptedError: If the service or the network ended the session, and no other takes its place.
        APIStatusError: If the service refuses the session.
    """
    yield from _opened(conversation)
    conversation.begin()
    yield Ready()
    failures = 0
    while True:
        began = clock()
        may_fail = settings.reconnect and failures < _MOST_ATTEMPTS
        reason = yield from _conversing(settings, conversation, clock, may_fail=may_fail)
        if clock() - began >= min(_STEADY_SECONDS, settings.ends_after):
            failures = 0
        conversation.leave()
        failures = yield from _reopened(conversation, failures)
        yield Tell(_reconnected(conversation.begin(), reason))


def _opened(conversation: Conversation) -> Steps:
    """Connect and set the session up: sound may only be sent when the service has said that it is."""
    conversation.trace_id = yield Open()
    is_set_up = False
    while not is_set_up:
        event = yield Receive(_HANDSHAKE_SECONDS)
        if event is None:
            raise StreamInterruptedError(
                "the service closed the session before it was set up", trace_id=conversation.trace_id
            )
        for typed in conversation.receive(event):
            if isinstance(typed, Problem):
                raise typed.error
            if isinstance(typed, SessionCreated):
                yield Say(conversation.opening())
            is_set_up = is_set_up or isinstance(typed, SessionUpdated)
            yield Tell(typed)


def _conversing(
    settings: RealtimeSettings, conversation: Conversation, clock: Callable[[], float], *, may_fail: bool
) -> Generator[Step, Any, str]:
    """Pass on what comes, up to the end of the session; return why it ended, where another is to take its place."""
    try:
        yield from _passed_on(settings, conversation, clock)
    except StreamInterruptedError as error:
        if not may_fail:
            raise
        return str(error)
    return "the session's time is over"


def _passed_on(settings: RealtimeSettings, conversation: Conversation, clock: Callable[[], float]) -> Steps:
    ends_at = clock() + settings.ends_after
    next_look: float | None = ends_at - settings.warn_before
    is_suspected = False  # of having fallen silent while an answer is owed
    while True:
        left = ends_at - clock()
        if next_look is not None and clock() >= next_look:
            if left <= 0 and settings.reconnect:
                return
            next_look = ends_at if settings.reconnect and left > 0 else None
            yield Tell(SessionEnding(seconds_left=max(0.0, left)))
        patience = settings.timeout if next_look is None else min(settings.timeout, next_look - clock())
        try:
            event = yield Receive(max(_SHORTEST_WAIT, patience))
        except APITimeoutError:
            if patience == settings.timeout:
                is_suspected = _still_waited_for(conversation, settings, is_suspected=is_suspected)
            continue
        is_suspected = False
        if event is None:
            raise StreamInterruptedError(
                f"the service closed the session; none lasts longer than {settings.ends_after / 60:g} minutes, and one "
                "in which nothing is said is closed earlier; open a new one, or connect with reconnect=True",
                trace_id=conversation.trace_id,
            )
        told = conversation.receive(event)
        for call in conversation.to_run():
            yield Run(call)
        for typed in told:
            yield Tell(typed)


def _still_waited_for(conversation: Conversation, settings: RealtimeSettings, *, is_suspected: bool) -> bool:
    """Say whether an answer is owed; where it was owed the last time too, and nothing has come since, it never comes.

    Somebody may have asked for it just now, from beside the receive loop: one silence proves nothing.
    """
    if is_suspected and conversation.is_owed:
        raise StreamTimeoutError(
            f"the service has been silent for {settings.timeout:g} s and more in the middle of an answer; wait longer "
            "with timeout=..., or connect with reconnect=True",
            trace_id=conversation.trace_id,
        )
    return conversation.is_owed


def _reopened(conversation: Conversation, failures: int) -> Generator[Step, Any, int]:
    """Open another session; return how often that was tried, with the failures before."""
    while True:
        if failures:
            yield Wait(_FIRST_DELAY_SECONDS * 2 ** (failures - 1))
        failures += 1
        if not (yield from _failed_to_open(conversation, may_fail=failures < _MOST_ATTEMPTS)):
            return failures


def _failed_to_open(conversation: Conversation, *, may_fail: bool) -> Generator[Step, Any, bool]:
    try:
        yield from _opened(conversation)
    except (APIConnectionError, StreamInterruptedError, ServerError, RateLimitError):
        if not may_fail:
            raise
        return True
    return False


def _reconnected(beginning: Beginning, reason: str) -> Reconnected:
    return Reconnected(
        reason=reason,
        turns=beginning.turns,
        lost_audio_seconds=beginning.lost_audio_seconds,
        lost_calls=beginning.lost_calls,
    )
