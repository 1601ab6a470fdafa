"""Tools: every form that `bind_tools` takes, every tool choice, the loop, and the tools StepFun runs by itself."""

from __future__ import annotations

import base64
from typing import TypedDict

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool, tool
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1

import stepfun_emulator
from demo.picture import BLUE, GREEN, RED, bar_chart
from langchain_stepfun.errors import ChatInvalidParameterError
from stepfun_client import InvalidParameterError
from tests.unit_tests.langchain_stepfun.conftest import CHUNKS, STREAMED, WHOLE


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


class Multiply(BaseModel):
    """Multiply two numbers."""

    a: int = Field(description="the first")
    b: int = Field(description="the second")


class MultiplyDict(TypedDict):
    """Multiply two numbers."""

    a: int
    b: int


class MultiplyV1(BaseModelV1):
    """Multiply two numbers."""

    a: int
    b: int


MULTIPLIES = RunnableLambda(lambda numbers: numbers["a"] * numbers["b"])


@tool
def read_city(city: str) -> str:
    """Read the weather of a city."""
    return f"rain in {city}"


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
FUNCTION = {"name": "multiply", "description": "Multiply two numbers.", "parameters": SCHEMA}
WEB_SEARCH = {"type": "web_search"}
RETRIEVAL = {"type": "retrieval", "function": {"name": "docs", "options": {"vector_store_id": "v"}}}
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


# --- What is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (multiply, "multiply"),
        (Multiply, "Multiply"),
        (MultiplyDict, "MultiplyDict"),
        (StructuredTool.from_function(multiply), "multiply"),
        (MultiplyV1, "MultiplyV1"),
        (MULTIPLIES.as_tool(Multiply, name="multiply", description="Multiply two numbers."), "multiply"),
        (FUNCTION, "multiply"),
        ({"name": "multiply", "description": "Multiply two numbers.", "input_schema": SCHEMA}, "multiply"),
        ({"type": "function", "function": FUNCTION}, "multiply"),
        ({"title": "multiply", "description": "Multiply two numbers.", **SCHEMA}, "multiply"),
    ],
    ids=[
        *("function", "pydantic", "TypedDict", "BaseTool", "pydantic v1", "runnable", "function dict"),
        *("Anthropic's", "wire", "JSON schema"),
    ],
)
async def test_every_form_of_a_tool_is_the_same_on_the_wire(ask_whole, wire, given, name) -> None:
    await ask_whole(wire.chat().bind_tools([given]), "Hi")

    (sent,) = wire.body["tools"]
    assert sent["type"] == "function"
    assert sent["function"]["name"] == name
    assert sent["function"]["description"] == "Multiply two numbers."
    parameters = sent["function"]["parameters"]
    assert parameters["type"] == "object"
    assert parameters["required"] == ["a", "b"]
    assert {key: value["type"] for key, value in parameters["properties"].items()} == {"a": "integer", "b": "integer"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (WEB_SEARCH, {**WEB_SEARCH, "function": {"description": "Search the web for current information."}}),
        ({**WEB_SEARCH, "function": {"description": "News"}}, {**WEB_SEARCH, "function": {"description": "News"}}),
        (RETRIEVAL, RETRIEVAL),
    ],
    ids=["web_search", "web_search described", "retrieval"],
)
def test_tools_that_stepfun_runs_are_bound_beside_ones_own(wire, given, sent) -> None:
    wire.chat().bind_tools([given, multiply]).invoke("Hi")

    assert wire.body["tools"][0] == sent
    assert wire.body["tools"][1]["function"]["name"] == "multiply"


def by_name(name: str) -> dict:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("choice", "tools", "sent"),
    [
        (None, [multiply], None),
        (False, [multiply], None),
        ("auto", [multiply], "auto"),
        ("none", [multiply], "none"),
        ("multiply", [multiply, ADD], by_name("multiply")),
        (by_name("add"), [multiply, ADD], by_name("add")),
        (True, [multiply], by_name("multiply")),
        ("any", [multiply], by_name("multiply")),
        ("required", [multiply, WEB_SEARCH], by_name("multiply")),
        ("any", [multiply, ADD], "required"),
        (True, [multiply, ADD], "required"),
    ],
    ids=[
        "none given",
        "False",
        "auto",
        "none",
        "name",
        "object",
        "True",
        "any",
        "required beside a search",
        "any of two",
        "True of two",
    ],
)
async def test_every_form_of_a_tool_choice(ask_whole, wire, choice, tools, sent) -> None:
    await ask_whole(wire.chat().bind_tools(tools, tool_choice=choice), "Hi")

    assert wire.body.get("tool_choice") == sent


def test_a_choice_of_no_bound_tool_is_refused_with_their_names(wire) -> None:
    with pytest.raises(
        ChatInvalidParameterError, match=r"'divide', which is none of the bound tools \(multiply, add\)"
    ):
        wire.chat().bind_tools([multiply, ADD], tool_choice="divide")


def test_what_else_bind_tools_takes_is_sent(wire) -> None:
    wire.chat().bind_tools([multiply, WEB_SEARCH], strict=True, parallel_tool_calls=False, temperature=0).invoke("Hi")

    assert wire.body["tools"][0]["function"]["strict"] is True
    assert "strict" not in wire.body["tools"][1]["function"]  # it is no function's schema
    assert wire.body["parallel_tool_calls"] is False
    assert wire.body["temperature"] == 0


def test_what_is_not_said_is_not_sent(wire) -> None:
    wire.chat().bind_tools([multiply]).invoke("Hi")
    assert set(wire.body) == {"model", "messages", "tools"}
    assert "strict" not in wire.body["tools"][0]["function"]

    wire.chat().bind_tools([]).invoke("Hi")
    assert set(wire.body) == {"model", "messages"}


def test_strict_works_where_undocumented_parameters_are_ignored_as_stepfun_does(chat) -> None:
    with stepfun_emulator.serving(lenient=True) as lenient:
        model = chat(base_url=lenient.base_url).bind_tools([multiply], strict=True, parallel_tool_calls=False)

        assert model.invoke("Multiply 6 and 7").tool_calls[0]["args"] == {"a": 6, "b": 7}
        assert lenient.requests[-1].body["tools"][0]["function"]["strict"] is True


def test_tools_of_every_form_are_bound_together(wire) -> None:
    wire.chat().bind_tools([multiply, WEB_SEARCH, Multiply, RETRIEVAL, read_city, ADD]).invoke("Hi")

    assert [tool["type"] for tool in wire.body["tools"]] == [
        "function",
        "web_search",
        "function",
        "retrieval",
        "function",
        "function",
    ]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"type": "function", "function": {"name": "no blanks"}}, "tool name 'no blanks' is refused"),
        ({"type": "function", "function": {"name": "1st"}}, "must begin with a letter or _"),
        ({"type": "function", "function": {"name": "a" * 65}}, "at most 64"),
        ({"type": "function", "function": {"name": "天气"}}, "letters, digits, _ and -"),
        ({"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}, "wants an object schema"),
    ],
    ids=["blanks", "digit first", "too long", "Chinese", "schema"],
)
async def test_a_tool_that_stepfun_refuses_is_refused_before_it_is_sent(ask, wire, given, why) -> None:
    with pytest.raises(InvalidParameterError, match=why):
        await ask(wire.chat().bind_tools([given]), "Hi")
    assert wire.sent == []


# --- What comes back -------------------------------------------------------------------------------------------------


async def test_a_tool_call(ask, chat) -> None:
    reply = await ask(chat().bind_tools([multiply]), "Multiply 6 and 7")

    (call,) = reply.tool_calls
    assert (call["name"], call["args"]) == ("multiply", {"a": 6, "b": 7})
    assert call["id"].startswith("call_")
    assert reply.invalid_tool_calls == []
    assert reply.response_metadata["finish_reason"] == "tool_calls"


async def test_several_tool_calls_at_once(ask, chat) -> None:
    model = chat().bind_tools([multiply, read_city])

    reply = await ask(model, "Multiply 6 and 7, and read the weather in Beijing")

    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [
        ("multiply", {"a": 6, "b": 7}),
        ("read_city", {"city": "Beijing"}),
    ]
    assert len({call["id"] for call in reply.tool_calls}) == 2


async def test_a_forced_tool(ask, chat) -> None:
    reply = await ask(chat().bind_tools([multiply, read_city], tool_choice="multiply"), "Hello, 3 and 4")

    assert [call["name"] for call in reply.tool_calls] == ["multiply"]


@pytest.mark.parametrize("fault", ["none", "tool-whole", "tool-no-index", "tool-repeated-id", "one-byte", "odd-chunks"])
@pytest.mark.parametrize("way", [*WHOLE, *STREAMED])
async def test_tool_calls_are_the_same_however_they_are_cut(chat, way, fault) -> None:
    model = chat(default_headers={"x-emulator-fault": fault}).bind_tools([multiply, read_city])

    reply = await {**WHOLE, **STREAMED}[way](model, "Multiply 6 and 7, and read the weather in Beijing")

    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [
        ("multiply", {"a": 6, "b": 7}),
        ("read_city", {"city": "Beijing"}),
    ]


async def test_a_tool_call_arrives_in_pieces(chunks, chat) -> None:
    parts = await chunks(chat().bind_tools([multiply]), "Multiply 6 and 7")

    pieces = [piece for part in parts for piece in part.tool_call_chunks]
    assert len(pieces) > 2
    assert [piece["name"] for piece in pieces if piece["name"]] == ["multiply"]
    assert "".join(piece["args"] or "" for piece in pieces).replace(" ", "") == '{"a":6,"b":7}'
    assert {piece["index"] for piece in pieces} == {0}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [('{"a": 6,', "Expecting property name"), ("[1]", "the arguments are no object")],
    ids=["broken", "no object"],
)
async def test_arguments_that_cannot_be_read_are_an_invalid_call_not_an_error(
    ask_whole, wire, arguments, error
) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "multiply", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    wire.reply = lambda: httpx.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}]})

    reply = await ask_whole(wire.chat(), "Hi")

    assert reply.tool_calls == []
    (invalid,) = reply.invalid_tool_calls
    assert (invalid["name"], invalid["args"], invalid["id"]) == ("multiply", arguments, "call_1")
    assert error in invalid["error"]


async def test_a_call_without_arguments_is_one_with_none(ask_whole, wire) -> None:
    call = {"id": "call_1", "function": {"name": "now", "arguments": ""}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    wire.reply = lambda: httpx.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}]})

    reply = await ask_whole(wire.chat(), "Hi")

    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [("now", {})]


# --- The loop --------------------------------------------------------------------------------------------------------

THOUGHT = AIMessage(
    "",
    additional_kwargs={"reasoning_content": "I must multiply."},
    tool_calls=[{"name": "multiply", "args": {"a": 6, "b": 7}, "id": "call_1"}],
)
THOUGHT_V1 = AIMessage(
    [{"type": "reasoning", "reasoning": "I must multiply."}],
    tool_calls=[{"name": "multiply", "args": {"a": 6, "b": 7}, "id": "call_1"}],
)
ANSWERED = ToolMessage("42", tool_call_id="call_1")


@pytest.mark.parametrize("thought", [THOUGHT, THOUGHT_V1], ids=["v0", "v1 blocks"])
async def test_reasoning_goes_back_together_with_its_tool_calls(ask_whole, wire, thought) -> None:
    await ask_whole(wire.chat(), [HumanMessage("Multiply 6 and 7"), thought, ANSWERED])

    assert wire.messages[1]["reasoning_content"] == "I must multiply."
    assert "reasoning_content" not in wire.messages[0]


def test_reasoning_stays_here_where_it_is_told_to_and_beside_a_plain_answer(wire) -> None:
    wire.chat(send_reasoning=False).invoke([HumanMessage("Multiply"), THOUGHT, ANSWERED])
    assert "reasoning_content" not in wire.messages[1]

    plain = AIMessage("42", additional_kwargs={"reasoning_content": "Easy."})
    wire.chat().invoke([HumanMessage("Multiply"), plain, HumanMessage("Again")])
    assert wire.messages[1] == {"role": "assistant", "content": "42"}


async def test_an_answer_from_a_tools_result(ask, chat) -> None:
    reply = await ask(chat().bind_tools([multiply]), [HumanMessage("Multiply 6 and 7"), THOUGHT, ANSWERED])

    assert reply.tool_calls == []
    assert "42" in reply.text


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_an_agent_finishes(chat, way) -> None:
    agent = create_agent(chat(reasoning_effort="low"), tools=[multiply, read_city])
    asked = {"messages": [HumanMessage("Multiply 6 and 7, and read the weather in Beijing")]}

    match way:
        case "invoke":
            messages = agent.invoke(asked)["messages"]
        case "ainvoke":
            messages = (await agent.ainvoke(asked))["messages"]
        case "stream":
            messages = [*agent.stream(asked, stream_mode="values")][-1]["messages"]
        case "astream":
            messages = [state async for state in agent.astream(asked, stream_mode="values")][-1]["messages"]

    assert [message.type for message in messages] == ["human", "ai", "tool", "tool", "ai"]
    assert {message.text for message in messages if message.type == "tool"} == {"42", "rain in Beijing"}
    assert "42" in messages[-1].text
    assert "rain" in messages[-1].text


# --- Tools that StepFun runs -----------------------------------------------------------------------------------------


async def test_a_web_search_is_neither_to_be_run_nor_to_be_answered(ask, chat) -> None:
    reply = await ask(chat().bind_tools([WEB_SEARCH]), "Search the web for StepFun news")

    assert reply.tool_calls == []
    assert reply.invalid_tool_calls == []
    assert reply.response_metadata["finish_reason"] == "stop"
    (search,) = reply.additional_kwargs["server_tool_calls"]
    assert search["function"]["name"] == "step_websearch"
    assert {"url", "title", "summary"} <= set(search["results"][0])
    assert reply.usage_metadata["output_tokens"] > 0


@pytest.mark.parametrize("way", list(CHUNKS))
async def test_an_agent_with_a_web_search_ends_with_its_answer(chat, way) -> None:
    agent = create_agent(chat(streaming=way == "stream"), tools=[WEB_SEARCH, multiply])

    messages = agent.invoke({"messages": [HumanMessage("Search the web for StepFun news")]})["messages"]

    assert [message.type for message in messages] == ["human", "ai"]
    assert "StepFun news" in messages[-1].text


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_an_agent_searches_by_stepfun_and_calls_its_own_tool(chat, way) -> None:
    agent = create_agent(chat(), tools=[WEB_SEARCH, multiply])
    asked = {"messages": [HumanMessage("Multiply 6 and 7, then search the web for StepFun news")]}

    messages = (await WHOLE[way](agent, asked, config={"recursion_limit": 8}))["messages"]

    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"]
    assert messages[2].text == "42"
    assert [call["name"] for message in messages if message.type == "ai" for call in message.tool_calls] == ["multiply"]


async def test_an_agents_v3_events_are_of_its_turns(chat) -> None:
    agent = create_agent(chat(), tools=[multiply])

    state = [
        state async for state in agent.astream({"messages": [HumanMessage("Multiply 6 and 7")]}, stream_mode="values")
    ]

    assert [message.type for message in state[-1]["messages"]] == ["human", "ai", "tool", "ai"]


# --- Pictures that tools return --------------------------------------------------------------------------------------

CHART = base64.b64encode(bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160)).decode()


@tool
def draw_chart(title: str) -> list:
    """Draw a chart."""
    return [{"type": "text", "text": title}, {"type": "image", "base64": CHART, "mime_type": "image/png"}]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_an_agent_sees_the_picture_its_tool_drew(emulator, chat, way) -> None:
    agent = create_agent(chat(), tools=[draw_chart])
    asked = {"messages": [HumanMessage('Draw the chart "Sales". Which bar is the tallest?')]}

    messages = (await WHOLE[way](agent, asked))["messages"]

    assert [message["role"] for message in emulator.requests[-1].body["messages"]] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]
    assert "blue" in messages[-1].text.lower()


async def test_pictures_of_parallel_calls_come_in_an_order_the_service_accepts(ask, chat) -> None:
    picture = {"type": "image", "base64": CHART, "mime_type": "image/png"}
    calls = [{"name": "draw_chart", "args": {"title": name}, "id": f"call_{name}"} for name in "ab"]
    conversation = [
        HumanMessage("Which bar is the tallest?"),
        AIMessage("", tool_calls=calls),
        ToolMessage([picture], tool_call_id="call_a"),
        ToolMessage([{"type": "text", "text": "drawn"}, picture], tool_call_id="call_b"),
    ]

    assert "blue" in (await ask(chat(), conversation)).text.lower()
