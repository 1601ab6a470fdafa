"""The comparison with the peers: what the tables claim of ours is true, and a table is written as it should.

The peers are not installed here; `python -m benchmarks.compare_features` asks them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import stepfun_emulator
from benchmarks.features import probing, table
from benchmarks.features.probing import KEY, Case, Outcome, Probe, in_short, times
from benchmarks.features.subjects import LANGCHAIN, SUBJECTS, Subject
from benchmarks.features.table import CHINESE, ENGLISH, Findings

US, ROWS, MARKERS = LANGCHAIN.us, LANGCHAIN.rows, LANGCHAIN.markers
BEGIN, END = MARKERS
ASKED = [(subject, probe) for subject in SUBJECTS.values() for probe in subject.rows]
FINDINGS = Findings(
    outcomes={US.name: [Outcome(good=True)] * len(ROWS), "Other": [Outcome(good=False, note="a | b")] * len(ROWS)},
    versions=["other 1.0"],
    rows=ROWS,
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with stepfun_emulator.running(lenient=True) as base_url:
        yield base_url


@pytest.mark.parametrize(
    ("subject", "probe"), ASKED, ids=lambda one: one.ask.__name__ if isinstance(one, Probe) else one.name
)
def test_ours_gives_the_good_answer(
    subject: Subject, probe: Probe, emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEP_API_KEY", KEY)  # for the model that comes back from a pickle, without its key
    assert probe.run(Case(subject.us, emulator)) == Outcome(good=True)


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_labels_are_there_in_both_languages_and_differ(subject: Subject) -> None:
    for labels in ([probe.label for probe in subject.rows], [probe.label_zh for probe in subject.rows]):
        assert all(labels)
        assert len(set(labels)) == len(labels)


# --- Probes ----------------------------------------------------------------------------------------------------------


def found(ask: Any) -> Outcome:
    return Probe("label", "标签", ask).run(Case(US, "http://127.0.0.1:9/v1"))


def test_what_a_probe_raises_means_no() -> None:
    def ask(case: Case) -> bool:
        raise KeyError("name")

    assert found(ask) == Outcome(good=False, note="KeyError 'name'")


def test_a_probe_that_finds_no_end_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_SECONDS", 0.01)
    hang = threading.Event()

    def ask(case: Case) -> bool:
        return hang.wait(10)

    assert not found(ask).good
    hang.set()


def test_a_service_error_is_named_by_its_status_and_a_long_one_by_its_class() -> None:
    refused = RuntimeError("refused")
    refused.status_code = 400  # type: ignore[attr-defined]
    assert in_short(refused) == "HTTP 400"
    assert in_short(ValueError("so many words that no table has room for them")) == "ValueError"


@pytest.mark.parametrize(
    ("told", "outcome"),
    [(50, Outcome(good=True)), (1000, Outcome(good=False, note="20.0x")), (None, Outcome(good=False, note="None"))],
)
def test_a_figure_is_told_as_a_ratio_to_the_truth(told: int | None, outcome: Outcome) -> None:
    assert times(told, 50) == outcome


# --- The table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "cells"), [(ENGLISH, "| yes | no: a \\| b |"), (CHINESE, "| 是 | 否：a \\| b |")])
def test_a_row_is_its_label_and_a_cell_for_each(language: table.Language, cells: str) -> None:
    lines = table.write(FINDINGS, language).splitlines()
    assert lines[0].endswith("| ChatStepFun | Other |")
    assert lines[2] == f"| {language.label(ROWS[0])} {cells}"
    assert "other 1.0" in lines[-1]


def test_the_table_stands_between_the_markers_and_nothing_else_is_touched() -> None:
    text = table.write(FINDINGS, ENGLISH)
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert not table.agrees(document, text, MARKERS)
    written = table.put(document, text, MARKERS)
    assert written == f"before\n{BEGIN}\n\n{text}\n\n{END}\nafter\n"
    assert table.agrees(written, text, MARKERS)
    assert table.put(written, text, MARKERS) == written


def test_another_version_of_a_peer_that_answers_the_same_is_no_disagreement() -> None:
    written = table.put(BEGIN + END, table.write(FINDINGS, ENGLISH), MARKERS)
    assert table.agrees(written.replace("other 1.0", "other 0.9"), table.write(FINDINGS, ENGLISH), MARKERS)
    assert not table.agrees(written.replace("| yes |", "| no |", 1), table.write(FINDINGS, ENGLISH), MARKERS)


def test_a_document_without_markers_is_told_apart() -> None:
    with pytest.raises(table.MarkersMissing):
        table.put("no place", "table", MARKERS)
