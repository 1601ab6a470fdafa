"""Whether a failed attempt is made again, and after how long. Pure: no clock, no sleep, no I/O."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 8.0
LONGEST_RETRY_AFTER_SECONDS = 120.0


def is_worth_retrying(status: int) -> bool:
    """Say whether the same request may succeed later: timeouts, rate limits and server faults (WIRE.md section 2).

    >>> [status for status in (400, 401, 402, 404, 408, 429, 451, 500, 503) if is_worth_retrying(status)]
    [408, 429, 500, 503]
    """
    return status in (408, 429) or status >= 500


def delay_before_retry(retries: int, headers: Mapping[str, str], *, chance: float) -> float:
    """Return how many seconds to wait before the next attempt.

    The service's own wish counts where it is reasonable; else the delay is drawn from zero up to a bound that doubles
    from 0.5 to 8 seconds, so that clients which failed together do not come back together.

    Args:
        retries: How many retries have been made already.
        headers: The failed reply's headers, names in lower case; empty where there was no reply.
        chance: A random number in [0, 1).
    """
    wish = retry_after(headers)
    if wish is not None and 0 < wish <= LONGEST_RETRY_AFTER_SECONDS:
        return wish
    bound = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(retries, 16))
    return bound * chance


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Read `retry-after-ms`, else `Retry-After` as seconds or as an HTTP date; None where there is neither.

    >>> retry_after({"retry-after-ms": "250"})
    0.25
    >>> retry_after({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT"}, now=1795168800.0)
    30.0
    """
    try:
        return float(headers["retry-after-ms"]) / 1000
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "")
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now)
    except (TypeError, ValueError):
        return None
