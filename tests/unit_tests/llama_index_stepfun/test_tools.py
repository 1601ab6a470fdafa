"""Tools: what is offered, how a call is forced, what core's methods for tools do with the calls."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, Field

from stepfun_client import APIResponseError, InvalidParameterError
from tests.unit_tests.llama_index_stepfun.conftest import QUESTION, call, reply


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"{city}: sunny"


class Order(BaseModel):
    """What to buy."""

    item: str = Field(description="Its name.")
    count: int = 1


def buy(item: str, count: int = 1) -> str:
    return f"bought {count} {item}"


MULTIPLY, WEATHER = FunctionTool.from_defaults(multiply), FunctionTool.from_defaults(get_weather)
BUY = FunctionTool.from_defaults(buy, name="buy", description="Buy something.", fn_schema=Order)
SEARCH = {"type": "web_search", "function": {"description": "Search the web for current information."}}
RETRIEVAL = {"type": "retrieval", "function": {"name": "notes", "options": {"vector_store_id": "1"}}}


async def _with_tools(llm: Any, tools: Any, asked: Any = None, **kwargs: Any) -> ChatResponse:
    return llm.chat_with_tools(tools, asked, **kwargs)


async def _awith_tools(llm: Any, tools: Any, asked: Any = None, **kwargs: Any) -> ChatResponse:
    return await llm.achat_with_tools(tools, asked, **kwargs)


async def _stream_with_tools(llm: Any, tools: Any, asked: Any = None, **kwargs: Any) -> ChatResponse:
    return list(llm.stream_chat_with_tools(tools, asked, **kwargs))[-1]


async def _astream_with_tools(llm: Any, tools: Any, asked: Any = None, **kwargs: Any) -> ChatResponse:
    return [response async for response in await llm.astream_chat_with_tools(tools, asked, **kwargs)][-1]


@pytest.fixture(params=[_with_tools, _awith_tools, _stream_with_tools, _astream_with_tools])
def with_tools(request: pytest.FixtureRequest) -> Any:
    """Every way to ask with tools."""
    return request.param


async def _predict_and_call(llm: Any, *args: Any, **kwargs: Any) -> Any:
    return llm.predict_and_call(*args, **kwargs)


async def _apredict_and_call(llm: Any, *args: Any, **kwargs: Any) -> Any:
    return await llm.apredict_and_call(*args, **kwargs)


@pytest.fixture(params=[_predict_and_call, _apredict_and_call])
def predict_and_call(request: pytest.FixtureRequest) -> Any:
    """Both ways to ask and to call at once."""
    return request.param


# --- What is sent ----------------------------------------------------------------------------------------------------


async def test_a_tool_as_it_stands_on_the_wire(with_tools, wire) -> None:
    await with_tools(wire.llm(), [BUY], "Buy bread.")

    assert wire.messages == [{"role": "user", "content": "Buy bread."}]
    assert wire.body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "buy",
                "description": "Buy something.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "item": {"description": "Its name.", "title": "Item", "type": "string"},
                        "count": {"default": 1, "title": "Count", "type": "integer"},
                    },
                    "required": ["item"],
                },
            },
        }
    ]


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("given", "one", "two"),
    [
        ({}, None, None),
        ({"tool_required": False}, None, None),
        ({"tool_required": True}, named("multiply"), "required"),  # by name where it is certain which
        ({"tool_choice": "any"}, named("multiply"), "required"),
        ({"tool_choice": "required"}, named("multiply"), "required"),
        ({"tool_choice": "auto"}, "auto", "auto"),
        ({"tool_choice": "none"}, "none", "none"),
        ({"tool_choice": "multiply"}, named("multiply"), named("multiply")),
        ({"tool_choice": named("multiply")}, named("multiply"), named("multiply")),
        ({"tool_choice": "auto", "tool_required": True}, "auto", "auto"),
        ({"tool_choice": None, "tool_required": True}, named("multiply"), "required"),
    ],
    ids=str,
)
async def test_a_call_is_forced(with_tools, wire, given, one, two) -> None:
    await with_tools(wire.llm(), [MULTIPLY], QUESTION, **given)
    await with_tools(wire.llm(), [MULTIPLY, WEATHER], QUESTION, **given)

    assert [body.get("tool_choice") for body in wire.bodies] == [one, two]


async def test_a_choice_that_is_no_tool_is_refused(with_tools, wire) -> None:
    with pytest.raises(InvalidParameterError, match=r"'divide', which is none of the bound tools \(multiply\)"):
        await with_tools(wire.llm(), [MULTIPLY], QUESTION, tool_choice="divide")


async def test_without_tools_nothing_is_said_of_them(with_tools, wire) -> None:
    await with_tools(wire.llm(), [], QUESTION, tool_required=True)

    assert wire.body.keys() <= {"model", "messages", "stream", "stream_options"}


async def test_stepfuns_tools_stand_beside_an_agents_own(with_tools, wire) -> None:
    await with_tools(wire.llm(tools=[{"type": "web_search"}, RETRIEVAL]), [MULTIPLY], QUESTION, tool_required=True)

    assert [tool["type"] for tool in wire.body["tools"]] == ["web_search", "retrieval", "function"]
    assert wire.body["tools"][:2] == [SEARCH, RETRIEVAL]
    assert wire.body["tool_choice"] == named("multiply")


async def test_tools_of_one_call(ask, wire) -> None:
    await ask(wire.llm(), QUESTION, tools=[{"type": "web_search"}, MULTIPLY])

    assert [tool["function"].get("name") for tool in wire.body["tools"]] == [None, "multiply"]


async def test_history_and_question_are_sent_and_stay_as_they_are(with_tools, wire) -> None:
    history = [ChatMessage(role="user", content="Hi"), ChatMessage(role="assistant", content="Hello")]
    before = copy.deepcopy(history)

    await with_tools(wire.llm(), [MULTIPLY], ChatMessage(role="user", content=QUESTION), chat_history=history)

    assert [message["content"] for message in wire.messages] == ["Hi", "Hello", QUESTION]
    assert history == before


# --- What comes back -------------------------------------------------------------------------------------------------

BOTH = [call("multiply", '{"a": 6, "b": 7}'), call("get_weather", '{"city": "Paris"}', "call_2")]


@pytest.mark.parametrize(("parallel", "names"), [(True, ["multiply", "get_weather"]), (False, ["multiply"])], ids=str)
async def test_parallel_calls_come_where_they_are_allowed(with_tools, wire, parallel, names) -> None:
    llm = wire.says(reply("Both.", tool_calls=BOTH)).llm()

    response = await with_tools(llm, [MULTIPLY, WEATHER], QUESTION, allow_parallel_tool_calls=parallel)

    assert [one.tool_name for one in llm.get_tool_calls_from_response(response)] == names
    assert [one["function"]["name"] for one in response.message.additional_kwargs["tool_calls"]] == names
    assert response.message.content == "Both."


def test_by_position_as_core_has_it(wire) -> None:
    llm = wire.says(reply(None, tool_calls=BOTH)).llm()

    *_, last = llm.stream_chat_with_tools([MULTIPLY], QUESTION, None, False, True, True)

    assert len(llm.get_tool_calls_from_response(last)) == 2
    assert wire.body["tool_choice"] == named("multiply")


async def test_selections(ask, wire) -> None:
    llm = wire.says(reply(None, tool_calls=BOTH)).llm()

    selected = llm.get_tool_calls_from_response(await ask(llm, QUESTION))

    assert [one.model_dump() for one in selected] == [
        {"tool_id": "call_1", "tool_name": "multiply", "tool_kwargs": {"a": 6, "b": 7}},
        {"tool_id": "call_2", "tool_name": "get_weather", "tool_kwargs": {"city": "Paris"}},
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [("", {}), ("{}", {}), ("[1]", {}), ('"a"', {}), ("{{", {}), ('{"a": 6', {"a": 6}), ({"a": 6}, {"a": 6})],
    ids=str,
)
def test_arguments_however_they_are_written(wire, written, read) -> None:
    block = ToolCallBlock(tool_name="multiply", tool_kwargs=written)

    (one,) = wire.llm().get_tool_calls_from_response(
        ChatResponse(message=ChatMessage(role="assistant", content=[block]))
    )

    assert (one.tool_id, one.tool_kwargs) == ("", read)


async def test_no_call_where_one_was_wanted(ask, wire) -> None:
    llm = wire.llm()
    response = await ask(llm, QUESTION)

    with pytest.raises(InvalidParameterError, match="called no tool, it said: '42'; pass tool_required=True"):
        llm.get_tool_calls_from_response(response)
    assert llm.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []


async def test_a_call_that_was_cut_is_not_made(ask, wire) -> None:
    llm = wire.says(reply("", finish_reason="length", tool_calls=[call("multiply", '{"a": 6, "b"')])).llm()

    response = await ask(llm, QUESTION)

    with pytest.raises(APIResponseError, match=r"cut at max_tokens in the middle of a tool call; raise max_tokens"):
        llm.get_tool_calls_from_response(response)


async def test_a_whole_call_in_an_answer_that_was_cut_counts(ask, wire) -> None:
    llm = wire.says(reply("", finish_reason="length", tool_calls=BOTH)).llm()

    response = await ask(llm, QUESTION)
    assert len(llm.get_tool_calls_from_response(response)) == 2

    response.message.blocks[0].tool_kwargs = {"a": 6, "b": 7}  # as other code writes them
    assert len(llm.get_tool_calls_from_response(response)) == 2


# --- Asked and called at once ----------------------------------------------------------------------------------------


async def test_predict_and_call(predict_and_call, stepfun) -> None:
    answer = await predict_and_call(stepfun(), [MULTIPLY, WEATHER], "Multiply 6 and 7.")

    assert answer.response == "42"
    assert answer.sources[0].raw_input == {"args": (), "kwargs": {"a": 6, "b": 7}}


async def test_predict_and_call_several(predict_and_call, stepfun) -> None:
    asked = "Multiply 6 and 7, and get the weather in Paris."

    answer = await predict_and_call(stepfun(), [MULTIPLY, WEATHER], asked, allow_parallel_tool_calls=True)

    assert answer.response == "42\n\nParis: sunny"


async def test_predict_and_call_only_one(predict_and_call, wire) -> None:
    llm = wire.says(reply(None, tool_calls=BOTH)).llm()

    assert (await predict_and_call(llm, [MULTIPLY, WEATHER], QUESTION)).response == "42"


async def test_predict_and_call_without_a_call(predict_and_call, wire) -> None:
    with pytest.raises(InvalidParameterError, match="called no tool"):
        await predict_and_call(wire.llm(), [MULTIPLY], QUESTION)

    answer = await predict_and_call(wire.llm(), [MULTIPLY], QUESTION, error_on_no_tool_call=False)
    assert answer.response == "42"


async def test_the_emulator_is_forced(with_tools, stepfun) -> None:
    llm = stepfun()

    response = await with_tools(llm, [WEATHER], "Paris!", tool_required=True)

    assert llm.get_tool_calls_from_response(response)[0].tool_kwargs == {"city": "Paris"}
