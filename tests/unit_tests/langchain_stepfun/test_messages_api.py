"""ChatStepFun over the Messages API: what works on chat works there, and what has no place there is named."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, ValidationError

import stepfun_client as stepfun
from demo.picture import BLUE, GREEN, RED, bar_chart
from langchain_stepfun import ChatStepFun, audio_block, image_block, video_block
from langchain_stepfun.errors import AnswerCutError, ChatBadRequestError, ChatInvalidParameterError
from tests.unit_tests.langchain_stepfun.conftest import QUESTION, STREAMED, V3, WHOLE, added

CHART = bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160)
BOTH = pytest.mark.parametrize("api", ["chat", "messages"])
WAYS = {**WHOLE, **STREAMED, **V3}


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def read_city(city: str) -> str:
    """Read the weather in a city."""
    return f"It is sunny in {city}."


class Product(BaseModel):
    """A product of two numbers."""

    a: int
    b: int


# --- The same over both ----------------------------------------------------------------------------------------------


@BOTH
async def test_every_way_of_asking_gives_the_same_answer(ask_or_watch, chat, api) -> None:
    reply = await ask_or_watch(chat(api=api, reasoning_effort="low"), QUESTION)

    assert isinstance(reply, AIMessage)
    assert reply.text == "6 * 7 = 42"
    assert [block["type"] for block in reply.content_blocks] == ["reasoning", "text"]
    usage = reply.usage_metadata
    assert usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"] > usage["output_tokens"] > 0
    told = reply.response_metadata
    assert (told["model_provider"], told["model_name"], told["finish_reason"]) == ("stepfun", "step-3.7-flash", "stop")
    assert len(told["trace_id"]) == 32
    assert told["trace_id"] in told["id"]


@BOTH
async def test_batches(ask, chat, api) -> None:
    assert "42" in (await ask(chat(api=api), QUESTION)).text


@BOTH
async def test_a_stream_says_names_and_usage_once(chunks, chat, api) -> None:
    parts = await chunks(chat(api=api, reasoning_effort="low", include_response_headers=True), QUESTION)

    for name in ("model_name", "finish_reason", "id", "trace_id", "headers"):
        assert [name in part.response_metadata for part in parts].count(True) == 1
    assert [part.usage_metadata is not None for part in parts].count(True) == 1
    assert len([part for part in parts if part.text]) > 1
    assert parts[-1].chunk_position == "last"


@BOTH
async def test_events_tell_each_block_from_its_start_to_its_finish(watch, chat, api) -> None:
    events = await watch(chat(api=api, reasoning_effort="low"), QUESTION)

    told = [(event["event"], event.get("content", {}).get("type")) for event in events if "delta" not in event["event"]]
    assert told == [
        ("message-start", None),
        ("content-block-start", "reasoning"),
        ("content-block-finish", "reasoning"),
        ("content-block-start", "text"),
        ("content-block-finish", "text"),
        ("message-finish", None),
    ]


@BOTH
@pytest.mark.parametrize("way", WAYS)
async def test_parallel_tool_calls_and_their_answers(chat, api, way) -> None:
    model = chat(api=api, reasoning_effort="low").bind_tools([multiply, read_city])
    question = HumanMessage("Multiply 6 and 7, and read the weather in Beijing")

    asked = await WAYS[way](model, [SystemMessage("Be brief."), question])
    results = [ToolMessage(f"result {number}", tool_call_id=call["id"]) for number, call in enumerate(asked.tool_calls)]
    answer = await WAYS[way](model, [SystemMessage("Be brief."), question, asked, *results])

    assert [(call["name"], call["args"]) for call in asked.tool_calls] == [
        ("multiply", {"a": 6, "b": 7}),
        ("read_city", {"city": "Beijing"}),
    ]
    assert asked.response_metadata["finish_reason"] == "tool_calls"
    assert "result 0" in answer.text
    assert answer.response_metadata["finish_reason"] == "stop"


@BOTH
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
async def test_an_agent(chat, api, streaming) -> None:
    agent = create_agent(chat(api=api, streaming=streaming), [multiply], system_prompt="Be brief.")
    asked = {"messages": [HumanMessage("Multiply 6 and 7")]}

    for state in (agent.invoke(asked), await agent.ainvoke(asked)):
        assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]
        assert "42" in state["messages"][-1].text


@BOTH
@pytest.mark.parametrize("choice", ["auto", "none", "any", "multiply", True])
def test_tool_choices(chat, api, choice) -> None:
    model = chat(api=api).bind_tools([multiply], tool_choice=choice)

    assert bool(model.invoke("Multiply 6 and 7").tool_calls) is (choice != "none")


@BOTH
def test_any_of_two_tools(chat, api) -> None:
    model = chat(api=api).bind_tools([multiply, read_city], tool_choice="any")

    assert model.invoke("Hello").tool_calls


@BOTH
async def test_pictures(ask_or_watch, chat, api) -> None:
    question = [image_block(CHART), "Which colour has the tallest bar? Answer with one word."]

    assert "blue" in (await ask_or_watch(chat(api=api), [HumanMessage(question)])).text.lower()


@BOTH
async def test_a_picture_that_a_tool_returned(ask_whole, chat, api) -> None:
    call = {"name": "draw", "args": {}, "id": "call_1"}
    messages = [
        HumanMessage("Draw a chart. Which colour has the tallest bar? Answer with one word."),
        AIMessage("", tool_calls=[call]),
        ToolMessage([image_block(CHART)], tool_call_id="call_1"),
    ]

    assert "blue" in (await ask_whole(chat(api=api), messages)).text.lower()


@BOTH
@pytest.mark.parametrize("model", ["step-3.7-flash", "step-3.5-flash"])
async def test_structured_output(chat, api, model) -> None:
    asked = chat(api=api, model=model).with_structured_output(Product)

    assert asked.invoke("Multiply 6 and 7") == await asked.ainvoke("Multiply 6 and 7") == Product(a=6, b=7)
    assert [*asked.stream("Multiply 6 and 7")][-1] == Product(a=6, b=7)


@BOTH
def test_an_agent_with_structured_output(chat, api) -> None:
    agent = create_agent(chat(api=api, model="step-3.5-flash"), response_format=Product)

    state = agent.invoke({"messages": [HumanMessage("Multiply 6 and 7")]})

    assert state["structured_response"] == Product(a=6, b=7)


@BOTH
def test_structured_output_that_was_cut(chat, api) -> None:
    with pytest.raises(AnswerCutError), pytest.warns(UserWarning, match="raise max_tokens"):
        chat(api=api, max_tokens=2, reasoning_effort="low").with_structured_output(Product).invoke("Multiply 6 and 7")


@BOTH
async def test_usage_is_counted_once(ask_or_watch, chat, api) -> None:
    counted = UsageMetadataCallbackHandler()

    reply = await ask_or_watch(chat(api=api), QUESTION, config={"callbacks": [counted]})

    assert counted.usage_metadata["step-3.7-flash"]["total_tokens"] == reply.usage_metadata["total_tokens"]


@BOTH
async def test_stop_ends_an_answer(ask, chat, api) -> None:
    for model, given in ((chat(api=api), {"stop": ["42"]}), (chat(api=api, stop="42"), {})):
        reply = await ask(model, QUESTION, **given)
        assert "42" not in reply.text
        assert reply.response_metadata["finish_reason"] == "stop"


@BOTH
async def test_a_reply_that_max_tokens_ended_says_so(ask, chat, api) -> None:
    with pytest.warns(UserWarning, match="raise max_tokens"):
        reply = await ask(chat(api=api, max_tokens=3, reasoning_effort="low"), QUESTION)

    assert (reply.response_metadata["finish_reason"], reply.usage_metadata["output_tokens"]) == ("length", 3)


CUT, GARBLED, FAILED = stepfun.StreamInterruptedError, stepfun.APIResponseError, stepfun.ServerError
FAULTS: dict[str, tuple[type[Exception] | None, type[Exception] | None]] = {  # whole, streamed
    "rate-limit": (stepfun.RateLimitError, stepfun.RateLimitError),
    "overloaded": (FAILED, FAILED),
    "html-error": (FAILED, FAILED),
    "drop-connection": (stepfun.APIConnectionError, stepfun.APIConnectionError),
    "cut-stream": (stepfun.APIConnectionError, CUT),
    "cut-connection": (stepfun.APIConnectionError, CUT),
    "cut-before-first": (stepfun.APIConnectionError, CUT),
    "garbage": (GARBLED, GARBLED),
    "error-in-stream": (FAILED, FAILED),
    "no-done": (None, None),
    "one-byte": (None, None),
    "odd-chunks": (None, None),
    "crlf": (None, None),
    "stop-reason-on-top": (None, None),
}


@BOTH
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_a_typed_error_or_the_whole_answer(chat, api, fault, way) -> None:
    error = FAULTS[fault][way not in WHOLE]
    model = chat(api=api, default_headers={"x-emulator-fault": fault})

    if error is None:
        reply = await WAYS[way](model, QUESTION)
        assert (reply.text, reply.response_metadata["finish_reason"]) == ("6 * 7 = 42", "stop")
    else:
        with pytest.raises(error):
            await WAYS[way](model, QUESTION)


@BOTH
async def test_leaving_a_stream_gives_its_place_back(chat, api) -> None:
    model = chat(api=api, concurrency_limit=1)

    for _ in range(2):
        stream = model.stream(QUESTION)
        next(stream)
        stream.close()
    assert "42" in model.invoke(QUESTION).text


# --- What goes over the wire -----------------------------------------------------------------------------------------

BODY = {
    "id": "msg_1",
    "model": "step-3.7-flash",
    "content": [{"type": "thinking", "thinking": "6 * 7"}, {"type": "text", "text": "42"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "cache_read_input_tokens": 256, "output_tokens": 1},
}


@pytest.fixture
def answering(wire: Any) -> Any:
    """A wire of one canned reply of the Messages API."""
    wire.reply = lambda: httpx.Response(200, json=BODY)
    return wire


def test_the_whole_request(answering) -> None:
    model = answering.chat(
        api="messages",
        temperature=0.5,
        top_p=0.9,
        max_tokens=99,
        stop=["a"],
        reasoning_effort="low",
        model_kwargs={"top_k": 7},
    )
    asked = AIMessage(
        "I add.",
        tool_calls=[{"name": "multiply", "args": {"a": 6, "b": 7}, "id": "call_1"}],
        additional_kwargs={"reasoning_content": "hm"},
    )
    picture = image_block("https://example.com/cat.jpg")

    model.bind_tools([multiply], tool_choice="any").invoke(
        [SystemMessage("Be brief."), HumanMessage([picture, "Go"]), asked, ToolMessage("42", tool_call_id="call_1")]
    )

    assert answering.sent[-1].url.path == "/v1/messages"
    assert answering.body == {
        "model": "step-3.7-flash",
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}},
                    {"type": "text", "text": "Go"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I add."},
                    {"type": "tool_use", "id": "call_1", "name": "multiply", "input": {"a": 6, "b": 7}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "42"}]},
        ],
        "tools": [
            {
                "name": "multiply",
                "description": "Multiply two numbers.",
                "input_schema": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                    "required": ["a", "b"],
                },
            }
        ],
        "tool_choice": {"type": "tool", "name": "multiply"},
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "max_tokens": 99,
        "stop_sequences": ["a"],
        "output_config": {"effort": "low"},
    }


@pytest.mark.parametrize(("model", "limit"), [("step-3.7-flash", 32_768), ("step-1-8k", 4_000)])
async def test_max_tokens_has_a_default(ask_whole, answering, model, limit) -> None:
    await ask_whole(answering.chat(api="messages", model=model), QUESTION)

    assert answering.body["max_tokens"] == limit


async def test_a_whole_reply(ask_whole, answering) -> None:
    reply = await ask_whole(answering.chat(api="messages"), QUESTION)

    assert (reply.text, reply.additional_kwargs) == ("42", {"reasoning_content": "6 * 7"})
    assert reply.usage_metadata == {
        "input_tokens": 261,
        "output_tokens": 1,
        "total_tokens": 262,
        "input_token_details": {"cache_read": 256},
    }


def test_the_plans_path_and_its_router(answering) -> None:
    model = answering.chat(api="messages", model="step-router-v1", plan=True, reasoning_effort="low")

    with pytest.warns(UserWarning, match="ignores the effort"):
        model.invoke(QUESTION)
    assert answering.sent[-1].url.path == "/step_plan/v1/messages"
    with pytest.raises(ChatInvalidParameterError, match="served on Step Plan only"):
        answering.chat(api="messages", model="step-router-v1").invoke(QUESTION)


async def test_tool_arguments_that_were_cut_make_no_call(chunks, wire) -> None:
    block = {"type": "tool_use", "id": "call_1", "name": "write", "input": {}}
    events = [
        {"type": "message_start", "message": {"id": "1", "model": "m", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a": "De'}},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    wire.reply = lambda: httpx.Response(200, content=b"".join(b"data: %b\n\n" % json.dumps(e).encode() for e in events))

    reply = added(await chunks(wire.chat(api="messages"), QUESTION))

    assert (reply.tool_calls, [call["name"] for call in reply.invalid_tool_calls]) == ([], ["write"])


# --- What has no place there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"n": 2},
        {"frequency_penalty": 0.5},
        {"reasoning_format": "general"},
        {"modalities": ["text"]},
        {"audio": {"voice": "a"}},
        {"upload_above": 0},
        {"model_kwargs": {"response_format": {"type": "json_object"}}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_model_is_not_made_with_it(given) -> None:
    (name,) = given.get("model_kwargs", given)

    with pytest.raises(ValidationError, match=f"no {name}"):
        ChatStepFun(api="messages", **given)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"n": 2}, "n"),
        ({"tools": [{"type": "web_search", "function": {"description": "a"}}]}, "tools"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"temprature": 1}, "temprature"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_a_call_with_it_is_not_sent(ask_or_watch, wire, given, param) -> None:
    with pytest.raises(ChatInvalidParameterError) as caught:
        await ask_or_watch(wire.chat(api="messages"), QUESTION, **given)

    assert caught.value.param == param
    assert wire.sent == []


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (lambda: video_block("https://example.com/a.mp4"), "no 'video_url' part, only text and pictures"),
        (lambda: audio_block("data:audio/mpeg;base64,SUQzBAAAAAAAAA=="), "no 'input_audio' part"),
        (lambda: image_block("stepfile://file-1"), "not as an uploaded file"),
        (lambda: image_block(CHART, detail="high"), "no detail"),
    ],
    ids=["video", "sound", "file", "detail"],
)
def test_a_block_without_a_place(wire, block, words) -> None:
    with pytest.raises(ChatInvalidParameterError, match=words):
        wire.chat(api="messages").invoke([HumanMessage([block(), "What is it?"])])
    assert wire.sent == []


def test_strict_tools(wire) -> None:
    with pytest.raises(ChatInvalidParameterError, match="no strict for the tool 'multiply'"):
        wire.chat(api="messages").bind_tools([multiply], strict=True).invoke(QUESTION)


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_structured_output_is_asked_for_by_function_calling(chat, method) -> None:
    with pytest.warns(UserWarning, match=f"so {method} is asked for by function_calling"):
        asked = chat(api="messages").with_structured_output(Product, method=method)

    assert asked.invoke("Multiply 6 and 7") == Product(a=6, b=7)


def test_a_method_that_is_none(chat) -> None:
    with pytest.raises(ChatInvalidParameterError, match="it must be one of"):
        chat(api="messages").with_structured_output(Product, method="guessing")


@pytest.mark.parametrize("way", WAYS)
async def test_a_model_that_takes_only_messages_says_so(chat, way) -> None:
    with pytest.raises(
        ChatBadRequestError, match='use the Messages API -> make the model with api="messages"'
    ) as caught:
        await WAYS[way](chat(model="emulator-messages-only"), QUESTION)

    assert 'ChatStepFun(model=..., api="messages")' in caught.value.hint
    assert (await WAYS[way](chat(model="emulator-messages-only", api="messages"), QUESTION)).text


# --- The object ------------------------------------------------------------------------------------------------------


def test_an_api_that_is_none() -> None:
    with pytest.raises(ValidationError, match="'chat' or 'messages'"):
        ChatStepFun(api="responses")


def test_the_api_is_chosen_when_a_model_is_made() -> None:
    with pytest.raises(ValidationError, match="Field is frozen"):
        ChatStepFun().api = "messages"


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda model: model.model_copy(),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_speaks_the_same(chat, emulator, monkeypatch, how) -> None:
    monkeypatch.setenv("STEP_API_KEY", "any")
    again = COPIES[how](chat(api="messages"))

    assert "42" in again.invoke(QUESTION).text
    assert emulator.requests[-1].path == "/v1/messages"
    again.client.close()


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_dumps_and_loads(monkeypatch) -> None:
    monkeypatch.setenv("STEP_API_KEY", "any")

    again = loads(
        dumps(ChatStepFun(api="messages")),
        secrets_from_env=True,
        valid_namespaces=["langchain_stepfun"],
        allowed_objects=[ChatStepFun],
    )

    assert again.api == "messages"
    assert again._identifying_params == {"model": "step-3.7-flash", "api": "messages"}


def test_a_profile_says_what_is_left(chat) -> None:
    profile = ChatStepFun(api="messages", model="step-3.5-flash").profile
    vision = ChatStepFun(api="messages").profile

    assert (profile["structured_output"], profile["tool_calling"]) == (False, True)
    assert (vision["image_inputs"], vision["video_inputs"]) == (True, False)
    assert not ChatStepFun(api="messages", model="of-tomorrow").profile
    assert ChatStepFun(api="messages", profile={"max_input_tokens": 5}).profile == {"max_input_tokens": 5}


def test_a_copy_that_speaks_another_api(chat, emulator) -> None:
    model = chat(model="step-3.5-flash")

    other = model.model_copy(update={"api": "messages"})

    assert "42" in other.invoke(QUESTION).text
    assert emulator.requests[-1].path == "/v1/messages"
    assert (model.profile["structured_output"], other.profile["structured_output"]) == (True, False)
    assert other.model_copy(update={"api": "chat"}).profile == model.profile
    with pytest.raises(ChatInvalidParameterError, match="no n"):
        chat(n=2).model_copy(update={"api": "messages"})
    other.client.close()


def test_the_service_counts_a_conversation_with_its_tools(emulator, chat) -> None:
    conversation = [SystemMessage("Be brief."), HumanMessage("Multiply 6 and 7")]
    model = chat(api="messages")

    counted = model.get_num_tokens_from_messages(conversation, tools=[multiply])

    assert emulator.requests[-1].path == "/v1/messages/count_tokens"
    assert counted == model.bind_tools([multiply]).invoke(conversation).usage_metadata["input_tokens"]
    assert counted > model.get_num_tokens_from_messages(conversation)


def test_offline_the_tokens_are_estimated_with_a_warning(chat) -> None:
    offline = chat(api="messages", base_url="http://127.0.0.1:1/v1")

    with pytest.warns(UserWarning, match="the tokens are estimated"):
        counted = offline.get_num_tokens_from_messages([HumanMessage("Hi")], tools=[multiply])

    assert 40 < counted < 150


def test_who_speaks_chat_loads_no_other_api() -> None:
    script = "import langchain_stepfun as l, sys; l.ChatStepFun(api_key='any'); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in loaded if name.startswith("stepfun_client.api.messages")] == []
    assert "langchain_stepfun.protocols.messages" not in loaded
