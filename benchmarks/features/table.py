"""The table as Markdown, in both languages, and its place in a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.features.probing import Outcome, Probe

Markers = tuple[str, str]
"""The line a table begins after, and the one it ends before."""


class MarkersMissing(Exception):  # noqa: N818 - the document is not ready, nothing has failed
    """A document has no place for the table."""


@dataclass(frozen=True)
class Language:
    """The words of the table.

    Attributes:
        head: What stands above the rows' labels.
        yes: What a good outcome is called.
        no: What the other is called.
        colon: What separates it from the note.
        caption: What stands below, with the versions measured.
        label: Which label of a row is in this language.
    """

    head: str
    yes: str
    no: str
    colon: str
    caption: str
    label: Callable[[Probe], str]


ENGLISH = Language(
    head="Pointed at StepFun",
    yes="yes",
    no="no",
    colon=": ",
    caption="Measured with {versions}.",
    label=attrgetter("label"),
)
CHINESE = Language(
    head="指向阶跃星辰时",
    yes="是",
    no="否",
    colon="：",
    caption="所测版本：{versions}。",
    label=attrgetter("label_zh"),
)


@dataclass(frozen=True)
class Findings:
    """What was found out about everybody.

    Attributes:
        outcomes: For each class its outcomes, one for each row.
        versions: The peers' packages, with their versions.
        rows: What they were asked.
    """

    outcomes: Mapping[str, Sequence[Outcome]]
    versions: Sequence[str]
    rows: Sequence[Probe]


def write(findings: Findings, language: Language) -> str:
    """Write the table and its caption."""
    caption = language.caption.format(versions=", ".join(findings.versions))
    return "\n".join((*_rows(findings, language), "", caption))


def _rows(findings: Findings, language: Language) -> Iterator[str]:
    yield _row([language.head, *findings.outcomes])
    yield _row(["---"] * (1 + len(findings.outcomes)))
    for probe, *outcomes in zip(findings.rows, *findings.outcomes.values(), strict=True):
        yield _row([language.label(probe), *(_cell(outcome, language) for outcome in outcomes)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _cell(outcome: Outcome, language: Language) -> str:
    word = language.yes if outcome.good else language.no
    return f"{word}{language.colon}{outcome.note}" if outcome.note else word


def put(document: str, text: str, markers: Markers) -> str:
    """Put a text between the markers of a document.

    Raises:
        MarkersMissing: If they are not there.
    """
    before, _old, after = _parts(document, markers)
    return f"{before}{markers[0]}\n\n{text}\n\n{markers[1]}{after}"


def agrees(document: str, text: str, markers: Markers) -> bool:
    """Say whether a document's table is this one; the versions below it may be others.

    Raises:
        MarkersMissing: If there is no place for it.
    """
    _before, old, _after = _parts(document, markers)
    return _table_lines(old) == _table_lines(text)


def _parts(document: str, markers: Markers) -> tuple[str, str, str]:
    before, begin, rest = document.partition(markers[0])
    old, end, after = rest.partition(markers[1])
    if not (begin and end):
        raise MarkersMissing
    return before, old, after


def _table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]
