"""What happens around a call, decided and not done: which attempt follows which outcome, and what a flow is told.

The generators here yield `Send` and `Pause` and are sent outcomes. A driver that can do those two things can run any
job.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from stepfun_client.core.call import Call, Flow, Pause, Reply
from stepfun_client.core.retry import delay_before_retry, is_worth_retrying
from stepfun_client.errors import APIConnectionError, StepFunError, status_error

if TYPE_CHECKING:
    from typing import TypeAlias

    from stepfun_client.core.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """An attempt to make: with `stream`, stop after the headers of a good reply and leave its body unread."""

    call: Call
    stream: bool = False


@dataclass(frozen=True)
class Answer:
    """The server answered. `response` is the open reply where a stream was asked for and the status is good."""

    status: int
    headers: Mapping[str, str]
    url: str
    content: bytes = field(default=b"", repr=False)
    response: Any = None

    @property
    def is_good(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Failure:
    """The server did not answer. `reached` is False only where the request certainly never got there."""

    error: StepFunError
    reached: bool
    headers: Mapping[str, str] = field(default_factory=dict)


Action: TypeAlias = "Send | Pause"
Outcome: TypeAlias = "Answer | Failure | None"
Steps: TypeAlias = "Generator[Action, Outcome, T]"


def exchange(call: Call, settings: Settings, *, stream: bool = False) -> Steps[Answer]:
    """Make one call, with retries; return the good answer or raise what came of the last attempt."""
    retries = 0
    while True:
        outcome = yield Send(call, stream)
        if isinstance(outcome, Answer) and outcome.is_good:
            return outcome
        if outcome is None or retries >= settings.max_retries or not _may_retry(call, outcome):
            raise _error_of(outcome, settings)
        yield Pause(delay_before_retry(retries, outcome.headers, chance=random.random()))  # noqa: S311 - not a secret
        retries += 1


def unfold(flow: Flow[T], settings: Settings) -> Steps[T]:
    """Run a flow: its calls with retries, its pauses as they are; errors are thrown in, so that it can clean up."""
    resume = partial(flow.send, None)
    with closing(flow):
        while True:
            try:
                step = resume()
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                if isinstance(step, Pause):
                    yield step
                    resume = partial(flow.send, None)
                else:
                    answer = yield from exchange(step, settings)
                    resume = partial(flow.send, Reply(answer.status, answer.headers, answer.content))
            except StepFunError as error:
                resume = partial(flow.throw, error)


def _may_retry(call: Call, outcome: Answer | Failure) -> bool:
    if isinstance(outcome, Failure):
        lost = isinstance(outcome.error, APIConnectionError)
        return lost and (not outcome.reached or call.may_be_sent_again)
    return is_worth_retrying(outcome.status) and call.may_be_sent_again


def _error_of(outcome: Outcome, settings: Settings) -> StepFunError:
    if isinstance(outcome, Answer):
        return status_error(outcome.status, outcome.headers, outcome.content, url=outcome.url, redact=settings.redact)
    return outcome.error if outcome else StepFunError("the driver returned no outcome")
