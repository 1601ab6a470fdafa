"""Long text in pieces, cut where a speaker would pause."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stepfun_client import InvalidParameterError
from stepfun_client.audio import split_text

ODD = list("。！？；…，、：.!?,;:()（）\"'”’」 \t\n\r0123abZ你好é\u0301\u200d\ufe0f👩🏽🇨🇳\u3000한ᄒ")
TEXTS = st.one_of(st.text(max_size=120), st.text(st.sampled_from(ODD), max_size=200))


def directions(text: str) -> list[str]:
    """What stands in round brackets, outermost, told by counting."""
    found, opened = [], []
    for at, letter in enumerate(text):
        if letter in "(（":
            opened.append(at)
        elif letter in ")）" and opened:
            begin = opened.pop()
            found = [span for span in found if span[0] < begin] + [(begin, at + 1)]
    return [text[begin:end] for begin, end in found]


@given(TEXTS, st.integers(1, 60))
def test_the_pieces_are_the_text_and_none_is_too_long(text, limit):
    assume(all(len(direction) <= limit for direction in directions(text)))
    pieces = split_text(text, limit)
    assert "".join(pieces) == ("" if not text.strip() else text)
    assert all(0 < len(piece) <= limit for piece in pieces)


@given(TEXTS, st.integers(1, 60))
def test_no_direction_is_ever_cut(text, limit):
    whole = directions(text)
    if any(len(direction) > limit for direction in whole) and text.strip():
        with pytest.raises(InvalidParameterError, match="A direction is not cut in two"):
            split_text(text, limit)
    else:
        assert [found for piece in split_text(text, limit) for found in directions(piece)] == whole


@given(st.text(st.sampled_from("e你\u0301\u0300\ufe0f\u200d👩🏽 。"), max_size=60))
def test_what_is_seen_as_one_character_is_not_cut(text):
    assume(max(map(len, re.findall(r"(?:[^e你👩 。]|(?<=\u200d).)+", text)), default=0) < 8)
    for piece in split_text(text, 10)[1:]:
        assert unicodedata.category(piece[0]) not in {"Mn", "Me", "Mc"}
        assert piece[0] not in "\u200d🏽"


@given(st.lists(st.from_regex(r"[1-9][0-9]{0,2}(,[0-9]{3}|[.:：][0-9]{1,4}){0,2}", fullmatch=True), max_size=30))
def test_no_number_is_cut(numbers):
    text = "是".join(numbers)
    assert re.findall(r"[\d.,:：]+", "|".join(split_text(text, 14))) == numbers


@pytest.mark.parametrize(
    ("limit", "pieces"),
    [
        (6, ["你好。再见！", "走吧？嗯…"]),
        (8, ["好；不好；", "很好……真的"]),
        (10, ["“你好。”他说。", "然后他走了。"]),
        (12, ['他说："走。"', '"为什么？"她问。']),
        (16, ["He ran off. ", '"Why?" she said.']),
        (14, ["“Yes.” ", "(softly) No."]),
        (14, ["What?! ", "No way... ", "I see it now"]),
        (11, ["你好!", "再见了我的朋友们啊"]),
        (12, ["one\n", "two three\n\n", "four"]),
        (9, ["one\r\n", "two three"]),
        (12, ["It was 1998. ", "Then came 99"]),
    ],
    ids=lambda value: None if isinstance(value, int) else value[0].strip(),
)
def test_pieces_end_with_sentences(limit, pieces):
    assert split_text("".join(pieces), max(limit, *map(len, pieces))) == pieces


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("我来了，你走了，他也走了", 10, ["我来了，你走了，", "他也走了"]),
        ("苹果、香蕉、梨", 6, ["苹果、香蕉、", "梨"]),
        ("one two, three four five", 18, ["one two, ", "three four five"]),
        ("one two three four", 9, ["one two ", "three ", "four"]),
        ("没有标点的一句话", 3, ["没有标", "点的一", "句话"]),
        ("价格是3.1415926元", 8, ["价格是", "3.141592", "6元"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("你hello", 5, ["你", "hello"]),
    ],
)
def test_a_sentence_that_is_too_long_is_cut_at_the_next_best_place(text, limit, pieces):
    assert split_text(text, limit) == pieces


@pytest.mark.parametrize(
    "unbroken",
    [
        "Mr. Smith",
        "e.g. this",
        "J. Smith",
        "3.14",
        "1,000",
        "12:30",
        "v1.2",
        "a.b",
        "No. 5",
        "Dr. No",
        "10：30",
    ],
)
def test_no_sentence_ends_in_the_middle_of(unbroken):
    text = f"He saw it. {unbroken} was there"
    assert split_text(text, len(text) - 1)[0] == "He saw it. "


def test_the_number_of_an_item_is_not_the_end_of_a_sentence():
    assert split_text("Two steps:\n1. Eat it.\n2. Sleep.", 23) == ["Two steps:\n1. Eat it.\n", "2. Sleep."]
    assert split_text("1. Eat everything now", 18) == ["1. Eat everything ", "now"]


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("好。（轻声。慢。（停。）嗯。）走吧。", 13, ["好。", "（轻声。慢。（停。）嗯。）", "走吧。"]),
        ("你好。(happy) 今天天气很好啊", 12, ["你好。", "(happy) 今天天气", "很好啊"]),
        ("他笑了(大笑) 走了", 9, ["他笑了(大笑) ", "走了"]),
        ("a (b. c d. e", 6, ["a (b. ", "c d. e"]),
        ("a) b. c d. e", 6, ["a) b. ", "c d. e"]),
    ],
    ids=["nested", "leading", "behind what it tells about", "never closed", "never opened"],
)
def test_directions_stay_whole_and_with_what_they_direct(text, limit, pieces):
    assert split_text(text, limit) == pieces


def test_a_direction_longer_than_a_piece_is_refused_by_name():
    with pytest.raises(InvalidParameterError, match=r"'（非常非常") as caught:
        split_text("你好。（" + "非常" * 500 + "）走吧。")
    assert caught.value.param == "input"
    assert "1,002 characters" in str(caught.value)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_piece_has_at_least_one_character(limit):
    with pytest.raises(InvalidParameterError) as caught:
        split_text("text", limit)
    assert caught.value.param == "limit"


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_nothing_to_speak_is_no_piece(text):
    assert split_text(text) == []


@pytest.mark.parametrize(
    "one",
    ["e\u0301", "👩\u200d💻", "👍🏽", "🇨🇳", "❤\ufe0f", "\r\n", "\u1100\u1161\u11a8", "ﾊﾞ", "\ud83d\udc4d"],
    ids=ascii,
)
def test_hard_cuts_keep_together(one):
    assert split_text("好" * 9 + one + "好" * 9, 10)[0] == "好" * 9


def test_a_character_longer_than_a_piece_is_cut_all_the_same():
    assert split_text("e" + "\u0301" * 25, 10) == ["e" + "\u0301" * 9, "\u0301" * 10, "\u0301" * 6]


def test_leading_blanks_go_with_the_text():
    assert split_text("\n\n" + "好" * 5, 5) == ["\n\n好好好", "好好"]


def test_a_piece_just_full_is_one_and_the_default_is_what_the_service_takes():
    assert split_text("好" * 1000) == ["好" * 1000]
    assert [len(piece) for piece in split_text("好" * 1001)] == [1000, 1]


def test_pieces_are_as_long_as_they_can_be():
    text = "今天天气很好。" * 3000
    assert [len(piece) for piece in split_text(text)][:-1] == [994] * 21


@pytest.mark.parametrize("unit", ["你好。", "好" * 7, "He said “no”. ", '"a" (b. c) 1.5, ', "(", "\u0301", "🇨", "  "])
def test_hours_of_text_take_no_time(unit):
    text = "a" + unit * (300_000 // len(unit))
    began = time.perf_counter()
    assert "".join(split_text(text)) == text
    assert time.perf_counter() - began < 10
