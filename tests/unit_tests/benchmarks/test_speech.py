"""The benchmark of speech: every figure has what measures it, and its bound is read the right way round."""

from __future__ import annotations

import pytest

from benchmarks.speech import FIGURES, Figure
from benchmarks.speech_worker import TASKS


def test_every_figure_is_measured_by_a_task_of_its_own():
    assert [figure.task for figure in FIGURES] == list(TASKS)


@pytest.mark.parametrize(
    ("bound", "figure", "words"),
    [
        ({"most": 32}, 32, "32.00 MB: reached"),
        ({"most": 32}, 32.5, "32.50 MB: MISSED"),
        ({"least": 10}, 9.5, "9.50 MB: MISSED"),
        ({"least": 10}, 10, "10.00 MB: reached"),
    ],
)
def test_a_bound_is_reached_or_missed(bound, figure, words):
    assert Figure("live", "an hour", "MB", **bound).verdict(figure) == words


def test_the_text_that_is_being_written_is_spoken_before_its_end(emulator):
    assert 0 < TASKS["first_sound"](emulator.base_url) < 0.9
