"""What was uttered is heard, exactly, whatever happened to it on the way; anything else is not."""

from __future__ import annotations

import random
import time
import wave
from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepfun_emulator import sound
from stepfun_emulator.sound.formats import FORMATS, resample
from stepfun_emulator.sound.sentences import fitting

RATES = (8000, 16_000, 22_050, 24_000, 48_000)
TWO = "智能阶跃，十倍每一个人的可能。 Hello, world! "

texts = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30)


def heard(samples: bytes, rate: int) -> str:
    return "".join(one.text for one in sound.hear(samples, rate))


@settings(max_examples=60, deadline=None)
@given(
    texts,
    st.sampled_from(FORMATS),
    st.sampled_from(RATES),
    st.floats(0.5, 2),
    st.floats(0.1, 2),
)
def test_a_text_survives_every_format(text, form, rate, speed, volume):
    file = sound.encode(sound.utter(text, rate=rate, speed=speed, volume=volume), rate, form, text=text)
    read = sound.decode(file, form, rate=rate)
    assert heard(read.mono, read.rate) == text


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, min_size=2, max_size=3), st.integers(0, 3000), st.sampled_from(RATES))
def test_joined_pieces_are_heard_one_after_the_other(said, silence, rate):
    parts = [bytes(2 * silence) + sound.utter(text, rate=rate) for text in said]
    assert heard(b"".join(parts), rate) == "".join(said)


def test_each_sentence_is_heard_by_itself_and_when():
    first, second = sound.hear(sound.utter(TWO), 24_000)
    assert (first.text, second.text) == ("智能阶跃，十倍每一个人的可能。 ", "Hello, world! ")
    assert first.start == pytest.approx(0.05, abs=0.001)
    assert second.start - first.end == pytest.approx(0.4, abs=0.001)


def test_the_rhythm_is_that_of_speech():
    one, two = (sound.hear(sound.utter(text), 24_000)[0] for text in ("你", "你好"))
    assert (two.end - two.start) - (one.end - one.start) == pytest.approx(0.24, abs=0.001)
    slow = sound.hear(sound.utter("你好", speed=0.5), 24_000)[0]
    assert slow.end - slow.start > 1.4 * (two.end - two.start)


def test_volume_is_loudness_and_never_clips():
    loud = [max(array("h", sound.utter("你好", volume=volume))) for volume in (0.1, 1, 2)]
    assert loud == pytest.approx([1200, 12_000, 24_000], rel=0.01)


def test_a_long_sentence_is_said_in_several_breaths_and_heard_whole():
    text = "中" * 500 + "，" + "a" * 2000 + "。"
    assert heard(sound.utter(text, rate=8000, speed=2), 8000) == text


@pytest.mark.parametrize("size", [4, 10, 1024])
def test_breaths_fit_and_end_after_commas(size):
    text = "一，二 three 😀" * 200
    pieces = fitting(text, size)
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= size for piece in pieces)
    assert size < 1024 or all(piece[-1] in "， " for piece in pieces[:-1])


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("One.", ["One."]),
        ("  One. Two", ["  One. ", "Two"]),
        ("\n\nOne. Two", ["\n\nOne. ", "Two"]),
        ("Pi is 3.14. Yes!", ["Pi is 3.14. ", "Yes!"]),
        ("“好。”他说。走吧！", ["“好。”", "他说。", "走吧！"]),
        ("Wait... what?!\n\nOK", ["Wait... ", "what?!\n\n", "OK"]),
        ("see stepfun.com now", ["see stepfun.com now"]),
    ],
)
def test_sentences(text, sentences):
    assert sound.split_sentences(text) == sentences


def test_it_is_heard_after_other_sounds_and_between_them():
    noise = random.Random(1).randbytes(96_000)
    spoken = sound.utter(TWO)
    assert heard(noise + spoken + noise + spoken + noise, 24_000) == TWO + TWO


def test_it_is_heard_at_another_rate():
    for rate in (16_000, 22_050, 48_000):
        assert heard(resample(sound.utter(TWO), 24_000, rate), rate) == TWO


def test_foreign_audio_is_nothing():
    tones = np.sin(np.cumsum(np.repeat(np.tile([420.0, 3090.0], 300), 480)) * 2 * np.pi / 24_000) * 9000
    assert sound.hear(tones.astype("<i2").tobytes(), 24_000) == []
    assert sound.hear(random.Random(2).randbytes(480_000), 24_000) == []
    assert sound.hear(bytes(480_000), 24_000) == []
    assert sound.hear(b"", 24_000) == []
    assert sound.hear(b"\0", 24_000) == []


@pytest.mark.parametrize("lost", [0.03, 0.3, 0.9])
def test_a_damaged_sentence_is_not_guessed(lost):
    spoken = bytearray(sound.utter("Hello, world!"))
    at = int(len(spoken) // 2 * lost) * 2
    spoken[at : at + 4800] = bytes(len(spoken[at : at + 4800]))
    assert sound.hear(bytes(spoken), 24_000) in ([], sound.hear(sound.utter("Hello, world!"), 24_000))


def test_a_cut_sentence_is_not_heard():
    spoken = sound.utter("Hello, world!")
    assert all(sound.hear(spoken[: int(len(spoken) // 2 * part) * 2], 24_000) == [] for part in (0.1, 0.3, 0.5, 0.7))


def test_an_hour_is_heard_in_seconds(tmp_path: Path):
    said = "今天天气很好，我们去公园。" * 10
    once = sound.utter(said, rate=16_000)
    times = 3600 * 32_000 // len(once) + 1
    started = time.monotonic()
    found = sound.hear(once * times, 16_000)
    assert time.monotonic() - started < 15
    assert "".join(one.text for one in found) == said * times
    assert found[-1].end > 3590


def test_a_file_of_the_standard_library_says_it_too(tmp_path: Path):
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound.utter(TWO, rate=16_000))
    read = sound.decode((tmp_path / "said.wav").read_bytes())
    assert heard(read.mono, read.rate) == TWO
