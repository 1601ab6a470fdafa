"""A client that nobody here wrote is satisfied: the anthropic package."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

MODEL = "step-3.7-flash"
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def ask(text: str) -> dict:
    return {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": text}]}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client(emulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=emulator.base_url.removesuffix("/v1"), api_key="test", max_retries=0) as made:
        yield made


@pytest.fixture
async def async_client(emulator):
    root = emulator.base_url.removesuffix("/v1")
    async with AsyncAnthropic(base_url=root, auth_token="test", max_retries=0) as made:
        yield made


def test_a_message(client):
    reply = client.messages.create(**ask("Reply with only OK"))
    assert [block.to_dict() for block in reply.content] == [{"type": "text", "text": "OK"}]
    assert reply.stop_reason == "end_turn"
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


def test_effort_gives_thoughts(client):
    thinking, text = client.messages.create(**ask("Count to 3"), output_config={"effort": "high"}).content
    assert thinking.type == "thinking"
    assert thinking.thinking
    assert text.text == "1, 2, 3"


def test_a_stream(client):
    with client.messages.stream(**ask("Count to 20"), output_config={"effort": "low"}) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == message.content[-1].text == ", ".join(map(str, range(1, 21)))
    assert message.content[0].signature
    assert message.stop_reason == "end_turn"
    assert (
        message.usage.output_tokens
        == client.messages.create(**ask("Count to 20"), output_config={"effort": "low"}).usage.output_tokens
    )


def test_raw_events(client):
    kinds = [event.type for event in client.messages.create(**ask("Reply with only OK"), stream=True)]
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip


async def test_asynchronously(async_client):
    reply = await async_client.messages.create(**ask("Reply with only 好"))
    assert reply.content[0].text == "好"
    async with async_client.messages.stream(**ask("Reply with only 你好")) as stream:
        assert "".join([text async for text in stream.text_stream]) == "你好"
    counted = await async_client.messages.count_tokens(model=MODEL, messages=ask("Reply with only 好")["messages"])
    assert counted.input_tokens == reply.usage.input_tokens


def test_a_tool_loop_streamed(client):
    messages = ask("What is the weather in Paris and Rome?")["messages"]
    asked = {"model": MODEL, "max_tokens": 1000, "tools": [WEATHER], "output_config": {"effort": "low"}}
    with client.messages.stream(**asked, messages=messages) as stream:
        reply = stream.get_final_message()
    uses = [block for block in reply.content if block.type == "tool_use"]
    assert reply.stop_reason == "tool_use"
    assert [use.input for use in uses] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [
        {"type": "tool_result", "tool_use_id": use.id, "content": f"sunny in {use.input['city']}"} for use in uses
    ]
    # As its documents do it: the content of the reply goes back as it came, thoughts and all.
    messages += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
    last = client.messages.create(**asked, messages=messages)
    assert "sunny in Paris" in last.content[-1].text
    assert "sunny in Rome" in last.content[-1].text


def test_its_tool_runner(client):
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return json.dumps({"city": city, "sky": "clear"})

    runner = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=1000, tools=[get_weather], messages=ask("What is the weather in Oslo?")["messages"]
    )
    assert "clear" in runner.until_done().content[0].text


@pytest.mark.parametrize(
    ("choice", "called"), [({"type": "any"}, True), ({"type": "none"}, False),
                           ({"type": "tool", "name": "get_weather"}, True)],
)  # fmt: skip
def test_tool_choice(client, choice, called):
    reply = client.messages.create(**ask("Reply with only OK"), tools=[WEATHER], tool_choice=choice)
    assert (reply.stop_reason == "tool_use") == called


def test_an_image(client, chart):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(chart).decode()}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "How many bars?"}]
    reply = client.messages.create(model=MODEL, max_tokens=500, messages=[{"role": "user", "content": content}])
    assert "3 bars" in reply.content[0].text


def test_counting_tokens(client):
    asked = {"messages": ask("Hi")["messages"], "system": "Be brief.", "tools": [WEATHER]}
    counted = client.messages.count_tokens(model=MODEL, **asked)
    assert counted.input_tokens == client.messages.create(model=MODEL, max_tokens=9, **asked).usage.input_tokens


def test_on_the_step_plan(emulator):
    with Anthropic(base_url=emulator.plan_url.removesuffix("/v1"), api_key="test", max_retries=0) as client:
        reply = client.messages.create(**{**ask("Reply with only OK"), "model": "step-router-v1"})
    assert reply.content[0].text == "OK"


@pytest.mark.parametrize(
    ("key", "body", "error", "kind"),
    [
        ("test", {"model": "claude"}, anthropic.NotFoundError, "model_invalid"),
        ("test", {"max_tokens": 0}, anthropic.BadRequestError, "request_params_invalid"),
        ("test", {"metadata": {"user_id": "x"}}, anthropic.BadRequestError, "request_params_invalid"),
        ("test", {"system": "censored-by-emulator"}, anthropic.APIStatusError, "censorship_blocked"),
        ("invalid", {}, anthropic.AuthenticationError, "invalid_api_key"),
        ("broke", {}, anthropic.APIStatusError, "quota_exceeded"),
    ],
)
def test_errors_are_its_own(client, key, body, error, kind):
    with pytest.raises(error) as caught:
        client.with_options(api_key=key).messages.create(**{**ask("Hi"), **body})
    assert caught.value.type == kind
    assert caught.value.body["type"] == "error"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate-limit", anthropic.RateLimitError),
        ("overloaded", anthropic.InternalServerError),
        ("html-error", anthropic.InternalServerError),
        ("drop-connection", anthropic.APIConnectionError),
    ],
)
def test_failures_are_its_own_errors(client, fault, error):
    with pytest.raises(error):
        client.messages.create(**ask("Hi"), extra_headers={"x-emulator-fault": fault})


def test_an_error_in_a_stream_is_raised(client):
    with (
        pytest.raises(anthropic.APIStatusError, match="overloaded"),
        client.messages.stream(**ask("Count to 9"), extra_headers={"x-emulator-fault": "error-in-stream"}) as stream,
    ):
        stream.until_done()


def test_its_retries_get_through_a_flaky_line(client):
    patient = client.with_options(max_retries=2)
    reply = patient.messages.create(**ask("Reply with only patience"), extra_headers={"x-emulator-fault": "flaky"})
    assert reply.content[0].text == "patience"


@pytest.mark.parametrize("fault", ["crlf", "one-byte", "odd-chunks", "stop-reason-on-top"])
def test_streams_on_a_difficult_line(client, fault):
    with client.messages.stream(**ask("Reply with only 你好"), extra_headers={"x-emulator-fault": fault}) as stream:
        assert "".join(stream.text_stream) == "你好"
