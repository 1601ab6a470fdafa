"""Token estimates, held against what StepFun counted for recorded prompts."""

from __future__ import annotations

import pytest

from stepfun_client.estimate import TOKENS_PER_IMAGE, estimate_message_tokens, estimate_tokens

ENGLISH = [{"role": "user", "content": "Reply with only the word OK."}]
CHINESE = [  # the quick start's sample; the count stands in its reply
    {
        "role": "system",
        "content": "你是由阶跃星辰提供的AI聊天助手，你擅长中文，英文，以及多种其他语言的对话。"
        "在保证用户数据安全的前提下，你能对用户的问题和请求，作出快速和精准的回答。同时，你的回答和建议应该拒绝黄赌毒，暴力恐怖主义的内容。",
    },
    {"role": "user", "content": "你好，请介绍一下阶跃星辰的人工智能！"},
]
COUNTED = {"english": (ENGLISH, 29), "chinese": (CHINESE, 85)}


@pytest.mark.parametrize("prompt", COUNTED)
def test_an_estimate_is_within_fifteen_percent_of_the_count(prompt):
    messages, counted = COUNTED[prompt]
    assert estimate_message_tokens(messages) == pytest.approx(counted, rel=0.15)


@pytest.mark.parametrize(
    ("usual", "prompt"),
    [
        (lambda text: len(text) / 4, "english"),
        (lambda text: len(text) / 4, "chinese"),
        (lambda text: len(text) * 2, "chinese"),
    ],
    ids=["a quarter, english", "a quarter, chinese", "twice, chinese"],
)
def test_an_estimate_is_far_better_than_the_usual_ones(usual, prompt):
    messages, counted = COUNTED[prompt]
    text = "".join(message["content"] for message in messages)
    ours = abs(estimate_message_tokens(messages) - counted)
    assert ours * 3 < abs(usual(text) - counted)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("你", 1),
        ("你好" * 50, 60),
        ("日本語", 2),
        ("한국어", 2),
        ("，。！", 2),
        ("word " * 37, 50),
        ("𠀀" * 10, 6),
    ],
    ids=[
        "nothing",
        "letter",
        "character",
        "chinese",
        "japanese",
        "korean",
        "punctuation",
        "english",
        "rare characters",
    ],
)
def test_texts(text, tokens):
    assert estimate_tokens(text) == tokens


CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 123456, "b": 654321}'}}


@pytest.mark.parametrize(
    "more",
    [
        {"content": [{"type": "text", "text": "a longer question"}]},
        {"content": "", "tool_calls": [CALL]},
        {"content": "", "reasoning_content": "I must add the two numbers."},
    ],
    ids=["parts", "tool calls", "reasoning"],
)
def test_whatever_is_sent_weighs_something(more):
    empty = estimate_message_tokens([{"role": "user", "content": ""}])
    assert estimate_message_tokens([{"role": "user", **more}]) > empty


def test_each_message_weighs_by_itself_and_a_picture_what_is_documented():
    one = [{"role": "user", "content": "Hi"}]
    assert estimate_message_tokens(one * 2) > estimate_message_tokens(one)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}
    text = {"type": "text", "text": "Hi"}
    shown = estimate_message_tokens([{"role": "user", "content": [picture, text]}])
    assert shown - estimate_message_tokens([{"role": "user", "content": [text]}]) == TOKENS_PER_IMAGE


def test_a_message_without_content_is_taken():
    assert estimate_message_tokens([{"role": "assistant", "content": None, "tool_calls": [CALL]}]) > 15
