"""Subtitles: times and escapes as the formats want them, and cues that can be read, whatever was said."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import InvalidParameterError
from stepfun_client.api.transcript import Segment, Transcript, Word
from stepfun_client.audio.subtitles import LINE_WIDTH, MOST_LINES, cues_of, srt, vtt, width

LONG = (
    "When the service writes no subtitles by itself, they have to be made from the times of the words, and a long "
    "sentence has to be cut where a reader would pause. Then everybody can follow."
)
CHINESE = "如果服务不写字幕，就必须根据每个词的时间来制作，而且很长的句子必须在读者会停顿的地方断开。这样大家都能跟上。"


def segment(text, start=0.0, end=10.0, words=()):
    return Segment(text=text, start=start, end=end, words=list(words))


def test_srt_has_numbers_commas_and_blank_lines():
    said = [segment("One.", 0.0, 1.5), segment("Two.", 3599.9996, 3661.25)]

    assert srt(said) == ("1\n00:00:00,000 --> 00:00:01,500\nOne.\n\n2\n01:00:00,000 --> 01:01:01,250\nTwo.\n")


def test_vtt_has_a_head_dots_and_escapes():
    said = [segment("a --> b & <c>", 0.25, 1.0)]

    assert vtt(said) == "WEBVTT\n\n00:00:00.250 --> 00:00:01.000\na --&gt; b &amp; &lt;c&gt;\n"


def test_nothing_said_is_an_empty_file():
    assert srt([]) == ""
    assert vtt([]) == "WEBVTT\n"
    assert srt([segment("  ")]) == ""


def test_cues_come_in_the_order_of_their_times():
    channels = [segment("Second.", 2.0, 3.0), segment("First.", 1.0, 2.5)]

    assert [cue.lines for cue in cues_of(channels)] == [("First.",), ("Second.",)]


@pytest.mark.parametrize(("text", "most"), [(LONG, 42), (CHINESE, 20)])
def test_a_long_utterance_becomes_cues_of_two_readable_lines(text, most):
    cues = cues_of([segment(text, 0.0, 20.0)])

    assert len(cues) > 1
    assert all(len(cue.lines) <= 2 and all(len(line) <= most for line in cue.lines) for cue in cues)
    assert all(cue.end - cue.start <= 7.01 for cue in cues)


def test_a_cue_ends_behind_punctuation_where_it_can():
    cues = cues_of([segment(LONG, 0.0, 14.0)])

    assert cues[0].lines[-1].endswith(",")
    assert cues_of([segment(CHINESE, 0.0, 14.0)])[0].lines[-1][-1] in "，。"


def test_two_lines_are_about_as_long_as_each_other():
    (cue,) = cues_of([segment("There are fifty characters or so in this sentence.", 0.0, 4.0)])

    first, second = map(len, cue.lines)
    assert abs(first - second) < 8


def test_what_closes_stays_with_what_it_closes():
    (cue,) = cues_of([segment("“你好。”他说：《世界》（第一卷）很好看，大家都喜欢读它！真的吗？", 0.0, 5.0)])

    assert not any(line[0] in "。，！？”》）：" or line[-1] in "“《（" for line in cue.lines)


def test_cues_take_their_times_from_the_words():
    words = [Word(text=f"word{n}", start=n, end=n + 0.5) for n in range(30)]
    cues = cues_of([segment(" ".join(word.text for word in words), 0.0, 29.5, words)])

    starts = {float(n) for n in range(30)}
    assert all(cue.start in starts and cue.end - 0.5 in starts for cue in cues)


def test_words_that_do_not_make_up_the_text_are_passed_over():
    (cue,) = cues_of([segment("Twenty", 0.0, 2.0, [Word(text="20", start=0.5, end=1.0)])])

    assert (cue.start, cue.end) == (0.0, 2.0)


def test_a_word_longer_than_a_line_is_cut():
    (cue,) = cues_of([segment("https://" + "a" * 60, 0.0, 2.0)])

    assert [len(line) for line in cue.lines] == [42, 26]


def test_a_cue_that_lasts_no_time_is_shown_nevertheless():
    (cue,) = cues_of([segment("Oh.", 1.0, 1.0)])

    assert cue.end > cue.start


def test_without_timestamps_it_is_said_how_to_get_them():
    with pytest.raises(InvalidParameterError, match=r"timestamps=True.*stepaudio-2.5-asr.*step-asr-1.1") as caught:
        Transcript(text="Hello.").to_srt()
    assert caught.value.param == "timestamps"
    with pytest.raises(InvalidParameterError, match="'Hello' has no times"):
        vtt([Segment(text="Hello"), segment("World.")])
    assert Transcript(text="").to_srt() == ""


said = st.text(st.sampled_from("ab c,.!? \n你好，。！“”《》（）한国é🙂-><&"), max_size=300)


@given(st.lists(st.tuples(said, st.floats(0, 100), st.floats(0, 60)), max_size=4))
def test_whatever_is_said_nothing_is_lost_and_every_line_fits(spoken):
    segments, now = [], 0.0
    for text, pause, seconds in spoken:
        segments.append(segment(text, now + pause, now + pause + seconds))
        now += pause + seconds

    cues = cues_of(segments)

    shown = "".join("".join(cue.lines) for cue in cues)
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", "".join(one.text for one in segments))
    assert all(1 <= len(cue.lines) <= MOST_LINES for cue in cues)
    assert all(0 < width(line) <= LINE_WIDTH for cue in cues for line in cue.lines)
    assert all(cue.start < cue.end for cue in cues)
    assert all(a.start <= b.start for a, b in itertools.pairwise(cues))


@given(said, st.lists(st.integers(1, 5), min_size=1))
def test_whatever_the_words_are_cues_stay_inside_them(text, sizes):
    words, at, now = [], 0, 0.0
    for size in sizes * 100:
        if at >= len(text):
            break
        words.append(Word(text=text[at : at + size], start=now, end=now + 0.3))
        at, now = at + size, now + 0.4
    cues = cues_of([segment(text, 0.0, now, words)])

    assert all(0.0 <= cue.start < cue.end <= now + 0.001 for cue in cues)
    assert all(a.end <= b.start + 0.0011 for a, b in itertools.pairwise(cues))
