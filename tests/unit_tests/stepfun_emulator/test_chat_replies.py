"""Whole replies and streams have the shape and the quirks of the recorded ones (WIRE.md section 4)."""

from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

QUESTION = "Reply with only the word OK."
RECORDED = Path(__file__).parents[4] / "shared" / "wire" / "recorded"

# The recorded reply without stream, its texts shortened.
BASIC: dict[str, Any] = {
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {"content": "OK", "reasoning": "So", "reasoning_content": "So", "role": "assistant"},
        }
    ],
    "created": 1791494334,
    "id": "chatcmpl-373279f754863eccda439d90e5c06dfa.01a11d62248e77f999fa869271d12ac2",
    "model": "step-3.5-flash",
    "object": "chat.completion",
    "usage": {
        "completion_tokens": 97,
        "completion_tokens_details": {"reasoning_tokens": 0},
        "prompt_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 0},
        "total_tokens": 126,
    },
}
HEADERS = ("x-trace-id", "x-router-id", "x-proxy-latency", "x-upstream-latency", "cache-control")


def shape(value: Any) -> Any:
    """Keys in their order, and types in place of values."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def shapes(chunks: list[dict[str, Any]]) -> list[Any]:
    """The different shapes of a stream's chunks, in the order of their first appearance."""
    found: list[Any] = []
    for chunk in chunks:
        if shape(chunk) not in found:
            found.append(shape(chunk))
    return found


def recorded_body() -> dict[str, Any]:
    path = RECORDED / "chat_basic.json"
    return json.loads(path.read_text())["response"]["body"] if path.exists() else BASIC


def recorded_chunks() -> list[dict[str, Any]]:
    path = RECORDED / "chat_stream.json"
    if not path.exists():
        return []
    parts = json.loads(path.read_text())["response"]["chunks_b64"]
    text = b"".join(map(base64.b64decode, parts)).decode()
    return [json.loads(event.removeprefix("data: ")) for event in text.split("\n\n") if event.startswith("data: {")]


def test_whole_reply_has_the_recorded_shape(ask):
    body = ask(QUESTION, max_tokens=512, reasoning_effort="low", reasoning_format="deepseek-style", stream=False).json()
    assert shape(body) == shape(BASIC) == shape(recorded_body())
    assert body["choices"][0]["message"]["content"] == "OK"


def test_stream_has_the_recorded_shapes(ask, events):
    asked = {"stream": True, "stream_options": {"include_usage": True}, "reasoning_effort": "low"}
    chunks = events(ask(QUESTION, **asked))
    found = shapes(chunks)
    assert len(found) == 4  # content (and the beginning), reasoning, the end, the usage
    for recorded in shapes(recorded_chunks()):
        assert recorded in found


def test_headers_are_the_recorded_ones(ask):
    whole, streamed = ask(QUESTION), ask(QUESTION, stream=True)
    for response in (whole, streamed):
        assert all(name in response.headers for name in HEADERS)
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-trace-id"])
        assert response.headers["x-router-id"] == "path:/v1/chat/"
        assert response.headers["cache-control"] == "no-cache"
    assert whole.headers["content-type"] == "application/json; charset=utf-8"
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_ids_embed_the_trace_id(ask, events):
    whole, streamed = ask(QUESTION), ask(QUESTION, stream=True)
    assert re.fullmatch(rf"chatcmpl-{whole.headers['x-trace-id']}\.[0-9a-f]{{32}}", whole.json()["id"])
    ids = {chunk["id"] for chunk in events(streamed)}
    assert len(ids) == 1
    assert re.fullmatch(rf"{streamed.headers['x-trace-id']}\.[0-9a-f]{{32}}", ids.pop())


def test_reasoning_comes_twice_with_the_same_text(ask, events):
    message = ask(QUESTION).json()["choices"][0]["message"]
    assert message["reasoning"] == message["reasoning_content"] != ""
    deltas = [chunk["choices"][0]["delta"] for chunk in events(ask(QUESTION, stream=True))]
    assert all(delta.get("reasoning") == delta.get("reasoning_content") for delta in deltas)
    assert "".join(delta.get("reasoning", "") for delta in deltas) == message["reasoning"]


def test_role_and_content_are_on_every_chunk(ask, events):
    for chunk in events(ask(QUESTION, stream=True)):
        assert chunk["agent"] == ""
        assert chunk["choices"][0]["delta"]["role"] == "assistant"
        assert isinstance(chunk["choices"][0]["delta"]["content"], str)


def test_finish_reason_is_absent_until_the_last_chunk(ask, events):
    *early, last = events(ask(QUESTION, stream=True))
    assert all("finish_reason" not in chunk["choices"][0] for chunk in early)
    assert last["choices"][0]["finish_reason"] == "stop"


def test_usage_is_cumulative_and_the_last_one_is_the_truth(ask, events):
    *early, last = events(ask(QUESTION, stream=True))
    counts = [chunk["usage"]["completion_tokens"] for chunk in [*early, last]]
    assert counts[0] == 0
    assert all(before <= after for before, after in pairwise(counts))
    whole = ask(QUESTION).json()["usage"]
    assert {name: last["usage"][name] for name in whole} == whole


def test_early_chunks_claim_cached_tokens_that_the_last_takes_back(ask, events):
    *early, last = events(ask(QUESTION, stream=True))
    for chunk in early:
        usage = chunk["usage"]
        assert usage["cached_tokens"] == usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_tokens"] - 3
    assert "cached_tokens" not in last["usage"]
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_include_usage_adds_a_chunk_without_choices(ask, events):
    with_usage = events(ask(QUESTION, stream=True, stream_options={"include_usage": True}))
    assert with_usage[-1]["choices"] == []
    assert with_usage[-1]["usage"] == with_usage[-2]["usage"]
    without = events(ask(QUESTION, stream=True, stream_options={"include_usage": False}))
    assert all(chunk["choices"] for chunk in without)


def test_chunks_hold_a_few_words(ask, events):
    contents = [c["choices"][0]["delta"]["content"] for c in events(ask("Write 100 words", stream=True))]
    filled = [content for content in contents if content]
    assert 20 < len(filled) < 120
    assert "".join(filled) == ask("Write 100 words").json()["choices"][0]["message"]["content"]


def test_long_prompts_are_cached_in_units_of_256(ask):
    long = "The cache remembers this sentence. " * 100
    first, second = ask(long).json()["usage"], ask(long).json()["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["prompt_tokens_details"]["cached_tokens"]
    assert cached > 0
    assert cached % 256 == 0
    assert ask(long, model="step-2-mini").json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_the_same_question_gets_the_same_answer(ask):
    first, second = ask("Who wrote Hamlet?").json(), ask("Who wrote Hamlet?").json()
    assert first["choices"] == second["choices"]


def test_effort_changes_the_length_of_the_thoughts(ask):
    lengths = [
        len(ask("Hi", reasoning_effort=effort).json()["choices"][0]["message"]["reasoning"])
        for effort in ("low", "medium", "high")
    ]
    assert lengths == sorted(set(lengths))
    assert len(ask("Hi").json()["choices"][0]["message"]["reasoning"]) == lengths[1]


def test_models_that_do_not_reason_have_no_reasoning(ask):
    message = ask("Hi", model="step-2-mini").json()["choices"][0]["message"]
    assert set(message) == {"content", "role"}


def test_thoughts_follow_the_language_of_the_question(ask):
    assert "用户说" in ask("你好").json()["choices"][0]["message"]["reasoning"]


def test_max_tokens_cuts_the_text(ask):
    body = ask("Write 100 words", model="step-2-mini", max_tokens=10).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 10


def test_thinking_counts_against_max_tokens_and_can_leave_no_text(ask, events):
    body = ask("Hi", max_tokens=5).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["message"]["content"] == ""
    assert body["choices"][0]["message"]["reasoning"]
    last = events(ask("Hi", max_tokens=5, stream=True))[-1]
    assert last["choices"][0]["finish_reason"] == "length"
    assert last["usage"]["completion_tokens"] == 5


def test_max_tokens_cuts_the_arguments_of_a_tool(ask, tool):
    calculator = tool("calculator", "Evaluate an expression", expression={"type": "string"})
    whole = ask("Compute 12345 * 6789", tools=[calculator], model="step-2-mini").json()
    for limit in range(1, whole["usage"]["completion_tokens"]):
        cut = ask("Compute 12345 * 6789", tools=[calculator], model="step-2-mini", max_tokens=limit).json()
        assert cut["choices"][0]["finish_reason"] == "length"
        assert cut["usage"]["completion_tokens"] <= limit
        calls = cut["choices"][0]["message"].get("tool_calls", [])
        full = whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        assert all(full.startswith(call["function"]["arguments"]) for call in calls)


@pytest.mark.parametrize("stop", ["4", ["9", "4"]])
def test_stop_ends_the_text_before_the_word(ask, stop):
    choice = ask("Count from 1 to 9", stop=stop).json()["choices"][0]
    assert choice["message"]["content"] == "1, 2, 3, "
    assert choice["finish_reason"] == "stop"


def test_n_gives_several_choices(ask, events):
    body = ask(QUESTION, n=3).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    chunks = events(ask(QUESTION, n=2, stream=True))
    ends = [chunk["choices"][0] for chunk in chunks if "finish_reason" in chunk["choices"][0]]
    assert [choice["index"] for choice in ends] == [0, 1]
    assert chunks[-1]["usage"]["completion_tokens"] == 2 * ask(QUESTION).json()["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Reply with only the word OK.", "OK"),
        ("Repeat after me: hello there", "hello there"),
        ("只回复你好", "你好"),
        ('Answer only "yes"', "yes"),
        ("Count to 3", "1, 2, 3"),
        ("从2数到4", "2, 3, 4"),
        ("What is 12 * 7?", "12 * 7 = 84"),
        ("What is 3 + 4 and 5 * 6?", "3 + 4 = 7; 5 * 6 = 30"),
        ("What is 17% of 2,400?", "17 / 100 * 2400 = 408"),
        ("Write 5 words", "This text has the length"),
    ],
)
def test_plain_questions(ask, question, answer):
    assert ask(question).json()["choices"][0]["message"]["content"] == answer


def test_lengths_in_chinese(ask):
    assert len(ask("写一段50个字的文字").json()["choices"][0]["message"]["content"]) == 50


def test_the_answerer_says_that_it_is_no_model(ask):
    assert "not a model" in ask("Who wrote Hamlet?").json()["choices"][0]["message"]["content"]
    assert "不是模型" in ask("谁写了哈姆雷特").json()["choices"][0]["message"]["content"]
    assert "…" in ask("Why " * 60).json()["choices"][0]["message"]["content"]


def test_names_are_remembered_over_turns(ask):
    def conversation(told: str, asked: str) -> str:
        messages = [
            {"role": "user", "content": told},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": asked},
        ]
        return ask(messages).json()["choices"][0]["message"]["content"]

    assert conversation("Hi, my name is Ada", "What is my name?") == "Your name is Ada."
    assert conversation("我叫小明", "我叫什么名字？") == "你叫小明。"
    assert "not a model" in conversation("Hi", "What is my name?")


def test_a_question_about_a_given_text_is_answered_by_its_sentence(ask):
    context = "The tower is 330 metres tall. It was built in 1889. Its colour is brown. Many people visit it."
    answer = ask(f"{context} When was it built?").json()["choices"][0]["message"]["content"]
    assert answer == "The tower is 330 metres tall." or "1889" in answer
    system = {"role": "system", "content": context}
    asked = [system, {"role": "user", "content": "How tall in metres is the tower?"}]
    assert ask(asked).json()["choices"][0]["message"]["content"] == "The tower is 330 metres tall."
