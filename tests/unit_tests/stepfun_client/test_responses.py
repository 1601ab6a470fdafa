"""`client.responses` against the emulator: what is sent, what comes back, tools, refusals (WIRE.md section 5)."""

from __future__ import annotations

import json

import pytest

from stepfun_client import (
    APIResponseError,
    BadRequestError,
    InvalidParameterError,
    NotFoundError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from stepfun_client.api.responses import OutputItem, Response, function_output

MODEL = "step-3.7-flash"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def responses(both, emulator):
    return both.client(emulator).responses


@pytest.fixture(params=["whole", "streamed"])
def ask(request, both, responses):
    """Asks for an answer, whole or in events; what comes of it is the same."""

    async def asked(given="What is 6 * 7?", **params):
        if request.param == "whole":
            return await both.get(responses.create(model=MODEL, input=given, **params))
        return await both.get(responses.stream(model=MODEL, input=given, **params).response())

    return asked


# --- Answers ----------------------------------------------------------------------------------------------------------


async def test_an_answer(ask, emulator):
    response = await ask()

    assert (response.text, response.status) == ("6 * 7 = 42", "completed")
    assert response.reasoning
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.model == MODEL
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert response.trace_id in response.id
    assert response.headers["x-trace-id"] == response.trace_id
    assert emulator.requests[-1].path == "/v1/responses"


REQUESTS = {
    "a question": ({}, {}),
    "a system prompt": ({"instructions": "Be brief."}, {"instructions": "Be brief."}),
    "an effort": ({"effort": "high"}, {"reasoning": {"effort": "high"}}),
    "an effort as the wire has it": ({"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
    "the same effort twice": ({"effort": "low", "reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
    "a limit": ({"max_output_tokens": 4000}, {"max_output_tokens": 4000}),
    "a tool": ({"tools": [WEATHER], "tool_choice": "auto"}, {"tools": [WEATHER], "tool_choice": "auto"}),
    "JSON": ({"text": {"format": {"type": "json_object"}}}, {"text": {"format": {"type": "json_object"}}}),
    "what is left out": ({"instructions": None, "tools": None, "effort": None}, {}),
    "anything else": ({"extra_body": {"max_output_tokens": 77}}, {"max_output_tokens": 77}),
}


@pytest.mark.parametrize(("given", "sent"), REQUESTS.values(), ids=REQUESTS)
async def test_what_is_sent(ask, emulator, given, sent):
    await ask(**given)

    received = emulator.requests[-1].body
    received.pop("stream", None)
    assert received == {"model": MODEL, "input": "What is 6 * 7?", **sent}


async def test_a_conversation_of_items(ask, emulator):
    items = [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada."},
        {"role": "user", "content": [{"type": "input_text", "text": "What is 6 * 7?"}]},
    ]
    response = await ask(iter(items))

    assert response.text == "6 * 7 = 42"
    assert emulator.requests[-1].body["input"] == items


async def test_json_by_a_schema(ask):
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
    response = await ask(
        "What is 6 * 7? Answer in JSON.",
        text={"format": {"type": "json_schema", "name": "sum", "schema": schema, "strict": True}},
    )

    assert isinstance(json.loads(response.text)["answer"], int)


async def test_an_incomplete_answer_says_why(ask):
    response = await ask("Count to 50", max_output_tokens=20)

    assert (response.status, response.incomplete_details) == ("incomplete", {"reason": "max_output_tokens"})
    assert response.output[-1].status == "incomplete"
    assert response.usage.output_tokens == 20


async def test_no_error_and_no_details_where_all_went_well(ask):
    response = await ask()

    assert (response.error, response.incomplete_details) == (None, None)


async def test_headers_and_timeout_of_one_call(ask, emulator):
    await ask(extra_headers={"x-team": "a"}, timeout=30.0)

    assert emulator.requests[-1].headers["x-team"] == "a"


# --- Tools ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replay", ["items", "to_input"])
async def test_a_loop_of_tools(ask, emulator, replay):
    given = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]
    response = await ask(given, tools=[WEATHER])
    calls = response.function_calls

    assert [(call.name, json.loads(call.arguments)["city"]) for call in calls] == [
        ("get_weather", "Paris"),
        ("get_weather", "Rome"),
    ]
    given += response.output if replay == "items" else response.to_input()
    given += [function_output(call, f"{at}0 degrees") for at, call in enumerate(calls, 1)]
    answer = await ask(given, tools=[WEATHER])

    assert not answer.function_calls
    assert "10 degrees" in answer.text
    assert "20 degrees" in answer.text
    assert [item.get("type") for item in emulator.requests[-1].body["input"]] == [
        None,
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]


async def test_an_assistants_turn_is_replayed_as_plain_text(ask, emulator):
    first = await ask("Reply with only Ada")
    question = {"role": "user", "content": "What is 6 * 7?"}
    second = await ask([{"role": "user", "content": "Reply with only Ada"}, *first.output, question])

    assert second.text == "6 * 7 = 42"
    assert emulator.requests[-1].body["input"][1] == {"role": "assistant", "content": "Ada"}


PARTS = [{"type": "output_text", "text": "A", "annotations": []}, {"type": "output_text", "text": "da"}]
TURNS = {
    "parts": ({"role": "assistant", "content": PARTS}, {"role": "assistant", "content": "Ada"}),
    "an output item as a dict": (
        {"type": "message", "id": "item_1", "status": "completed", "role": "assistant", "content": PARTS},
        {"role": "assistant", "content": "Ada"},
    ),
    "a message with its type": (
        {"type": "message", "role": "assistant", "content": "Ada"},
        {"role": "assistant", "content": "Ada"},
    ),
    "no text alone": (
        {"role": "assistant", "content": [*PARTS, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": [*PARTS, {"type": "refusal", "refusal": "no"}]},
    ),
    "no parts at all": ({"role": "assistant", "content": None}, {"role": "assistant", "content": None}),
    "a users parts": (
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
    ),
    "a function call": (
        OutputItem(type="function_call", id="item_1", status="completed", call_id="c", name="f", arguments=""),
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ),
    "an item that is not known here": (
        OutputItem.model_validate({"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}}),
        {"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}},
    ),
}


@pytest.mark.parametrize(("given", "sent"), TURNS.values(), ids=TURNS)
async def test_output_items_become_what_stepfun_takes(both, server, wire, given, sent):
    responses = both.client(server.answers(wire.reply({"id": "resp_1", "output": []}))).responses
    await both.get(responses.create(model=MODEL, input=[given]))

    assert server.requests[-1].json["input"] == [sent]


async def test_thoughts_and_empty_messages_are_not_sent_back(both, server, wire):
    silent = [
        OutputItem(type="reasoning", content=[{"type": "reasoning_text", "text": "hm"}]),
        OutputItem(type="message", role="assistant"),
    ]
    responses = both.client(server.answers(wire.reply({"id": "resp_1", "output": []}))).responses
    await both.get(responses.create(model=MODEL, input=[*silent, {"role": "user", "content": "Hi"}]))

    assert server.requests[-1].json["input"] == [{"role": "user", "content": "Hi"}]
    assert Response(output=silent).to_input() == []


async def test_items_and_fields_that_are_not_known_are_kept(both, server, wire):
    body = {
        "id": "resp_1",
        "output": [{"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}}],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "output_tokens_details": {"x": 1}},
        "mood": "fine",
    }
    response = await both.get(both.client(server.answers(wire.reply(body))).responses.create(model=MODEL, input="Hi"))

    assert response.output[0].action == {"query": "x"}
    assert (response.mood, response.usage.output_tokens_details) == ("fine", {"x": 1})
    assert (response.text, response.trace_id) == ("", wire.trace_id)


# --- Failures ---------------------------------------------------------------------------------------------------------


async def test_an_answer_that_failed_is_an_error(both, responses, ask):
    with pytest.raises(ServerError, match="the engine is overloaded") as raised:
        await ask(extra_headers={"x-emulator-fault": "response-failed"})

    assert (raised.value.code, raised.value.status_code) == ("server_error", 200)
    assert raised.value.trace_id


FAILURES = {
    "a code": ({"code": "rate_limit_exceeded", "message": "slow down"}, RateLimitError, "slow down"),
    "a type": ({"type": "input_invalid", "code": "x", "message": "no"}, BadRequestError, "no"),
    "nothing": (None, ServerError, "does not say why"),
    "a word": ("busy", ServerError, "busy"),
}


WAYS = {
    "whole": lambda wire, failed: wire.reply(failed),
    "response.failed": lambda wire, failed: wire.stream(wire.event({"type": "response.failed", "response": failed})),
    "error": lambda wire, failed: wire.stream(wire.event({"type": "error", "error": failed["error"] or {}})),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_how_an_answer_fails(both, server, wire, way, failure):
    error, cls, said = failure
    server.answers(WAYS[way](wire, {"id": "resp_1", "status": "failed", "error": error}))
    responses = both.client(server).responses
    asked = responses.create if way == "whole" else lambda **given: responses.stream(**given).response()

    with pytest.raises(cls, match=said) as raised:
        await both.get(asked(model=MODEL, input="Hi"))
    assert raised.value.trace_id == wire.trace_id


async def test_an_error_event_may_be_flat_as_openais(both, server, wire):
    flat = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None, "sequence_number": 3}
    stream = both.client(server.answers(wire.stream(wire.event(flat)))).responses.stream(model=MODEL, input="Hi")

    with pytest.raises(RateLimitError, match="slow down"):
        await both.items(stream)


async def test_an_answer_that_is_none(both, server, wire):
    responses = both.client(server.answers(wire.reply({"output": 7}), wire.reply({"output": []}))).responses

    with pytest.raises(APIResponseError, match="cannot be read"):
        await both.get(responses.create(model=MODEL, input="Hi"))
    with pytest.raises(APIResponseError, match="no event stream"):
        await both.items(responses.stream(model=MODEL, input="Hi"))


async def test_a_model_that_has_no_such_api(both, responses):
    with pytest.raises((NotFoundError, BadRequestError)) as raised:
        await both.get(responses.create(model="step-3.5-flash", input="Hi"))
    assert raised.value.trace_id


async def test_what_the_service_refuses_says_where(both, responses):
    with pytest.raises(BadRequestError) as raised:
        await both.get(responses.create(model=MODEL, input=[function_output("call_9", "42")]))
    assert "input" in str(raised.value.param)


# --- Refused before anything is sent ----------------------------------------------------------------------------------

NESTED = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
ASKED = {"model": MODEL, "input": "Hi"}
REFUSED = {
    "no model": ({"model": ""}, "model", "must be a text"),
    "no input": ({"input": ""}, "input", "is empty"),
    "no items": ({"input": []}, "input", "is empty"),
    "thoughts alone": ({"input": [OutputItem(type="reasoning")]}, "input", "is empty"),
    "one item": ({"input": {"role": "user", "content": "Hi"}}, "input", "put it into a list"),
    "no item": ({"input": ["Hi"]}, "input", r"input\[0\] is a str"),
    "an unknown parameter": ({"max_tokens": 5}, "max_tokens", "known are .*max_output_tokens"),
    "no tokens": ({"max_output_tokens": 0}, "max_output_tokens", "greater than or equal to 1"),
    "a temperature": ({"temperature": 3}, "temperature", "less than or equal to 2"),
    "an effort of no models": ({"effort": "extreme"}, "effort", "takes 'low', 'medium', 'high'"),
    "two efforts": ({"effort": "low", "reasoning": {"effort": "high"}}, "effort", "give one of them"),
    "a tool by name": ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice", "tool_choice"),
    "a tool at any price": ({"tool_choice": "required"}, "tool_choice", "takes 'auto' only"),
    "a tool as chat has it": ({"tools": [NESTED]}, "tools", "flat functions"),
    "a tool with a bad name": ({"tools": [{**WEATHER, "name": "1 f"}]}, "tools", "the tool name '1 f' is refused"),
    "two tools of one name": ({"tools": [WEATHER, WEATHER]}, "tools", "two tools are called"),
    "a tool without an object": ({"tools": [{**WEATHER, "parameters": {"type": "array"}}]}, "tools", "object schema"),
    "what is no JSON": ({"text": {"format": object()}}, None, "cannot be written as JSON"),
}


@pytest.mark.parametrize("verb", ["create", "stream"])
@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
async def test_what_is_refused_before_it_is_sent(both, server, refused, verb):
    given, param, said = refused
    responses = both.client(server).responses

    with pytest.raises(InvalidParameterError, match=said) as raised:
        await both.get(getattr(responses, verb)(**{**ASKED, **given}))
    assert raised.value.param == param
    assert not server.accepted


async def test_a_model_that_is_not_known_is_asked_anything(both, server, wire):
    responses = both.client(server.answers(wire.reply({"output": []}))).responses
    await both.get(responses.create(model="step-9", input="Hi", effort="extreme"))

    assert server.requests[-1].json["reasoning"] == {"effort": "extreme"}


# --- Streams ----------------------------------------------------------------------------------------------------------


async def test_a_stream_that_was_left_has_no_whole(both, responses):
    stream = responses.stream(model=MODEL, input="Count to 50")
    first = await both.first(stream)

    assert (first.type, first.sequence_number) == ("response.created", 0)
    assert stream.trace_id
    await both.get(stream.close())
    with pytest.raises(StreamInterruptedError, match="closed or broke"):
        await both.get(stream.response())


async def test_a_stream_asks_nothing_before_it_is_read(both, emulator, responses):
    before = len(emulator.requests)
    stream = responses.stream(model=MODEL, input="What is 6 * 7?")

    assert (len(emulator.requests), stream.trace_id) == (before, None)
    assert (await both.get(stream.response())).text == "6 * 7 = 42"
