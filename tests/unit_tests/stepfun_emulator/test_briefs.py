"""Prompts that a program wrote around a question: material, choices, examples."""

from __future__ import annotations

import json

import pytest

from stepfun_emulator.answerer.briefs import choose, from_brief

OPENING = "The office opens at eight in the morning."
CLOSING = "The office closes at six in the evening."
WEIGHT = "The Aurora lamp weighs 900 grams."
TWO_IN_ONE = "When does the office close, and what does the lamp weigh?"

FROM_MATERIAL = """\
Context information is below.
---------------------
title: office

{material}
---------------------
Given the context information and not prior knowledge, answer the query.
Query: {question}
Answer: """

NUMBERED = """\
Please answer from the sources and cite them. For example:
Source 1:
The sky is red in the evening.
Source 2:
Water is wet when the sky is red.
Query: When is water wet?
Answer: When the sky is red [2].
Now it's your turn.
------
Source 1:
{first}
Source 2:
{second}
------
Query: {question}
Answer: """

CHOICES = """\
Some choices are given below, in a numbered list (1 to 2).
---------------------
(1) Facts about the office

(2) Facts about the lamp
---------------------
Return the choices that are most relevant to the question: '{question}'
"""

SHOWN = 'Answer with ONLY JSON:\n[\n  {\n    choice: 1,\n    reason: "<the reason>"\n  },\n  ...\n]'

FEW_SHOT = """\
Break the question down, in json markdown.

# Example 1
<Tools>
```json
{{"uber": "Provides Uber's numbers. Note: 2021", "lyft": "Provides Lyft's numbers"}}
```

<User Question>
Compare the revenue of Uber and Lyft

<Output>
```json
{output}
```

# Example 2
<Tools>
```json
{{"office": "Facts about the office", "lamp": "Facts about the lamp"}}
```

<User Question>
When does the office close, and what does the lamp weigh?

<Output>
"""
ITEMS = [{"sub_question": "Revenue of Uber", "tool": "uber"}, {"sub_question": "Revenue of Lyft", "tool": "lyft"}]


@pytest.mark.parametrize(
    ("material", "question", "answer"),
    [
        (f"{OPENING} {CLOSING}", "When does the office close?", CLOSING),
        (f"{OPENING}\n{CLOSING}\n{WEIGHT}", TWO_IN_ONE, f"{CLOSING} {WEIGHT}"),
        (f"Sub question: When does the office close?\nResponse: {CLOSING}", "When does the office close?", CLOSING),
        (f"{CLOSING}\n---\n{WEIGHT}", "What does the lamp weigh?", WEIGHT),
        (f"{OPENING}\n{CLOSING.replace(' at', chr(10) + 'at')}\nThen", "When does the office close?", CLOSING),
        (f"title: The office closes\n{CLOSING}", "When does the office close?", CLOSING),
        (CLOSING, "Who wrote Hamlet?", "Nothing in the given material fits the question."),
        ("办公室下午六点关门。台灯重九百克。", "办公室几点关门？", "办公室下午六点关门。"),
        ("台灯重九百克。", "谁写了哈姆雷特？", "材料里没有与问题相符的内容。"),
    ],
)  # fmt: skip
def test_the_fitting_sentence_of_the_material_is_quoted(material, question, answer):
    assert from_brief(FROM_MATERIAL.format(material=material, question=question)) == answer


def test_a_numbered_source_is_cited_and_examples_are_not_quoted():
    prompt = NUMBERED.format(first=CLOSING, second=WEIGHT, question="What does the lamp weigh?")

    assert from_brief(prompt) == f"{WEIGHT} [2]"


@pytest.mark.parametrize(
    ("context", "answer"), [(CLOSING, CLOSING), (WEIGHT, "Perhaps at seven."), ("", "Perhaps at seven.")]
)
def test_a_draft_is_improved_or_kept(context, answer):
    prompt = (
        f"New Context: {context}\nQuery: When does the office close?\nOriginal Answer: Perhaps at seven.\nNew Answer: "
    )

    assert from_brief(prompt) == answer


@pytest.mark.parametrize(
    "prompt",
    [
        "<Chat History>\nuser: Hi\n\n<Follow Up Message>\nAnd when?\n\n<Standalone question>\n",
        "Chat History:\nHuman: Hi\nFollow Up Input: And when?\nStandalone question:",
    ],
)  # fmt: skip
def test_a_follow_up_stands_alone_as_it_is(prompt):
    assert from_brief(f"Rewrite it as a standalone question.\n\n{prompt}") == "And when?"


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("What does the lamp weigh?", [2]),
        ("When does the office close?", [1]),
        (TWO_IN_ONE, [1, 2]),
        ("Who wrote Hamlet?", [1]),
    ],
)
def test_choices_are_made_by_their_words(question, numbers):
    assert choose(CHOICES.format(question=question)) == numbers


@pytest.mark.parametrize("prompt", ["", "Choices:\n(1) One\n(2) Two", "1. Do this\n2. Do that\nQuestion: 'Why?'"])
def test_without_choices_or_question_nothing_is_chosen(prompt):
    assert choose(prompt) == []


@pytest.mark.parametrize("shown", [SHOWN, SHOWN.replace("{", "{{").replace("}", "}}")])
def test_choices_are_written_as_the_example_shows(shown):
    answer = from_brief(CHOICES.format(question="What does the lamp weigh?") + shown)

    assert json.loads(answer) == [{"choice": 2, "reason": "Facts about the lamp"}]


@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"items": items}], ids=["list", "object"])
def test_the_last_output_of_a_few_shot_prompt_is_made_like_the_first(wrap):
    answer = from_brief(FEW_SHOT.format(output=json.dumps(wrap(ITEMS))))

    assert json.loads(answer) == wrap(
        [
            {"sub_question": "When does the office close", "tool": "office"},
            {"sub_question": "what does the lamp weigh?", "tool": "lamp"},
        ]
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "What is 6 * 7?",
        "Question: What is 6 * 7?",
        "---\nThe office closes at six.\n---",
        "Answer as JSON, please.",
        FEW_SHOT.format(output="no JSON at all"),
        FEW_SHOT.format(output='{"answer": 42}'),
    ],
)
def test_what_is_no_brief_is_left_to_the_other_rules(prompt):
    assert from_brief(prompt) is None


def test_a_choice_that_a_tool_takes_is_filled(ask, tool):
    items = {"type": "object", "properties": {"index": {"type": "integer"}}, "required": ["index"]}
    selection = tool("MultiSelection", "The choices", selections={"type": "array", "items": items})
    named = {"type": "function", "function": {"name": "MultiSelection"}}

    reply = ask(CHOICES.format(question=TWO_IN_ONE), tools=[selection], tool_choice=named).json()

    arguments = reply["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"selections": [{"index": 1}, {"index": 2}]}


def test_a_picture_among_the_material_is_described_and_the_question_answered(ask, chart, data_uri):
    head, tail = FROM_MATERIAL.format(material=CLOSING, question="When does the office close?").split("title: office")
    content = [
        {"type": "text", "text": head},
        {"type": "image_url", "image_url": {"url": data_uri(chart, "image/png")}},
        {"type": "text", "text": tail},
    ]

    said = ask([{"role": "user", "content": content}], model="step-3.7-flash").json()["choices"][0]["message"][
        "content"
    ]

    assert "It shows 3 bars" in said
    assert said.endswith(CLOSING)
