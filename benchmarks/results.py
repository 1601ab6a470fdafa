"""What is measured, what is to be reached, and how both are said: in ratios, since times differ between machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
        shown: Whether its ratios say something by themselves, and are a row of the table.
    """

    label: str
    task: str
    count: int = 1
    chunks: int = 100
    weight: int = 1
    shown: bool = True

    @property
    def order(self) -> dict[str, Any]:
        """The task, as the worker reads it."""
        return {"task": self.task, "count": self.count, "chunks": self.chunks}


INVOKE = Measure("invoke", "invoke", count=100, weight=3)
STREAM = Measure("stream of 3,000, per chunk", "stream", chunks=3000, weight=3)
STREAMS = Measure("200 async streams of 100", "streams", count=200)
IMPORT = Measure("import", "import")
MEMORY = Measure("peak memory of the stream", "stream", chunks=3000)


class Results:
    """The best figure of each contender in each measure: what disturbs a measurement only ever adds to it.

    Args:
        us: Whose bounds are looked at.
    """

    def __init__(self, us: str) -> None:
        self.us = us
        self._best: dict[tuple[Measure, str], float] = {}

    def add(self, measure: Measure, contender: str, figure: float) -> None:
        """Take the figure of one more round."""
        self._best[measure, contender] = min(figure, self._best.get((measure, contender), figure))

    def figure(self, measure: Measure, contender: str) -> float | None:
        """Return a contender's figure; None where it was not measured."""
        return self._best.get((measure, contender))

    def ratio(self, measure: Measure, contender: str, to: str) -> float | None:
        """Divide one contender's figure by another's; None where one was not measured."""
        own, other = self.figure(measure, contender), self.figure(measure, to)
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
        ratio = results.ratio(self.measure, results.us, self.other)
        if ratio is None:
            return _NOT_MEASURED
        # A bound below 1 is read the other way round: so many times faster.
        return _verdict(ratio, self.times, f"{1 / ratio:.2f} x faster" if self.times < 1 else f"{ratio:.2f} x")


@dataclass(frozen=True)
class Growth:
    """What ours takes late in a stream, less what `other` needs more late than early, is to be at most `times` early.

    Attributes:
        early: The measure of the stream's beginning.
        late: The measure of its end.
        other: Whoever does nothing but what must grow.
        times: How many times as much.
        words: What the verdict calls it.
    """

    early: Measure
    late: Measure
    other: str
    times: float
    words: str

    def verdict(self, results: Results) -> tuple[str, bool]:
        """Say whether the bound was reached, and if not by how much it was missed."""
        early, late = (results.figure(measure, results.us) for measure in (self.early, self.late))
        before, after = (results.figure(measure, self.other) for measure in (self.early, self.late))
        if not early or late is None or before is None or after is None:
            return _NOT_MEASURED
        ratio = (late - (after - before)) / early
        return _verdict(ratio, self.times, f"{ratio:.2f} x")


_NOT_MEASURED = ("not measured", True)


def _verdict(ratio: float, times: float, words: str) -> tuple[str, bool]:
    if ratio <= times:
        return f"{words}: reached", True
    return f"{words}: MISSED by {ratio / times - 1:.1%}", False


def table(results: Results, measures: Sequence[Measure], contenders: Sequence[str]) -> Iterator[str]:
    """Write the ratios to the floor, line by line."""
    rows = [
        [measure.label, *(_cell(results.ratio(measure, name, FLOOR)) for name in contenders)]
        for measure in measures
        if measure.shown
    ]
    yield from _columns([["ratio to the floor", *contenders], *rows])


def verdicts(results: Results, bounds: Sequence[Bound | Growth]) -> Iterator[str]:
    """Write what became of each bound, line by line."""
    yield from _columns([[bound.words, bound.verdict(results)[0]] for bound in bounds], last="<")


def all_reached(results: Results, bounds: Sequence[Bound | Growth]) -> bool:
    """Whether every bound that could be measured was reached."""
    return all(bound.verdict(results)[1] for bound in bounds)


def _cell(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _columns(rows: Sequence[Sequence[str]], last: str = ">") -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *cells in rows:
        aligned = (f"{cell:{last}{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *aligned)).rstrip()
