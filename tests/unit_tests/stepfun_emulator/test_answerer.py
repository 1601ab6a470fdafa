"""The parts of the answerer that the wire shows only together."""

from __future__ import annotations

import json

import pytest

from stepfun_emulator.answerer import arithmetic
from stepfun_emulator.answerer.conversation import Call, Said, current_turn
from stepfun_emulator.answerer.material import Material, names, topic
from stepfun_emulator.answerer.planning import clauses
from stepfun_emulator.answerer.reading import stem, words
from stepfun_emulator.answerer.rules import Task, Tool, answer
from stepfun_emulator.media import Medium


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("What is 12*7?", "12*7"),
        ("(80 + 20) / 5", "(80 + 20) / 5"),
        ("compute (3 + 4) please)", "(3 + 4)"),
        ("(3 + 4", "3 + 4"),
        ("6 × 7", "6 * 7"),
        ("84 ÷ 2", "84 / 2"),
        ("2 ^ 10", "2 ** 10"),
        ("3 x 4", "3 * 4"),
        ("1,200 + 5%", "1200 + (5 / 100)"),
        ("17% of 2,400", "17 / 100 * 2400"),
        ("take 20% off", "{result} * 20 / 100"),
        ("80的20%", "80 * 20 / 100"),
        ("multiply six by seven", "6 * 7"),
        ("the product of 6 and 7", "6 * 7"),
        ("6 times 7", "6 * 7"),
        ("times 7", "{result} * 7"),
        ("multiply it by 3", "{result} * 3"),
        ("divide the result by 4", "{result} / 4"),
        ("84 divided by 2", "84 / 2"),
        ("除以3", "{result} / 3"),
        ("subtract 3 from 10", "10 - 3"),
        ("10减去3", "10 - 3"),
        ("difference between 9 and 4", "9 - 4"),
        ("minus 5", "{result} - 5"),
        ("the sum of 3 and 4", "3 + 4"),
        ("add 8 to the total", "8 + {result}"),
        ("plus 2", "{result} + 2"),
        ("square root of 16", "16 ** 0.5"),
        ("5 squared", "5 ** 2"),
        ("the square of 5", "5 ** 2"),
        ("double it", "{result} * 2"),
        ("halve 10", "10 / 2"),
        ("half of 10", "10 / 2"),
        ("on 2024-05-01", None),
        ("call 555-1234", None),
        ("1 / 0", None),
        ("nothing", None),
    ],
)
def test_sums_are_found(text, expression):
    assert arithmetic.find_expression(text) == expression


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2", "3"), ("0.1 + 0.2", "0.3"), ("7 / 2", "3.5"), ("-2 ** 2", "-4"), ("2 ** 0.5", "1.41421356237"),
        ("1 / 0", None), ("2 ** 999", None), ("(-8) ** 0.5", None), ("a + 1", None), ("1 +", None), ("+1", None),
        ("1e300 * 10", "1e+301"),
    ],
)  # fmt: skip
def test_sums_are_done(expression, value):
    assert arithmetic.evaluate(expression) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What's the weather in San Francisco, CA?", ["San Francisco, CA"]),
        ("Paris, London and Rome", ["Paris", "London", "Rome"]),
        ("Tell Bob Smith & Co about Ann's dog", ["Bob Smith & Co", "Ann"]),
        ("北京和上海", ["北京", "上海"]),
        ("我在青岛市", ["青岛"]),
        ("nothing here", []),
    ],
)
def test_names_are_found(text, found):
    assert names(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please tell me about cats.", "cats"),
        ("Search the web for LangChain releases", "LangChain releases"),
        ("请帮我搜索一下新闻", "新闻"),
        ("What is?", "What is?"),
    ],
)
def test_topics_are_what_is_left_of_a_question(text, found):
    assert topic(text) == found


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Do this, then do that.", [("Do this", False), ("do that.", True)]),
        ("One. Then two", [("One.", False), ("two", True)]),
        ("say 'a, then b' and stop", [("say 'a, then b'", False), ("stop", False)]),
        ("add 3 and 4", [("add 3 and 4", False)]),
        ("3 + 4 and 5 * 6", [("3 + 4", False), ("5 * 6", False)]),
        ("先查天气，然后乘以二", [("先查天气", False), ("乘以二", True)]),
        ("", []),
    ],
)
def test_questions_are_cut_into_clauses(text, parts):
    assert [(clause.text, clause.after) for clause in clauses(text)] == parts


def test_words_meet_across_forms_and_languages():
    assert stem("multiplying") == stem("multiply")
    assert stem("sales") == stem("sale")
    assert stem("class") == "class"
    assert "#weather" in words("今天天气如何") & words("get_forecast") & words("GetWeather")
    assert not words("what is the")


def test_material_uses_each_thing_once():
    material = Material("'a' and 'b' with 3, 4")
    assert [material.take("quoted") for _ in range(3)] == ["a", "b", None]
    assert [material.take("number") for _ in range(3)] == ["3", "4", None]


def test_labels():
    material = Material('title: Report. the subject "Hi" and mode is fast, of course')
    assert material.labelled("title") == "Report"
    assert material.labelled("subject") == "Hi"
    assert material.labelled("mode") == "fast"
    assert material.labelled("to") is None
    assert material.labelled("missing") is None
    assert Material("the title of").labelled("title") is None


def test_without_an_earlier_result_an_open_sum_stays_open():
    assert Material("multiply it by 3").expression is None
    assert Material("multiply it by 3", found="It is 7 degrees").expression == "7 * 3"


def shown(text, told="Drawn: image-0123456789ab."):
    """A conversation in which a tool drew a picture, and a user message brings it."""
    picture = Medium("image", "png", b"a picture")
    return [
        Said("user", 'Draw "a lake", then edit it: "at night".'),
        Said("assistant", calls=(Call("draw", "{}", "call_7"),)),
        Said("tool", told, answers="call_7"),
        Said("user", text, media=(picture,)),
    ]


def test_a_picture_handed_in_behind_a_tools_answer_belongs_to_the_turn():
    turn = current_turn(shown("Returned by call_7:"))

    assert turn.question == 'Draw "a lake", then edit it: "at night".'
    assert [result.call.name for result in turn.results] == ["draw"]
    assert len(turn.media) == 1


@pytest.mark.parametrize("text", ["And this one?", ""])
def test_a_picture_of_the_users_begins_a_turn(text):
    turn = current_turn(shown(text))

    assert turn.question == text
    assert turn.results == ()


def test_a_question_behind_what_was_handed_in_begins_a_turn():
    turn = current_turn([*shown("Returned by call_7:"), Said("user", "What is 6 * 7?")])

    assert turn.question == "What is 6 * 7?"
    assert turn.media == ()


@pytest.mark.parametrize("saved", ["", " Saved as /made/picture-20260601-120000-0123abcd.png."])
def test_what_a_tool_made_is_named_to_the_next(saved):
    text = {"type": "string"}
    both = {"properties": {"image": text, "prompt": text}, "required": ["image", "prompt"]}
    draw = Tool("draw", "Draw a picture.", {"properties": {"prompt": text}, "required": ["prompt"]})
    edit = Tool("edit", "Edit a picture.", both)

    told = f"Drawn: image-0123456789ab.{saved}"
    (call,) = answer(Task(shown("Returned by call_7:", told), tools=(draw, edit))).calls

    assert call.name == "edit"
    assert json.loads(call.arguments) == {"image": "image-0123456789ab", "prompt": "at night"}
