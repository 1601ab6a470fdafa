"""Histories: answers of ours and of others, fresh or restored, go back to StepFun as it takes them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from stepfun_client import InvalidParameterError
from tests.unit_tests.langchain_stepfun.answers import ANSWERS

CALL = {"id": "call_0", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
NOW = {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{}"}}


def assistant(content: str | None, *calls: dict, **more: Any) -> dict:
    return {"role": "assistant", "content": content, **({"tool_calls": list(calls)} if calls else {}), **more}


# --- Answers of our own ----------------------------------------------------------------------------------------------

AGAIN = {
    "text": assistant("The answer is 42"),
    "reasoning": assistant("42"),
    "parallel tool calls": assistant("I add.", CALL, NOW),
    "search": assistant("There are news."),
    "search and a tool call in one piece": assistant(None, {**CALL, "id": "call_1"}),
    "retrieval": assistant("By the book."),
    "audio": assistant("Hello!"),
}


def through_json(message: AIMessage) -> AIMessage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # langchain-core's loads is in beta
        return loads(dumps(message), allowed_objects="messages")


def through_a_dict(message: AIMessage) -> AIMessage:
    return messages_from_dict([message_to_dict(message)])[0]


def through_a_checkpoint(message: AIMessage) -> AIMessage:
    graph = StateGraph(MessagesState)
    graph.add_node("nothing", lambda _state: {})
    graph.add_edge(START, "nothing")
    compiled, thread = graph.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
    compiled.invoke({"messages": [message]}, thread)
    return compiled.get_state(thread).values["messages"][0]


RESTORED = {
    "as it is": lambda message: message,
    "dumped and loaded": through_json,
    "as a dict": through_a_dict,
    "from a checkpoint": through_a_checkpoint,
}


@pytest.mark.parametrize("restore", RESTORED)
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("kind", AGAIN)
async def test_an_answer_goes_back(ask_or_watch, wire, kind, version, restore) -> None:
    wire.answer = ANSWERS[kind]
    model = wire.chat(output_version=version)
    answer = RESTORED[restore](await ask_or_watch(model, "Hi"))

    model.invoke([HumanMessage("Hi"), answer, HumanMessage("And?")])

    assert wire.messages[1] == AGAIN[kind]


# --- Answers of others -----------------------------------------------------------------------------------------------


def by(provider: str, content: Any, **more: Any) -> AIMessage:
    return AIMessage(content, response_metadata={"model_provider": provider, **more.pop("metadata", {})}, **more)


ADD = [{"name": "add", "args": {"a": 1}, "id": "call_0", "type": "tool_call"}]
SEEN_BY_OPENAI = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I must add."}]}

OTHERS = [
    ("openai", by("openai", "Hello"), assistant("Hello")),
    ("openai, tool call", by("openai", "", tool_calls=ADD), assistant(None, CALL)),
    (
        "openai, as its wire has it",
        by("openai", "", additional_kwargs={"tool_calls": [CALL]}, tool_calls=ADD),
        assistant(None, CALL),
    ),
    (
        "openai, refusal beside the content",
        by("openai", "", additional_kwargs={"refusal": "I may not."}),
        assistant("I may not."),
    ),
    (
        "openai responses",
        by("openai", [SEEN_BY_OPENAI, {"type": "text", "text": "Hello", "annotations": [], "id": "msg_1"}]),
        assistant("Hello"),
    ),
    (
        "openai responses, tool call",
        by(
            "openai",
            [
                SEEN_BY_OPENAI,
                {"type": "function_call", "name": "add", "arguments": '{"a": 1}', "call_id": "call_0", "id": "fc_1"},
            ],
            tool_calls=ADD,
        ),
        assistant(None, CALL, reasoning_content="I must add."),
    ),
    (
        "openai responses, refusal",
        by("openai", [{"type": "refusal", "refusal": "I may not."}]),
        assistant("I may not."),
    ),
    (
        "openai responses, its own search",
        by(
            "openai",
            [{"type": "web_search_call", "id": "ws_1", "status": "completed"}, {"type": "text", "text": "Hello"}],
        ),
        assistant("Hello"),
    ),
    (
        "anthropic",
        by(
            "anthropic",
            [
                {"type": "thinking", "thinking": "I must add.", "signature": "sig"},
                {"type": "text", "text": "I add."},
                {"type": "tool_use", "id": "call_0", "name": "add", "input": {"a": 1}},
            ],
            tool_calls=ADD,
        ),
        assistant("I add.", CALL, reasoning_content="I must add."),
    ),
    (
        "anthropic, hidden thinking",
        by("anthropic", [{"type": "redacted_thinking", "data": "xyz"}, {"type": "text", "text": "Hello"}]),
        assistant("Hello"),
    ),
    (
        "google",
        by(
            "google_genai",
            [{"type": "thinking", "thinking": "I must add.", "signature": "sig"}, "I add."],
            tool_calls=ADD,
        ),
        assistant("I add.", CALL, reasoning_content="I must add."),
    ),
    (
        "deepseek",
        by("deepseek", "", additional_kwargs={"reasoning_content": "I must add."}, tool_calls=ADD),
        assistant(None, CALL, reasoning_content="I must add."),
    ),
    (
        "nobody in particular, thinking",
        AIMessage(
            [{"type": "thinking", "thinking": "I must add."}, {"type": "text", "text": "I add."}], tool_calls=ADD
        ),
        assistant("I add.", CALL, reasoning_content="I must add."),
    ),
]


@pytest.mark.parametrize("restore", RESTORED)
@pytest.mark.parametrize(("message", "sent"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_an_answer_of_another_provider_goes_to_stepfun(wire, message, sent, restore) -> None:
    wire.chat().invoke([HumanMessage("Hi"), RESTORED[restore](message), HumanMessage("And?")])

    assert wire.messages[1] == sent


def test_what_only_the_other_provider_understands_is_left_out_with_a_warning(wire) -> None:
    message = by("openai", [{"type": "item_reference", "id": "1"}, {"type": "text", "text": "Hello"}])

    with pytest.warns(UserWarning, match="'item_reference' block of an assistant message is not sent"):
        wire.chat().invoke([HumanMessage("Hi"), message, HumanMessage("And?")])

    assert wire.messages[1] == assistant("Hello")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "hologram", "data": "AA=="},
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "non_standard", "value": {"type": "hologram", "data": "AA=="}},
    ],
    ids=["unknown", "an image", "non_standard"],
)
@pytest.mark.parametrize("metadata", [{}, {"model_provider": "stepfun"}, {"output_version": "v1"}], ids=str)
async def test_a_block_that_nobody_answers_for_is_named_with_what_is_possible(ask, wire, block, metadata) -> None:
    message = AIMessage([block], response_metadata=metadata)
    kind = block.get("value", block)["type"]

    with pytest.raises(InvalidParameterError, match=rf"no '{kind}' block in an assistant message .* possible are text"):
        await ask(wire.chat(), [HumanMessage("Hi"), message, HumanMessage("And?")])
    assert wire.sent == []


def test_a_part_of_stepfuns_own_that_langchain_wrapped_is_unwrapped(wire) -> None:
    part = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
    message = HumanMessage([part])

    wire.chat().invoke([HumanMessage(content_blocks=message.content_blocks)])

    assert message.content_blocks[0]["type"] == "non_standard"
    assert wire.messages[0]["content"] == [part]


def test_a_spoken_answer_of_v1_blocks_goes_back_as_its_words(wire) -> None:
    spoken = {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav", "extras": {"transcript": "Hello!"}}

    wire.chat().invoke([AIMessage([spoken], response_metadata={"output_version": "v1"}), HumanMessage("And?")])

    assert wire.messages[0] == assistant("Hello!")


async def test_a_tool_loop_from_v3_events(wire) -> None:
    wire.answer = ANSWERS["parallel tool calls"]
    model = wire.chat()
    asked = await (await model.astream_events("Hi", version="v3"))

    model.invoke(
        [HumanMessage("Hi"), asked, ToolMessage("1", tool_call_id="call_0"), ToolMessage("2", tool_call_id="call_1")]
    )

    assert [message["role"] for message in wire.messages] == ["user", "assistant", "tool", "tool"]
    assert wire.messages[1]["tool_calls"] == [CALL, NOW]
