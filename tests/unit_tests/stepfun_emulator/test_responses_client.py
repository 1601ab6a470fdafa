"""A client that nobody here wrote is satisfied by Responses too: the openai package."""

from __future__ import annotations

import json

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

MODEL = "step-3.7-flash"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
async def async_client(emulator):
    async with AsyncOpenAI(base_url=emulator.base_url, api_key="test", max_retries=0) as client:
        yield client


def test_a_response(openai_client: OpenAI):
    response = openai_client.responses.create(model=MODEL, input="Reply with only OK", reasoning={"effort": "low"})
    assert response.output_text == "OK"
    assert response.output[0].content[0].text
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_a_stream_of_typed_events(openai_client: OpenAI):
    events = list(openai_client.responses.create(model=MODEL, input="Count to 5", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == events[-1].response.output_text == "1, 2, 3, 4, 5"


def test_its_accumulating_stream(openai_client: OpenAI):
    with openai_client.responses.stream(model=MODEL, input="weather in Rome", tools=[WEATHER]) as stream:
        response = stream.get_final_response()
    call = response.output[-1]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Rome"})
    assert (response.status, call.status) == ("completed", "completed")


async def test_asynchronously(async_client: AsyncOpenAI):
    response = await async_client.responses.create(model=MODEL, input="Reply with only 好")
    assert response.output_text == "好"
    stream = await async_client.responses.create(model=MODEL, input="Reply with only 你好", stream=True)
    assert "".join([event.delta async for event in stream if event.type == "response.output_text.delta"]) == "你好"


def test_a_tool_loop(openai_client: OpenAI):
    given: list = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]
    response = openai_client.responses.create(model=MODEL, input=given, tools=[WEATHER])
    calls = [item for item in response.output if item.type == "function_call"]
    given += response.output
    given += [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"sunny {call.call_id}"} for call in calls
    ]
    last = openai_client.responses.create(model=MODEL, input=given, tools=[WEATHER])
    assert len(calls) == 2
    assert all(f"sunny {call.call_id}" in last.output_text for call in calls)


def test_an_incomplete_response(openai_client: OpenAI):
    response = openai_client.responses.create(model=MODEL, input="Count to 500", max_output_tokens=60)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    *_, last = openai_client.responses.create(model=MODEL, input="Count to 500", max_output_tokens=60, stream=True)
    assert (last.type, last.response.output_text) == ("response.incomplete", response.output_text)


def test_a_failed_response(openai_client: OpenAI):
    fault = {"x-emulator-fault": "response-failed"}
    *_, last = openai_client.responses.create(model=MODEL, input="Hi", stream=True, extra_headers=fault)
    assert (last.type, last.response.error.code) == ("response.failed", "server_error")


def test_an_error_event(openai_client: OpenAI):
    fault = {"x-emulator-fault": "error-in-stream"}
    *_, last = openai_client.responses.create(model=MODEL, input="Hi", stream=True, extra_headers=fault)
    assert (last.type, last.code) == ("error", "server_error")
    assert "overloaded" in last.message


@pytest.mark.parametrize(
    ("body", "error", "kind"),
    [
        ({"model": "gpt-5"}, openai.NotFoundError, "model_invalid"),
        ({"tool_choice": "required"}, openai.BadRequestError, "request_params_invalid"),
        ({"store": False}, openai.BadRequestError, "request_params_invalid"),
    ],
)
def test_errors_carry_their_type(openai_client: OpenAI, body, error, kind):
    with pytest.raises(error) as caught:
        openai_client.responses.create(**{"model": MODEL, "input": "Hi", **body})
    assert caught.value.type == kind


@pytest.mark.parametrize("fault", ["crlf", "one-byte", "odd-chunks"])
def test_streams_on_a_difficult_line(openai_client: OpenAI, fault):
    events = openai_client.responses.create(
        model=MODEL, input="Reply with only 你好", stream=True, extra_headers={"x-emulator-fault": fault}
    )
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "你好"
