"""What is measured, what is to be reached, and how both are said: in ratios, since times differ between machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

US = "ChatStepFun"
FLOOR = "floor"


@dataclass(frozen=True)
class Measure:
    """One thing to measure: a row of the table.

    Attributes:
        label: What the table calls it.
        task: What the worker does; see `benchmarks.worker`.
        count: How often, or how many at once.
        chunks: How long a stream is.
        weight: How many times as many rounds it gets: what is short is easily disturbed, and cheap to repeat.
    """

    label: str
    task: str
    count: int = 1
    chunks: int = 100
    weight: int = 1

    @property
    def order(self) -> dict[str, Any]:
        """The task, as the worker reads it."""
        return {"task": self.task, "count": self.count, "chunks": self.chunks}


INVOKE = Measure("invoke", "invoke", count=100, weight=3)
STREAM = Measure("stream of 3,000, per chunk", "stream", chunks=3000, weight=3)
EVENTS = Measure("v3 events of 3,000, per chunk", "events", chunks=3000, weight=2)
STREAMS = Measure("200 async streams of 100", "streams", count=200)
IMPORT = Measure("import", "import")
MEMORY = Measure("peak memory of the stream", "stream", chunks=3000)

MEASURES = (INVOKE, STREAM, EVENTS, STREAMS, IMPORT, MEMORY)


class Results:
    """The best figure of each contender in each measure: what disturbs a measurement only ever adds to it."""

    def __init__(self) -> None:
        self._best: dict[tuple[Measure, str], float] = {}

    def add(self, measure: Measure, contender: str, figure: float) -> None:
        """Take the figure of one more round."""
        self._best[measure, contender] = min(figure, self._best.get((measure, contender), figure))

    def ratio(self, measure: Measure, contender: str, to: str) -> float | None:
        """Divide one contender's figure by another's; None where one was not measured."""
        own, other = self._best.get((measure, contender)), self._best.get((measure, to))
        return own / other if own is not None and other else None


@dataclass(frozen=True)
class Bound:
    """Ours is to be at most `times` the figure of `other`."""

    measure: Measure
    other: str
    times: float
    words: str

    def verdict(self, results: Results) -> tuple[str, bool]:
        """Say whether the bound was reached, and if not by how much it was missed."""
        ratio = results.ratio(self.measure, US, self.other)
        if ratio is None:
            return "not measured", True
        # A bound below 1 is read the other way round: so many times faster.
        reached = f"{1 / ratio:.2f} x faster" if self.times < 1 else f"{ratio:.2f} x"
        if ratio <= self.times:
            return f"{reached}: reached", True
        return f"{reached}: MISSED by {ratio / self.times - 1:.1%}", False


BOUNDS = (
    Bound(INVOKE, FLOOR, 1.3, "invoke at most 1.3 x the floor"),
    Bound(STREAM, FLOOR, 1.5, "stream at most 1.5 x the floor"),
    Bound(STREAM, "ChatOpenAI", 1 / 6, "stream at least 6 x faster than ChatOpenAI"),
    Bound(STREAM, "ChatMistralAI", 1, "stream ahead of ChatMistralAI"),
    Bound(EVENTS, FLOOR, 1.5, "v3 events at most 1.5 x the floor"),
    Bound(STREAMS, FLOOR, 1.3, "200 streams at most 1.3 x the floor"),
    Bound(IMPORT, FLOOR, 1.15, "import at most 1.15 x core's chat models and httpx"),
)


def table(results: Results, contenders: Sequence[str]) -> Iterator[str]:
    """Write the ratios to the floor, line by line."""
    rows = [
        [measure.label, *(_cell(results.ratio(measure, name, FLOOR)) for name in contenders)] for measure in MEASURES
    ]
    yield from _columns([["ratio to the floor", *contenders], *rows])


def verdicts(results: Results) -> Iterator[str]:
    """Write what became of each bound, line by line."""
    yield from _columns([[bound.words, bound.verdict(results)[0]] for bound in BOUNDS], last="<")


def all_reached(results: Results) -> bool:
    """Whether every bound that could be measured was reached."""
    return all(bound.verdict(results)[1] for bound in BOUNDS)


def _cell(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _columns(rows: Sequence[Sequence[str]], last: str = ">") -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *cells in rows:
        aligned = (f"{cell:{last}{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *aligned)).rstrip()
