"""One contender in a process of its own: reads a task as a line of JSON, does it, answers with what it took.

`python -m benchmarks.worker NAME ADDRESS`; a task is `{"task": "invoke" | "stream" | "events" | "streams" | "check",
"count": int, "chunks": int}`, the answer `{"seconds": float, "peak": int}`, where `peak` is the process's peak memory
as `ru_maxrss` counts it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import warnings
from collections.abc import Callable
from functools import cache
from time import perf_counter

from benchmarks.contenders import EVERYBODY, Contender
from benchmarks.server import said_in_stream, said_whole


class Worker:
    """Holds the contender for each length of stream, and one event loop, so that connections are kept."""

    def __init__(self, name: str, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._make = cache(lambda chunks: EVERYBODY[name](f"{address}/{chunks}/v1", chunks))

    def check(self, chunks: int) -> None:
        """Make sure that the contender reads everything: who drops text would be fast for nothing."""
        contender = self._make(chunks)
        expected = "".join(said_in_stream(chunks))
        streamed = ("".join(contender.stream()), "".join(contender.events()))
        said = (contender.invoke(), *streamed, self._loop.run_until_complete(_astream(contender)))
        if said != (said_whole(), expected, expected, expected):
            message = "the contender did not return what the server said"
            raise RuntimeError(message)

    def do(self, task: str, count: int, chunks: int) -> float:
        """Do a task and return the seconds it took."""
        contender = self._make(chunks)
        work: dict[str, Callable[[], None]] = {
            "invoke": lambda: _invoke(contender, count),
            "stream": lambda: _stream(contender, count),
            "events": lambda: _events(contender, count),
            "streams": lambda: self._loop.run_until_complete(_streams(contender, count)),
        }
        gc.collect()
        started = perf_counter()
        work[task]()
        return perf_counter() - started


def _invoke(contender: Contender, count: int) -> None:
    for _ in range(count):
        contender.invoke()


def _stream(contender: Contender, count: int) -> None:
    for _ in range(count):
        for _piece in contender.stream():
            pass


def _events(contender: Contender, count: int) -> None:
    for _ in range(count):
        for _piece in contender.events():
            pass


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
