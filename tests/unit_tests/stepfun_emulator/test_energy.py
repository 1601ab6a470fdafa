"""Turns are found by energy, and it does not matter in which portions the samples come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepfun_emulator.sound.energy import Edge, TurnDetector

RATE = 16_000
FRAME = 20  # milliseconds


def tone(ms: int, loudness: float = 5000) -> bytes:
    wave = np.sin(np.arange(RATE * ms // 1000) / 5) * loudness
    return wave.astype("<i2").tobytes()


def silence(ms: int) -> bytes:
    return bytes(2 * RATE * ms // 1000)


def edges(samples: bytes, **options: float) -> list[Edge]:
    return TurnDetector(RATE, **options).feed(samples)  # type: ignore[arg-type]


def test_a_turn_has_a_beginning_and_an_end():
    started, stopped = edges(silence(500) + tone(1000) + silence(1000))
    assert started.speaking
    assert not stopped.speaking
    assert started.at == 500
    assert stopped.at == 1500
    assert stopped.noticed == RATE * 23 // 10


@pytest.mark.parametrize("silence_ms", [20, 300, 500, 2000])
def test_a_turn_ends_after_the_silence_asked_for(silence_ms):
    samples = tone(400) + silence(silence_ms - FRAME) + tone(400)
    assert len(edges(samples + silence(silence_ms), silence_ms=silence_ms)) == 2
    _, stopped = edges(tone(400) + silence(silence_ms), silence_ms=silence_ms)
    assert (stopped.at, stopped.noticed) == (400, RATE * (400 + silence_ms) // 1000)


def test_padding_moves_the_beginning_forward_but_not_into_the_turn_before():
    samples = silence(100) + tone(500) + silence(300) + tone(500)
    first, stopped, second = edges(samples, silence_ms=200, padding_ms=500)
    assert first.at == 0
    assert second.at == stopped.at == 600
    assert edges(silence(700) + tone(100), padding_ms=500)[0].at == 200


def test_a_click_is_no_speech():
    assert edges(silence(200) + tone(FRAME) + silence(200) + tone(FRAME) + silence(200), silence_ms=100) == []


@pytest.mark.parametrize(("level", "found"), [(2000, True), (5000, False)])
def test_what_is_too_quiet_is_silence(level, found):
    assert bool(edges(tone(500), level=level)) is found


def test_a_turn_can_be_ended_at_any_time():
    detector = TurnDetector(RATE)
    assert detector.end() is None
    assert [edge.at for edge in detector.feed(tone(500) + silence(100))] == [0]
    assert detector.silence_ms == 100
    assert detector.end() == Edge(speaking=False, at=500, noticed=RATE * 600 // 1000)
    assert not detector.speaking
    (again,) = detector.feed(tone(500))
    assert (again.speaking, again.at) == (True, 600)


PARTS = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=50)
@given(parts=PARTS, cuts=st.lists(st.integers(100, 5000), min_size=1), silence_ms=st.integers(1, 900))
def test_portions_change_nothing(parts, cuts, silence_ms):
    samples = b"".join(tone(FRAME * length) if loud else silence(FRAME * length) for loud, length in parts)
    whole, portions = TurnDetector(RATE, silence_ms=silence_ms), TurnDetector(RATE, silence_ms=silence_ms)
    found, at, turn = [], 0, 0
    while at < len(samples):
        size = cuts[turn % len(cuts)]
        found += portions.feed(samples[at : at + size])
        at, turn = at + size, turn + 1
    assert found == whole.feed(samples)


@settings(deadline=None, max_examples=50)
@given(parts=PARTS, silence_ms=st.integers(1, 900), padding_ms=st.integers(0, 900))
def test_edges_alternate_and_their_times_never_go_back(parts, silence_ms, padding_ms):
    samples = b"".join(tone(FRAME * length) if loud else silence(FRAME * length) for loud, length in parts)
    found = edges(samples, silence_ms=silence_ms, padding_ms=padding_ms)
    assert [edge.speaking for edge in found] == [at % 2 == 0 for at in range(len(found))]
    assert [edge.at for edge in found] == sorted(edge.at for edge in found)
    assert all(edge.at <= edge.noticed * 1000 / RATE for edge in found)
    assert [edge.noticed for edge in found] == sorted({edge.noticed for edge in found})
