"""How long an answer is waited for, and what it means that none comes: a timeout, or the end of a dialogue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from stepfun_client.errors import APITimeoutError

NOT_YET: Final[dict[str, Any]] = {}
"""Stands for an event that may still come."""

ENOUGH: Final[dict[str, Any]] = {}
"""Stands for the end of a dialogue that no event told."""

_LOOK_SECONDS = 0.1


@runtime_checkable
class Patient(Protocol):
    """A dialogue whose end no event may tell: it is over when nothing has been heard for a while."""

    @property
    def patience(self) -> float | None:
        """How many seconds without an event mean that nothing more comes; None while the service owes something."""


class Waiting:
    """How long the next event is waited for: `seconds`, or as long as a patient dialogue has patience.

    What is owed changes while one waits, since the input ends then: so it is looked at now and again.
    """

    def __init__(self, dialogue: object, seconds: float) -> None:
        self._dialogue = dialogue if isinstance(dialogue, Patient) else None
        self._end = time.monotonic() + seconds
        self._enough: float | None = None  # when patience ends

    def seconds(self) -> float:
        """How long to wait before the next look."""
        now = time.monotonic()
        patience = self._dialogue.patience if self._dialogue else None
        if patience is None:
            self._enough = None
        elif self._enough is None:
            self._enough = now + patience
        end = self._end if self._enough is None else self._enough
        most = _LOOK_SECONDS if self._dialogue and patience is None else end - now
        return max(0.0, min(end - now, most))

    def unless_long(self, error: APITimeoutError) -> dict[str, Any]:
        """Say what it means that nothing has come yet."""
        now = time.monotonic()
        if self._enough is None and now >= self._end:
            raise error
        return ENOUGH if self._enough is not None and now >= self._enough else NOT_YET

    def closed(self) -> dict[str, Any] | None:
        """Say what it means that the service has closed the session: the end, where it owed nothing."""
        owes = self._dialogue is None or self._dialogue.patience is None
        return None if owes else ENOUGH
