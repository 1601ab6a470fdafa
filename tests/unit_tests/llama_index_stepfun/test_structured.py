"""Structured output: `json_schema` where a model keeps to it, else a forced call, else text with a parser."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field

from stepfun_client import APIResponseError
from tests.unit_tests.llama_index_stepfun.conftest import call, reply


class City(BaseModel):
    """A city."""

    name: str
    country: str
    sights: list[str] = Field(default_factory=list)


ASKED = PromptTemplate("Tell me about {city} in France.")
BY_SCHEMA, BY_TOOL, BY_TEXT = "step-3.5-flash", "step-3.7-flash", "step-audio-r1.1"
PARIS = '{"name": "Paris", "country": "France"}'


async def _predict(llm: Any, **kwargs: Any) -> Any:
    return llm.structured_predict(City, ASKED, city="Paris", **kwargs)


async def _apredict(llm: Any, **kwargs: Any) -> Any:
    return await llm.astructured_predict(City, ASKED, city="Paris", **kwargs)


async def _stream(llm: Any, **kwargs: Any) -> Any:
    return list(llm.stream_structured_predict(City, ASKED, city="Paris", **kwargs))[-1]


async def _astream(llm: Any, **kwargs: Any) -> Any:
    return [part async for part in await llm.astream_structured_predict(City, ASKED, city="Paris", **kwargs)][-1]


WAYS = {"predict": _predict, "apredict": _apredict, "stream": _stream, "astream": _astream}


@pytest.fixture(params=list(WAYS))
def predict(request: pytest.FixtureRequest) -> Any:
    """Every way to get an object; of a stream the last one."""
    return WAYS[request.param]


def said(model: str, text: str, **more: Any) -> dict[str, Any]:
    """The reply that a model gives with this JSON: as a call, or as text."""
    return reply(None, tool_calls=[call("City", text)], **more) if model == BY_TOOL else reply(text, **more)


# --- What is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [BY_SCHEMA, "step-3.5-flash-2603", "step-5-preview"])
async def test_by_schema(predict, wire, model) -> None:
    llm = wire.says(reply(PARIS)).llm(model)

    assert await predict(llm) == City(name="Paris", country="France")
    wanted = {"type": "json_schema", "json_schema": {"name": "City", "schema": City.model_json_schema()}}
    assert wire.body["response_format"] == wanted
    assert "tools" not in wire.body


@pytest.mark.parametrize("model", [BY_TOOL, "of-tomorrow"])
async def test_by_a_forced_call(predict, wire, model) -> None:
    llm = wire.says(said(BY_TOOL, PARIS)).llm(model)

    assert await predict(llm) == City(name="Paris", country="France")
    assert wire.body["tool_choice"] == {"type": "function", "function": {"name": "City"}}
    assert wire.body["tools"][0]["function"]["description"] == "A city."
    assert "response_format" not in wire.body


@pytest.mark.parametrize(
    ("model", "mode"),
    [(BY_TEXT, PydanticProgramMode.DEFAULT), (BY_SCHEMA, PydanticProgramMode.LLM), (BY_TOOL, PydanticProgramMode.LLM)],
)
async def test_by_text_and_parser(predict, wire, model, mode) -> None:
    llm = wire.says(reply(PARIS)).llm(model, pydantic_program_mode=mode)

    assert await predict(llm) == City(name="Paris", country="France")
    assert "Here's a JSON schema to follow" in wire.messages[-1]["content"]
    assert wire.body.keys().isdisjoint({"tools", "response_format"})


async def test_a_call_where_the_mode_asks_for_one(predict, wire) -> None:
    llm = wire.says(said(BY_TOOL, PARIS)).llm(BY_SCHEMA, pydantic_program_mode=PydanticProgramMode.FUNCTION)

    await predict(llm)

    assert wire.body["tool_choice"] == {"type": "function", "function": {"name": "City"}}


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL, BY_TEXT])
async def test_the_system_prompt_is_kept(predict, wire, model) -> None:
    await predict(wire.says(said(model, PARIS)).llm(model, system_prompt="Be exact."))

    assert wire.messages[0] == {"role": "system", "content": "Be exact."}
    assert wire.messages[1]["content"].startswith("Tell me about Paris in France.")


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
async def test_parameters_of_the_call(predict, wire, model) -> None:
    given = {"temperature": 0.1, "tool_choice": "auto", "tool_required": False, "allow_parallel_tool_calls": True}

    await predict(wire.says(said(model, PARIS)).llm(model), llm_kwargs=given)

    assert wire.body["temperature"] == 0.1
    assert wire.body.get("tool_choice") != "auto"  # how the object is asked for is decided here
    assert given["tool_choice"] == "auto"


# --- What comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
async def test_objects_grow_while_they_come(wire, model) -> None:
    llm = wire.says(said(model, '{"name": "Paris", "country": "France", "sights": ["Louvre", "Seine"]}')).llm(model)

    *partial, last = llm.stream_structured_predict(City, ASKED, city="Paris")

    assert last == City(name="Paris", country="France", sights=["Louvre", "Seine"])
    assert partial
    assert all(hasattr(one, "name") for one in partial)


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
async def test_an_answer_that_was_cut_is_an_error(predict, wire, model) -> None:
    llm = wire.says(said(model, '{"name": "Paris", "coun', finish_reason="length")).llm(model)

    with pytest.raises(
        APIResponseError, match=r"cut at max_tokens in the middle of the City; raise max_tokens \(think"
    ):
        await predict(llm)


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
@pytest.mark.parametrize("text", ['{"name": "Paris"}', "", "Paris, of course."])
async def test_an_answer_that_does_not_fit_is_an_error(predict, wire, model, text) -> None:
    llm = wire.says(said(model, text) if text.startswith("{") else reply(text)).llm(model)

    with pytest.raises(APIResponseError, match="the answer does not fit City") as caught:
        await predict(llm)

    assert caught.value.body == (text or "{}")
    assert caught.value.trace_id


class Place(BaseModel):
    """A place."""

    name: str
    country: str


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
async def test_the_emulator_fills_it(stepfun, model) -> None:
    llm, asked = stepfun(model), PromptTemplate("Tell me about {city} in France.")

    made = [
        llm.structured_predict(Place, asked, city="Paris"),
        await llm.astructured_predict(Place, asked, city="Paris"),
        list(llm.stream_structured_predict(Place, asked, city="Paris"))[-1],
        [one async for one in await llm.astream_structured_predict(Place, asked, city="Paris")][-1],
    ]

    assert made == [Place(name="Paris", country="France")] * 4


# --- LlamaIndex's other ways -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
async def test_a_structured_llm(wire, model) -> None:
    llm = wire.says(said(model, PARIS)).llm(model, system_prompt="Be exact.").as_structured_llm(City)
    asked = [ChatMessage(role="user", content="Paris, with {braces}?")]

    responses = [llm.chat(asked), await llm.achat(asked), llm.complete("Paris?")]
    responses += [list(llm.stream_chat(asked))[-1], [one async for one in await llm.astream_chat(asked)][-1]]

    assert [response.raw for response in responses] == [City(name="Paris", country="France")] * 5
    assert [body["messages"][0]["content"] for body in wire.bodies] == ["Be exact."] * 5


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL])
async def test_programs(wire, model) -> None:
    llm = wire.says(reply(None, tool_calls=[call("City", PARIS)])).llm(model)
    program = FunctionCallingProgram.from_defaults(City, prompt=ASKED, llm=llm)

    made = [program(city="Paris"), await program.acall(city="Paris")]
    made += [list(program.stream_call(city="Paris"))[-1]]
    made += [[one async for one in await program.astream_call(city="Paris")][-1]]

    assert made == [City(name="Paris", country="France")] * 4
    assert wire.bodies[0]["tool_choice"] == {"type": "function", "function": {"name": "City"}}


async def test_a_program_of_text(wire) -> None:
    llm = wire.says(reply(f"Here it is: {PARIS}")).llm(system_prompt="Be exact.")
    asked = PromptTemplate("Tell me about {city} in France.")
    program = LLMTextCompletionProgram.from_defaults(output_cls=City, prompt=asked, llm=llm)

    assert [program(city="Paris"), await program.acall(city="Paris")] == [City(name="Paris", country="France")] * 2
    assert [body["messages"][0]["content"] for body in wire.bodies] == ["Be exact."] * 2


async def test_a_prompt_of_several_messages(wire) -> None:
    asked = ChatPromptTemplate([ChatMessage(role="system", content="Be exact."), ChatMessage(content="{city}?")])

    wire.says(reply(PARIS)).llm(BY_SCHEMA).structured_predict(City, asked, city="Paris")

    assert [message["role"] for message in wire.messages] == ["system", "user"]


@pytest.mark.parametrize("model", [BY_SCHEMA, BY_TOOL, BY_TEXT])
async def test_events(predict, wire, told, model) -> None:
    await predict(wire.says(said(model, PARIS)).llm(model))

    assert len(told.of(LLMStructuredPredictStartEvent)) == 1
    (ended,) = told.of(LLMStructuredPredictEndEvent)
    assert ended.output == City(name="Paris", country="France")
