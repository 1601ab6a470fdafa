"""One contender in a process of its own: reads a task as a line of JSON, does it, answers with what it took.

`python -m benchmarks.worker MODULE NAME ADDRESS`, where the module lists the contenders; a task is `{"task": "invoke" |
"stream" | "early" | "late" | "events" | "streams" | "check", "count": int, "chunks": int}`, the answer `{"seconds":
float, "peak": int}`, where `peak` is the process's peak memory as `ru_maxrss` counts it. `early` and `late` stream
once, and tell what the first and the last 300 chunks took that speak.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.server import said_in_stream, said_whole

if TYPE_CHECKING:
    from benchmarks.contenders import Contender

_PART = 300


class Worker:
    """Holds the contender for each length of stream, and one event loop, so that connections are kept."""

    def __init__(self, module: str, name: str, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        make: Callable[[str, int], Contender] = import_module(module).EVERYBODY[name]
        self._make = cache(lambda chunks: make(f"{address}/{chunks}/v1", chunks))

    def check(self, chunks: int) -> None:
        """Make sure that the contender reads everything: who drops text would be fast for nothing."""
        contender = self._make(chunks)
        expected = "".join(said_in_stream(chunks))
        streamed = ["".join(contender.stream()), self._loop.run_until_complete(_astream(contender))]
        if hasattr(contender, "events"):
            streamed.append("".join(contender.events()))
        if contender.invoke() != said_whole() or any(text != expected for text in streamed):
            message = "the contender did not return what the server said"
            raise RuntimeError(message)

    def do(self, task: str, count: int, chunks: int) -> float:
        """Do a task and return the seconds it took."""
        contender = self._make(chunks)
        work: dict[str, Callable[[], float]] = {
            "invoke": lambda: _timed(lambda: _invoke(contender, count)),
            "stream": lambda: _timed(lambda: _exhaust(contender.stream())),
            "early": lambda: _part(contender.stream(), said_in_stream(chunks).count("")),
            "late": lambda: _part(contender.stream(), chunks - _PART),
            "events": lambda: _timed(lambda: _exhaust(contender.events())),
            "streams": lambda: _timed(lambda: self._loop.run_until_complete(_streams(contender, count))),
        }
        gc.collect()
        return work[task]()


def _timed(work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _part(pieces: Iterator[str], skipped: int) -> float:
    """Time some pieces of a stream alone."""
    _exhaust(islice(pieces, skipped))
    seconds = _timed(lambda: _exhaust(islice(pieces, _PART)))
    _exhaust(pieces)
    return seconds


def _exhaust(pieces: Iterator[str]) -> None:
    for _piece in pieces:
        pass


def _invoke(contender: Contender, count: int) -> None:
    for _ in range(count):
        contender.invoke()


async def _streams(contender: Contender, count: int) -> None:
    """Run so many streams at once."""

    async def one() -> None:
        async for _piece in contender.astream():
            pass

    await asyncio.gather(*(one() for _ in range(count)))


async def _astream(contender: Contender) -> str:
    return "".join([piece async for piece in contender.astream()])


def main() -> None:
    """Serve tasks until the standard input closes."""
    warnings.filterwarnings("ignore", message=".* is in beta")  # v3 events are what is measured
    worker = Worker(*sys.argv[1:])
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, float] = {}
        if asked["task"] == "check":  # also the warm-up
            worker.check(asked["chunks"])
        else:
            answer["seconds"] = worker.do(**asked)
            answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
