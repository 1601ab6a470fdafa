"""A chat request as a request of the Messages API: what becomes of each message and parameter, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import InvalidParameterError
from stepfun_client.api.messages_from_chat import default_max_tokens, messages_request

HI = {"role": "user", "content": "Hi"}
DATA = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
URL = {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}}


def text(said):
    return {"type": "text", "text": said}


def call(arguments, identifier="call_1"):
    return {"id": identifier, "type": "function", "function": {"name": "add", "arguments": arguments}}


def use(given, identifier="call_1"):
    return {"type": "tool_use", "id": identifier, "name": "add", "input": given}


def result(content, identifier="call_1"):
    return {"type": "tool_result", "tool_use_id": identifier, "content": content}


def asked(*messages, **params):
    return messages_request({"model": "step-3.7-flash", "messages": messages, **params})


CONVERSATIONS = {
    "a text": ([HI], [HI], None),
    "the system": ([{"role": "system", "content": "Be brief."}, HI], [HI], "Be brief."),
    "two systems, one of them a developer": (
        [{"role": "system", "content": "Be brief."}, HI, {"role": "developer", "content": [text("Be kind.")]}],
        [HI],
        "Be brief.\n\nBe kind.",
    ),
    "an empty system": ([{"role": "system", "content": ""}, HI], [HI], None),
    "parts": (
        [{"role": "user", "content": [DATA, URL, text("What is it?")]}],
        [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}},
                    text("What is it?"),
                ],
            }
        ],
        None,
    ),
    "the user twice": ([HI, HI], [{"role": "user", "content": [text("Hi"), text("Hi")]}], None),
    "the user twice, once with nothing to say": (
        [HI, {"role": "user", "content": ""}],
        [{"role": "user", "content": [text("Hi")]}],
        None,
    ),
    "nothing to say, twice": ([{"role": "user", "content": ""}] * 2, [{"role": "user", "content": ""}], None),
    "an assistant": (
        [HI, {"role": "assistant", "content": "Hello"}, HI],
        [HI, {"role": "assistant", "content": "Hello"}, HI],
        None,
    ),
    "tools in parallel, and the user after them": (
        [
            HI,
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [call('{"a": 1}'), call("", "call_2")],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "1"},
            {"role": "tool", "tool_call_id": "call_2", "content": ""},
            HI,
        ],
        [
            HI,
            {"role": "assistant", "content": [use({"a": 1}), use({}, "call_2")]},
            {"role": "user", "content": [result("1"), result("", "call_2"), text("Hi")]},
        ],
        None,
    ),
    "text beside a call, its arguments broken": (
        [HI, {"role": "assistant", "content": "I add.", "tool_calls": [call('{"a": ')]}],
        [HI, {"role": "assistant", "content": [text("I add."), use({"arguments": '{"a": '})]}],
        None,
    ),
    "arguments that are no object": (
        [HI, {"role": "assistant", "content": "", "tool_calls": [call("[1]")]}],
        [HI, {"role": "assistant", "content": [use({"arguments": "[1]"})]}],
        None,
    ),
}


@pytest.mark.parametrize(("messages", "turns", "system"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation(messages, turns, system):
    made = asked(*messages)
    assert made["messages"] == turns
    assert made.get("system") == system


FUNCTION = {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {"a": {}}}}
PARAMETERS = {
    "one stop": ({"stop": "a"}, {"stop_sequences": ["a"]}),
    "stops": ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
    "effort": ({"reasoning_effort": "low"}, {"effort": "low"}),
    "max_tokens": ({"max_tokens": 5}, {"max_tokens": 5}),
    "its own": ({"top_k": 5, "output_config": {}}, {"top_k": 5, "output_config": {}}),
    "None": ({"response_format": None, "n": None}, {}),
    "the rest": (
        {"temperature": 1, "top_p": 0.5, "timeout": 3, "extra_body": {"a": 1}, "extra_headers": {}},
        {"temperature": 1, "top_p": 0.5, "timeout": 3, "extra_body": {"a": 1}, "extra_headers": {}},
    ),
    "tools": (
        {"tools": [{"type": "function", "function": FUNCTION}]},
        {"tools": [{"name": "add", "description": "Add.", "input_schema": FUNCTION["parameters"]}]},
    ),
    "a tool without arguments": (
        {"tools": [{"type": "function", "function": {"name": "now", "strict": False}}]},
        {"tools": [{"name": "now", "input_schema": {"type": "object", "properties": {}}}]},
    ),
    "a tool of its own": (
        {"tools": [{"name": "now", "input_schema": {"type": "object"}}]},
        {"tools": [{"name": "now", "input_schema": {"type": "object"}}]},
    ),
    "auto": ({"tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
    "none": ({"tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
    "required": ({"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
    "any": ({"tool_choice": "any"}, {"tool_choice": {"type": "any"}}),
    "by name": (
        {"tool_choice": {"type": "function", "function": {"name": "add"}}},
        {"tool_choice": {"type": "tool", "name": "add"}},
    ),
    "its own choice": ({"tool_choice": {"type": "any"}}, {"tool_choice": {"type": "any"}}),
}


@pytest.mark.parametrize(("params", "expected"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters(params, expected):
    made = asked(HI, **params)
    assert made == {"model": "step-3.7-flash", "messages": [HI], "max_tokens": 32_768, **expected}


@pytest.mark.parametrize(
    ("model", "limit"),
    [("step-3.7-flash", 32_768), ("step-1-8k", 4_000), ("step-5-preview", 32_768), ("of-tomorrow", 32_768)],
)
def test_max_tokens_where_nobody_says_another(model, limit):
    assert default_max_tokens(model) == limit


def of_user(*parts):
    return {"role": "user", "content": list(parts)}


REFUSED = {
    **{
        name: ((HI,), {name: value}, name, f"the Messages API has no {name}: leave it out, or use the chat API")
        for name, value in {
            "n": 2,
            "frequency_penalty": 0.5,
            "response_format": {"type": "json_object"},
            "reasoning_format": "general",
            "modalities": ["text"],
            "audio": {"voice": "a"},
            "stream_options": {"include_usage": True},
            "parallel_tool_calls": False,
        }.items()
    },
    "several": ((HI,), {"n": 2, "audio": {}}, "n", "has no n, audio"),
    "video": ((of_user({"type": "video_url", "video_url": {}}),), {}, "messages", "no 'video_url' part"),
    "sound": ((of_user({"type": "input_audio", "input_audio": {}}),), {}, "messages", "no 'input_audio' part"),
    "a detail": (
        (of_user({"type": "image_url", "image_url": {"url": "https://a.b/c.png", "detail": "high"}}),),
        {},
        "messages",
        r"no detail \('high'\)",
    ),
    "an uploaded file": (
        (of_user({"type": "image_url", "image_url": {"url": "stepfile://file-1"}}),),
        {},
        "messages",
        "not as an uploaded file .stepfile://file-1.: send its bytes or its address",
    ),
    "a role": (({"role": "critic", "content": "No."},), {}, "messages", "no message of the role 'critic'"),
    "web_search": ((HI,), {"tools": [{"type": "web_search"}]}, "tools", "no tool of the type 'web_search'"),
    "retrieval": ((HI,), {"tools": [{"type": "retrieval", "function": {}}]}, "tools", "type 'retrieval'"),
    "strict": (
        (HI,),
        {"tools": [{"type": "function", "function": {**FUNCTION, "strict": True}}]},
        "strict",
        "no strict for the tool 'add'",
    ),
    "a choice": ((HI,), {"tool_choice": "add"}, "tool_choice", "tool_choice is 'add'; possible are"),
    "a choice of something else": ((HI,), {"tool_choice": {"type": "allowed_tools"}}, "tool_choice", "possible are"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_has_no_place_is_named(case):
    messages, params, param, words = case
    with pytest.raises(InvalidParameterError, match=words) as caught:
        asked(*messages, **params)
    assert caught.value.param == param


SAID = st.text(min_size=1, max_size=5)
MESSAGES = st.lists(st.builds(dict, role=st.sampled_from(["system", "user", "assistant"]), content=SAID), max_size=8)


@given(MESSAGES)
def test_any_conversation_becomes_turns_and_keeps_every_word(messages):
    before = [dict(message) for message in messages]
    made = asked(*messages)
    turns = made["messages"]
    roles = [turn["role"] for turn in turns]
    assert all(one != other for one, other in pairwise(roles))

    def words(role):
        parts = [turn["content"] for turn in turns if turn["role"] == role]
        return "".join(part if isinstance(part, str) else "".join(block["text"] for block in part) for part in parts)

    for role in ("user", "assistant"):
        assert words(role) == "".join(one["content"] for one in messages if one["role"] == role)
    assert made.get("system", "") == "\n\n".join(one["content"] for one in messages if one["role"] == "system")
    assert messages == before
