"""What happens around a call, decided and not done: which attempt follows which outcome, and what a flow is told.

The generators here yield `Send`, `Resolve`, `Visit` and `Pause` and are sent outcomes. A driver that can do those four
things can run any job.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, repeat
from typing import TYPE_CHECKING, Any, TypeVar

from stepfun_client.core.call import Call, Fetch, Fetched, Flow, Pause, Reply
from stepfun_client.core.fetching import MOST_REDIRECTS, Place, place_of, public_addresses, redirected, refusal
from stepfun_client.core.retry import delay_before_retry, is_worth_retrying
from stepfun_client.errors import APIConnectionError, APIStatusError, StepFunError, status_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from stepfun_client.core.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """An attempt to make, with these settings.

    With `stream`, stop after the headers of a good reply and leave its body unread.
    """

    call: Call
    settings: Settings
    stream: bool = False


@dataclass(frozen=True)
class Resolve:
    """A host's name to look up."""

    place: Place


@dataclass(frozen=True)
class Resolved:
    """The IP addresses of a host."""

    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """A file to read where it is, without the key.

    Attributes:
        place: Where it is.
        address: The checked IP address to connect to; None for the service's own, which is visited as it is called.
        fetch: What is wanted of it.
    """

    place: Place
    address: str | None
    fetch: Fetch


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


Action: TypeAlias = "Send | Resolve | Visit | Pause"
Outcome: TypeAlias = "Answer | Failure | Resolved | None"
Steps: TypeAlias = "Generator[Action, Outcome, T]"


def exchange(call: Call, settings: Settings, *, stream: bool = False) -> Steps[Answer]:
    """Make one call, with retries; return the good answer or raise what came of the last attempt.

    What is certainly not served there is refused, and not sent.
    """
    settings = call.settings.beside(settings) if call.settings else settings
    settings.check(call.path, call.model)
    answer = yield from _attempts(repeat(Send(call, settings, stream)), settings, again=call.may_be_sent_again)
    if answer.is_good:
        return answer
    raise status_error(answer.status, answer.headers, answer.content, url=answer.url, redact=settings.redact)


def fetching(fetch: Fetch, settings: Settings) -> Steps[Fetched]:
    """Fetch a file, with retries, following redirects; every host is looked up, and checked before it is visited."""
    place, own = place_of(fetch.url), True
    for _ in range(MOST_REDIRECTS + 1):
        own = own and place.origin == settings.origin  # nobody else leads to what only the service's address may be
        addresses = [None] if own else (yield from _public(place))
        visits = (Visit(place, address, fetch) for address in addresses)
        answer = yield from _attempts(cycle(visits), settings, again=True)
        if answer.is_good:
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Fetched(answer.content, media_type or None, place.url)
        there = redirected(place, answer.status, answer.headers)
        if there is None:
            raise _not_there(fetch, place, answer)
        place = there
    raise refusal(fetch.url, f"it was redirected more than {MOST_REDIRECTS} times")


def _public(place: Place) -> Steps[list[str]]:
    outcome = yield Resolve(place)
    if isinstance(outcome, Failure):
        raise outcome.error
    return public_addresses(place, outcome.addresses if isinstance(outcome, Resolved) else ())


def _not_there(fetch: Fetch, place: Place, answer: Answer) -> APIStatusError:
    """Build the error for a bad status: of somebody else's server, so none that speaks of keys or balances."""
    return APIStatusError(
        f"{fetch.what} could not be fetched from {place.shown}",
        status_code=answer.status,
        hint="check that the address is right, still valid, and open to everybody; or pass the file itself",
    )


def unfold(flow: Flow[T], settings: Settings) -> Steps[T]:
    """Run a flow: its calls and fetches with retries, its pauses as they are.

    Errors are thrown into the flow, so that it can clean up.
    """
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
                elif isinstance(step, Fetch):
                    resume = partial(flow.send, (yield from fetching(step, settings)))
                else:
                    answer = yield from exchange(step, settings)
                    resume = partial(flow.send, Reply(answer.status, answer.headers, answer.content))
            except StepFunError as error:
                resume = partial(flow.throw, error)


def _attempts(actions: Iterator[Action], settings: Settings, *, again: bool) -> Steps[Answer]:
    """Act until something good comes of it, or a further attempt has no sense; return the last answer, or raise.

    Args:
        actions: What to do, one after the other.
        settings: How often at most.
        again: Whether what may have reached the server may be done again.
    """
    for retries, action in enumerate(actions):
        outcome = yield action
        if not isinstance(outcome, (Answer, Failure)):
            break
        if retries >= settings.max_retries or not _may_retry(outcome, again=again):
            if isinstance(outcome, Failure):
                raise outcome.error
            return outcome
        yield Pause(delay_before_retry(retries, outcome.headers, chance=random.random()))  # noqa: S311 - not a secret
    raise StepFunError("the driver returned no outcome")


def _may_retry(outcome: Answer | Failure, *, again: bool) -> bool:
    if isinstance(outcome, Failure):
        return isinstance(outcome.error, APIConnectionError) and (again or not outcome.reached)
    return again and is_worth_retrying(outcome.status)
