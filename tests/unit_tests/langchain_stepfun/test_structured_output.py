"""Structured output: three methods, every kind of schema, whole, streamed and in an agent."""

from __future__ import annotations

import json
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.exceptions import ModelError, OutputParserException
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel, Field, ValidationError
from pydantic.v1 import BaseModel as BaseModelV1

from langchain_stepfun.errors import AnswerCutError, ChatInvalidParameterError
from stepfun_client import InvalidParameterError
from tests.unit_tests.langchain_stepfun.answers import Answer, call, more
from tests.unit_tests.langchain_stepfun.conftest import WHOLE


class Product(BaseModel):
    """A product of two numbers."""

    a: int = Field(description="the first number")
    b: int = Field(description="the second number")


class ProductV1(BaseModelV1):
    """A product of two numbers."""

    a: int
    b: int


class ProductDict(TypedDict):
    """A product of two numbers."""

    a: int
    b: int


PROPERTIES = {"a": {"type": "integer"}, "b": {"type": "integer"}}
JSON_SCHEMA = {
    "title": "Product",
    "description": "A product of two numbers.",
    "type": "object",
    "properties": PROPERTIES,
    "required": ["a", "b"],
}
FUNCTION = {
    "name": "Product",
    "description": "A product of two numbers.",
    "parameters": {"type": "object", "properties": PROPERTIES, "required": ["a", "b"]},
}

SCHEMAS = {
    "pydantic": (Product, Product(a=6, b=7)),
    "pydantic v1": (ProductV1, ProductV1(a=6, b=7)),
    "TypedDict": (ProductDict, {"a": 6, "b": 7}),
    "JSON schema": (JSON_SCHEMA, {"a": 6, "b": 7}),
    "function dict": (FUNCTION, {"a": 6, "b": 7}),
}
NAMES = {"pydantic v1": "ProductV1", "TypedDict": "ProductDict"}
METHODS = ["json_schema", "function_calling", "json_mode"]
QUESTION = "Multiply 6 and 7"


def answers(
    text: str, *, finish: str = "stop", method: str = "json_schema", pieces: int = 3, schema: str = "pydantic"
) -> Answer:
    """The method's way of saying this JSON, in so many pieces."""
    size = max(1, -(-len(text) // pieces))
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    if method != "function_calling":
        return Answer({"content": text}, [{"content": piece} for piece in cut], finish=finish)
    name = NAMES.get(schema, "Product")
    deltas = [{"tool_calls": [call(0, name, "")]}, *({"tool_calls": [more(0, piece)]} for piece in cut)]
    return Answer({"content": "", "tool_calls": [call(0, name, text)]}, deltas, finish=finish)


# --- Every schema by every method ------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WHOLE)
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_the_answer_is_what_the_schema_describes(chat, schema, method, version, way) -> None:
    given, expected = SCHEMAS[schema]
    model = chat(model="step-3.5-flash", output_version=version)

    assert await WHOLE[way](model.with_structured_output(given, method=method), QUESTION) == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_the_raw_answer_beside_the_parsed_one(ask_whole, chat, schema, method) -> None:
    given, expected = SCHEMAS[schema]
    model = chat(model="step-3.5-flash").with_structured_output(given, method=method, include_raw=True)

    reply = await ask_whole(model, QUESTION)

    assert (reply["parsed"], reply["parsing_error"]) == (expected, None)
    assert reply["raw"].usage_metadata["total_tokens"] > 0


@pytest.mark.parametrize("include_raw", [False, True], ids=["parsed", "with raw"])
@pytest.mark.parametrize("strict", [None, True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_is_asked_for(wire, schema, method, strict, include_raw) -> None:
    wire.answer = answers('{"a": 6, "b": 7}', method=method, schema=schema)
    given, _ = SCHEMAS[schema]
    model = wire.chat(model="step-3.5-flash")

    model.with_structured_output(given, method=method, strict=strict, include_raw=include_raw).invoke(QUESTION)

    if method == "function_calling":
        (tool,) = wire.body["tools"]
        described, name = tool["function"]["parameters"], tool["function"]["name"]
        assert tool["function"].get("strict") == strict
        assert wire.body["tool_choice"] == {"type": "function", "function": {"name": name}}
        assert "response_format" not in wire.body
    elif method == "json_schema":
        wrapped = wire.body["response_format"]["json_schema"]
        described = wrapped["schema"]
        assert wire.body["response_format"]["type"] == "json_schema"
        assert wrapped.get("strict") == strict
        assert "tools" not in wire.body
    else:
        assert wire.body["response_format"] == {"type": "json_object"}
        instruction = wire.messages[0]["content"]
        assert instruction.startswith("Answer with one JSON object that matches this JSON schema")
        described = json.loads(instruction.split("\n", 1)[1])
    assert {name: value["type"] for name, value in described["properties"].items()} == {"a": "integer", "b": "integer"}
    assert described["required"] == ["a", "b"]
    assert described.get("additionalProperties") == (False if strict else None)


@pytest.mark.parametrize(
    ("model", "method"),
    [
        ("step-3.5-flash", "json_schema"),
        ("step-3.5-flash-2603", "json_schema"),
        ("step-3.7-flash", "function_calling"),
        ("of-tomorrow", "function_calling"),
    ],
)
def test_the_method_is_chosen_by_what_the_model_can_do(wire, model, method) -> None:
    wire.answer = answers('{"a": 6, "b": 7}', method=method)

    assert wire.chat(model=model).with_structured_output(Product).invoke(QUESTION) == Product(a=6, b=7)
    assert ("response_format" in wire.body) is (method == "json_schema")


def test_json_mode_adds_its_instruction_to_the_system_message_that_is_there(wire) -> None:
    wire.answer = answers('{"a": 6, "b": 7}')
    model = wire.chat().with_structured_output(Product, method="json_mode")

    model.invoke([SystemMessage("Be brief."), HumanMessage(QUESTION)])

    assert [message["role"] for message in wire.messages] == ["system", "user"]
    assert wire.messages[0]["content"].startswith("Be brief.\n\nAnswer with one JSON object")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"method": "by_telepathy"}, "one of json_schema, function_calling, json_mode"),
        ({"tools": []}, "takes no tools; it takes schema, method, include_raw, strict"),
    ],
    ids=str,
)
def test_what_it_does_not_take(wire, given, why) -> None:
    with pytest.raises(ChatInvalidParameterError, match=why):
        wire.chat().with_structured_output(Product, **given)


def test_json_schema_on_a_model_without_it_is_refused_before_it_is_sent(wire) -> None:
    with pytest.raises(InvalidParameterError, match="does not take response_format json_schema"):
        wire.chat(model="step-3.7-flash").with_structured_output(Product, method="json_schema").invoke(QUESTION)
    assert wire.sent == []


# --- Streams ---------------------------------------------------------------------------------------------------------


async def _streamed(model: Any) -> list[Any]:
    return list(model.stream(QUESTION))


async def _streamed_async(model: Any) -> list[Any]:
    return [item async for item in model.astream(QUESTION)]


@pytest.fixture(params=[_streamed, _streamed_async], ids=["stream", "astream"])
def partials(request):
    return request.param


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", ["TypedDict", "JSON schema", "function dict"])
async def test_a_stream_gives_ever_more_complete_objects(wire, partials, schema, method) -> None:
    wire.answer = answers('{"a": 6, "b": 7}', method=method, pieces=8, schema=schema)
    given, expected = SCHEMAS[schema]

    seen = await partials(wire.chat(model="step-3.5-flash").with_structured_output(given, method=method))

    assert {"a": 6} in seen
    assert seen[-1] == expected
    assert all(set(item.items()) <= set(expected.items()) for item in seen)


class Story(BaseModel):
    """A story."""

    title: str = ""
    text: str = ""


@pytest.mark.parametrize("method", METHODS)
async def test_a_stream_of_pydantic_objects_ends_with_the_whole_one(wire, partials, method) -> None:
    wire.answer = answers('{"a": 6, "b": 7}', method=method, pieces=8)

    seen = await partials(wire.chat(model="step-3.5-flash").with_structured_output(Product, method=method))

    assert seen[-1] == Product(a=6, b=7)


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
async def test_a_pydantic_object_grows_as_far_as_it_is_valid(wire, partials, method) -> None:
    wire.answer = answers('{"title": "Once", "text": "upon a time"}', method=method, pieces=8)

    seen = await partials(wire.chat(model="step-3.5-flash").with_structured_output(Story, method=method))

    assert len(seen) > 2
    assert seen[-1] == Story(title="Once", text="upon a time")
    assert all(isinstance(item, Story) for item in seen)


@pytest.mark.parametrize("method", METHODS)
async def test_a_stream_of_raw_and_parsed(wire, partials, method) -> None:
    wire.answer = answers('{"a": 6, "b": 7}', method=method, pieces=4)
    model = wire.chat(model="step-3.5-flash").with_structured_output(JSON_SCHEMA, method=method, include_raw=True)

    seen = await partials(model)

    assert {key for item in seen for key in item} == {"raw", "parsed", "parsing_error"}
    assert [item["parsed"] for item in seen if "parsed" in item][-1] == {"a": 6, "b": 7}


# --- What goes wrong -------------------------------------------------------------------------------------------------

CUT = '{"a": 6, "b'


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_an_answer_that_was_cut_is_no_parse_failure(ask_whole, wire, schema, method) -> None:
    wire.answer = answers(CUT, finish="length", method=method, schema=schema)
    model = wire.chat(model="step-3.5-flash").with_structured_output(SCHEMAS[schema][0], method=method)

    with pytest.raises(AnswerCutError, match="raise max_tokens") as caught:
        await ask_whole(model, QUESTION)
    assert isinstance(caught.value, ModelError)
    assert not isinstance(caught.value, OutputParserException)
    assert caught.value.is_retryable is False


@pytest.mark.parametrize("method", METHODS)
async def test_an_answer_that_was_cut_is_the_parsing_error_beside_the_raw_one(ask_whole, wire, method) -> None:
    wire.answer = answers(CUT, finish="length", method=method)
    model = wire.chat(model="step-3.5-flash").with_structured_output(Product, method=method, include_raw=True)

    reply = await ask_whole(model, QUESTION)

    assert isinstance(reply["parsing_error"], AnswerCutError)
    assert reply["parsed"] is None
    assert reply["raw"].response_metadata["finish_reason"] == "length"


@pytest.mark.parametrize("method", METHODS)
async def test_a_stream_that_was_cut_ends_with_the_error(wire, partials, method) -> None:
    wire.answer = answers(CUT, finish="length", method=method)
    model = wire.chat(model="step-3.5-flash").with_structured_output(ProductDict, method=method)

    with pytest.raises(AnswerCutError):
        await partials(model)


async def test_a_thought_that_used_up_max_tokens_is_an_answer_that_was_cut(ask_whole, chat) -> None:
    model = chat(model="step-3.5-flash", max_tokens=3).with_structured_output(Product)

    with pytest.raises(AnswerCutError), pytest.warns(UserWarning, match="thinking used up max_tokens"):
        await ask_whole(model, QUESTION)


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("text", ["forty-two", '{"a": "six"}'])
async def test_an_answer_of_another_shape_is_a_parse_failure(ask_whole, wire, method, text) -> None:
    wire.answer = answers(text, method=method)
    model = wire.chat(model="step-3.5-flash")

    with pytest.raises(OutputParserException):
        await ask_whole(model.with_structured_output(Product, method=method), QUESTION)

    raw = await ask_whole(model.with_structured_output(Product, method=method, include_raw=True), QUESTION)
    assert isinstance(raw["parsing_error"], OutputParserException)
    assert raw["raw"].text == text


async def test_arguments_of_another_shape_are_a_failure_of_validation(ask_whole, wire) -> None:
    wire.answer = answers('{"a": "six"}', method="function_calling")

    with pytest.raises(ValidationError):
        await ask_whole(wire.chat().with_structured_output(Product), QUESTION)


# --- Agents ----------------------------------------------------------------------------------------------------------


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


STRATEGIES = {
    "plain": lambda: Product,
    "tool": lambda: ToolStrategy(Product),
    "provider": lambda: ProviderStrategy(Product),
}
ASKED = {
    ("step-3.5-flash", "plain"): "response_format",  # its profile says so
    ("step-3.7-flash", "plain"): "tools",
    ("step-3.5-flash", "tool"): "tools",
    ("step-3.7-flash", "tool"): "tools",
    ("step-3.5-flash", "provider"): "response_format",
}


@pytest.mark.parametrize(("model", "strategy"), ASKED)
async def test_an_agent_answers_with_an_object(ask_whole, emulator, chat, model, strategy) -> None:
    agent = create_agent(chat(model=model), tools=[], response_format=STRATEGIES[strategy]())

    state = await ask_whole(agent, {"messages": [HumanMessage(QUESTION)]})

    assert state["structured_response"] == Product(a=6, b=7)
    assert {"response_format", "tools"} & set(emulator.requests[-1].body) == {ASKED[model, strategy]}


@pytest.mark.parametrize("model", ["step-3.5-flash", "step-3.7-flash"])
async def test_an_agent_calls_its_tool_and_then_answers_with_an_object(ask_whole, chat, model) -> None:
    class Result(BaseModel):
        """The result."""

        number: int

    agent = create_agent(chat(model=model), tools=[multiply], response_format=Result)

    state = await ask_whole(agent, {"messages": [HumanMessage("Multiply 6 and 7")]})

    assert "42" in [message.text for message in state["messages"] if message.type == "tool"]
    assert isinstance(state["structured_response"], Result)
