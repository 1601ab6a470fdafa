"""POST /responses: OpenAI's newer shape of the same answers (WIRE.md section 5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import pytest

import stepfun_emulator

MODEL = "step-3.7-flash"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Paris"}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "sunny, 21 degrees"}
PICTURE = {"type": "input_image", "image_url": "https://example.com/a.png"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TEXT = {"type": "string"}
COUNT = {"type": "integer"}
STATUS = {"enum": ["completed", "incomplete", "in_progress"]}
ITEM = {
    "oneOf": [
        _object(id=TEXT, type={"const": "reasoning"}, status=STATUS, summary={"type": "array", "maxItems": 0},
                content={"type": "array", "items": _object(type={"const": "reasoning_text"}, text=TEXT)}),
        _object(id=TEXT, type={"const": "message"}, status=STATUS, role={"const": "assistant"},
                content={"type": "array", "items": _object(type={"const": "output_text"}, text=TEXT,
                                                           annotations={"type": "array"})}),
        _object(id=TEXT, type={"const": "function_call"}, status=STATUS, call_id=TEXT, name=TEXT, arguments=TEXT),
    ]
}  # fmt: skip
RESPONSE = _object(
    id={"type": "string", "pattern": r"^resp_[0-9a-f]{32}\.[0-9a-f]+$"},
    object={"const": "response"},
    created_at=COUNT,
    model=TEXT,
    status={"enum": ["completed", "incomplete"]},
    error={"type": "null"},
    incomplete_details={"oneOf": [{"type": "null"}, _object(reason={"const": "max_output_tokens"})]},
    output={"type": "array", "items": ITEM},
    instructions={"type": ["string", "null"]},
    max_output_tokens={"type": ["integer", "null"]},
    parallel_tool_calls={"type": "boolean"},
    reasoning=_object(effort={"type": ["string", "null"]}, summary={"type": "null"}),
    text=_object(format={"type": "object"}),
    tool_choice={"const": "auto"},
    tools={"type": "array"},
    usage=_object(
        input_tokens=COUNT,
        input_tokens_details=_object(cached_tokens=COUNT),
        output_tokens=COUNT,
        output_tokens_details=_object(reasoning_tokens={"const": 0}),
        total_tokens=COUNT,
    ),
)

Post = Callable[..., httpx.Response]


@pytest.fixture
def post(http) -> Post:
    def send(given: Any, *, fault: str | None = None, **body: Any) -> httpx.Response:
        headers = {} if fault is None else {"x-emulator-fault": fault}
        return http.post("/responses", json={"model": MODEL, "input": given, **body}, headers=headers)

    return send


@pytest.fixture
def answer(post):
    """The body of a response, which has the documented shape."""

    def read(given: Any, **body: Any) -> dict[str, Any]:
        response = post(given, **body)
        assert response.status_code == 200, response.text
        jsonschema.validate(response.json(), RESPONSE)
        return response.json()

    return read


def stream_of(response: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream, each named as its type says, numbered without a gap."""
    assert response.status_code == 200, response.text
    found = []
    for one in response.text.split("\n\n")[:-1]:
        name, data = one.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def kinds(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def refused(response: httpx.Response, param: str | None, kind: str = "request_params_invalid") -> dict[str, Any]:
    assert response.status_code == 400, response.text
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert error["type"] == kind
    assert error.get("param") == param
    return error


# --- Replies ---------------------------------------------------------------------------------------------------------


def test_a_plain_answer(answer):
    response = answer("Reply with only OK")
    assert kinds(response) == ["reasoning", "message"]
    assert text_of(response) == "OK"
    assert (response["status"], response["incomplete_details"]) == ("completed", None)
    assert {item["status"] for item in response["output"]} == {"completed"}
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_it_is_the_answer_of_chat(answer, ask):
    question = "How many days are there from 3 to 17 + 4?"
    reply = ask(question, model=MODEL).json()
    response = answer(question)
    assert text_of(response) == reply["choices"][0]["message"]["content"]
    assert response["output"][0]["content"][0]["text"] == reply["choices"][0]["message"]["reasoning"]
    assert response["usage"]["total_tokens"] == reply["usage"]["total_tokens"]


def test_instructions_and_turns(answer):
    turns = [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": [{"type": "input_text", "text": "What is my name?"}], "type": "message"},
    ]
    response = answer(turns, instructions="Be brief.")
    assert "Ada" in text_of(response)
    assert response["instructions"] == "Be brief."
    assert response["usage"]["input_tokens"] > answer(turns)["usage"]["input_tokens"]
    system = [{"role": "system", "content": "Be brief."}, *turns]
    assert answer(system)["usage"]["input_tokens"] == response["usage"]["input_tokens"]


def test_effort(answer):
    def thoughts(effort: str) -> str:
        response = answer("Count to 3", reasoning={"effort": effort})
        assert response["reasoning"]["effort"] == effort
        return response["output"][0]["content"][0]["text"]

    assert len(thoughts("high")) > len(thoughts("medium")) > len(thoughts("low")) > 0
    assert answer("Count to 3", reasoning={})["output"][0]["content"][0]["text"] == thoughts("medium")


def test_a_tool_loop_takes_its_own_items_back(answer):
    given: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]
    response = answer(given, tools=[WEATHER])
    assert kinds(response) == ["reasoning", "function_call", "function_call"]
    calls = response["output"][1:]
    assert [json.loads(call["arguments"]) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    outputs = [{**OUTPUT, "call_id": call["call_id"], "output": f"sunny {call['call_id']}"} for call in calls]
    last = answer([*given, *response["output"], *outputs], tools=[WEATHER])
    assert all(f"sunny {call['call_id']}" in text_of(last) for call in calls)
    assert last["tools"] == [WEATHER]


def test_images_are_looked_at(answer, chart, data_uri):
    parts = [{"type": "input_image", "image_url": data_uri(chart, "image/png")},
             {"type": "input_text", "text": "How many bars?"}]  # fmt: skip
    assert "3 bars" in text_of(answer([{"role": "user", "content": parts}]))
    low, high = (
        answer([{"role": "user", "content": [{**PICTURE, "detail": detail}]}])["usage"]["input_tokens"]
        for detail in ("low", "high")
    )
    assert high > low > 169


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "name": "city", "schema": CITY}, CITY),
        ({"type": "json_schema", "name": "city", "schema": CITY, "strict": True, "description": "A city"}, CITY),
    ],
)
def test_text_format(answer, kind, schema):
    response = answer("Which city is it? Paris. Answer in JSON.", text={"format": kind})
    jsonschema.validate(json.loads(text_of(response)), schema)
    assert response["text"] == {"format": kind}


def test_text_format_may_be_text(answer):
    assert text_of(answer("Reply with only OK", text={"format": {"type": "text"}})) == "OK"
    assert answer("Hi", text={})["text"] == {"format": {"type": "text"}}


@pytest.mark.parametrize(("limit", "last"), [(5, "reasoning"), (60, "message")])
def test_max_output_tokens_leaves_it_incomplete(answer, limit, last):
    response = answer("Count to 500", max_output_tokens=limit)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert (kinds(response)[-1], response["output"][-1]["status"]) == (last, "incomplete")
    assert response["usage"]["output_tokens"] == limit == response["max_output_tokens"]


def test_a_call_may_be_cut(answer):
    calls = [answer("weather in Paris", tools=[WEATHER], max_output_tokens=limit)["output"] for limit in range(30, 60)]
    cut = [found[-1] for found in calls if found[-1]["type"] == "function_call"]
    assert any(call["status"] == "incomplete" and call["arguments"] != '{"city": "Paris"}' for call in cut)


# --- Streams ---------------------------------------------------------------------------------------------------------


def same(value: Any) -> Any:
    """A response without what differs between two of them."""
    if isinstance(value, dict):
        return {name: same(one) for name, one in value.items() if name not in ("id", "call_id", "created_at")}
    return [same(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("body", [{}, {"tools": [WEATHER]}, {"max_output_tokens": 5}, {"max_output_tokens": 55}])
def test_a_stream_adds_up_to_the_whole_response(answer, post, body):
    question = "What is the weather in Paris and Rome?"
    found = stream_of(post(question, stream=True, **body))
    whole = answer(question, **body)
    *_, last = found
    assert last["type"] == f"response.{whole['status']}"
    jsonschema.validate(last["response"], RESPONSE)
    assert same(last["response"]) == same(whole)
    assert [event["item"] for event in found if event["type"] == "response.output_item.done"] == (
        last["response"]["output"]
    )
    for index, item in enumerate(last["response"]["output"]):
        mine = [event for event in found if event.get("output_index") == index]
        pieces = "".join(event["delta"] for event in mine if event["type"].endswith(".delta"))
        assert pieces == (item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"])
        assert all(event.get("item_id", item["id"]) == item["id"] for event in mine)


def test_the_order_of_events(post):
    found = [event["type"] for event in stream_of(post("weather in Paris", stream=True, tools=[WEATHER]))]
    runs = [kind for at, kind in enumerate(found) if at == 0 or found[at - 1] != kind]
    assert [kind.removeprefix("response.") for kind in runs] == [
        "created", "in_progress",
        "output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done",
        "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    text = {event["type"] for event in stream_of(post("Reply with only OK", stream=True))}
    assert {"response.output_text.delta", "response.output_text.done"} <= text


# --- Refusals --------------------------------------------------------------------------------------------------------


def said(role: str, *parts: Any, **more: Any) -> dict[str, Any]:
    return {"input": [{"role": role, "content": list(parts), **more}]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["Hi"]}, "input[0]"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "developer", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": "x", "name": "bob"}]}, "input[0].name"),
        (said("user"), "input[0].content"),
        (said("user", "Hi"), "input[0].content[0].type"),
        (said("user", {"type": "text", "text": "Hi"}), "input[0].content[0].type"),
        (said("user", {"type": "input_text"}), "input[0].content[0].text"),
        (said("user", {"type": "input_text", "text": "Hi", "cache": 1}), "input[0].content[0].cache"),
        (said("user", {"type": "input_image", "file_id": "x"}), "input[0].content[0].file_id"),
        (said("user", {**PICTURE, "detail": "auto"}), "input[0].content[0].detail"),
        (said("system", {"type": "input_text", "text": "Hi"}), "input[0].content"),
        ({"input": [OUTPUT]}, "input[0].call_id"),
        ({"input": [CALL]}, "input"),
        ({"input": [CALL, {"role": "user", "content": "Hi"}]}, "input[1]"),
        ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments"),
        ({"input": [CALL, {**OUTPUT, "output": [1]}]}, "input[1].output"),
        ({"instructions": 5}, "instructions"),
        ({"model": ""}, "model"),
        ({"model": "step-tts-2"}, "model"),
        ({"reasoning": "high"}, "reasoning"),
        ({"reasoning": {"effort": "max"}}, "reasoning.effort"),
        ({"reasoning": {"summary": "auto"}}, "reasoning.summary"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_tokens": 5}, "max_tokens"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].function"),
        ({"tools": [{**WEATHER, "strict": True}]}, "tools[0].strict"),
        ({"tools": [{**WEATHER, "name": "no spaces"}]}, "tools[0].name"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tool_choice": "required", "tools": [WEATHER]}, "tool_choice"),
        ({"tool_choice": "none", "tools": [WEATHER]}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "get_weather"}, "tools": [WEATHER]}, "tool_choice"),
        ({"text": "json"}, "text"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "schema": CITY}}}, "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"stream": "yes"}, "stream"),
        ({"store": True}, "store"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"temperature": 1}, "temperature"),
    ],
)
def test_what_is_refused_by_name(post, body, param):
    refused(post(**{"given": body.get("input", "Hi"), **{k: v for k, v in body.items() if k != "input"}}), param)


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "assistant", "content": "Hello", "type": "message"}, "input[1].type"),
        ({"role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}, "input[1].content"),
        ({"role": "user", "content": [{"type": "output_text", "text": "Hello"}]}, "input[1].content[0].type"),
    ],
)
def test_an_assistants_turn_is_replayed_as_plain_text_only(post, item, param):
    error = refused(post([{"role": "user", "content": "Hi"}, item]), param)
    assert "without type and without output_text parts" in error["message"]


def test_other_refusals(post, emulator, http):
    assert post("Hi", model="gpt-5").status_code == 404
    error = refused(post("Hi", model="step-3.5-flash"), None)
    assert error["message"] == "this model is not enabled for the Responses API, please use the Chat Completions API"
    assert post("this is censored-by-emulator").json()["error"]["type"] == "censorship_blocked"
    plan = httpx.post(f"{emulator.plan_url}/responses", json={}, headers={"authorization": "Bearer a"})
    assert (plan.status_code, plan.headers["content-type"].partition(";")[0]) == (404, "text/plain")
    assert http.post("/responses", content=b"no JSON").status_code == 400


def test_lenient_ignores_what_is_not_documented():
    with stepfun_emulator.running(lenient=True) as base_url:
        body = {
            "model": MODEL, "store": False, "temperature": 0.5, "tools": [{**WEATHER, "strict": True}],
            "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Reply with only OK"}],
        }  # fmt: skip
        response = httpx.post(f"{base_url}/responses", json=body, headers={"authorization": "Bearer k"})
        assert text_of(response.json()) == "OK"


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_a_response_that_fails(post):
    whole = post("Hi", fault="response-failed").json()
    assert (whole["status"], whole["error"]["code"], whole["output"]) == ("failed", "server_error", [])
    *_, before, last = stream_of(post("Hi", stream=True, fault="response-failed"))
    assert before["type"].endswith(".delta")
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")


def test_an_error_in_a_stream_is_an_event_with_a_number(post):
    *_, last = stream_of(post("Count to 9", stream=True, fault="error-in-stream"))
    assert (last["type"], last["code"], last["param"]) == ("error", "server_error", None)


def test_cut_streams(post):
    assert len(stream_of(post("Count to 9", stream=True, fault="cut-stream"))) == 3
    with pytest.raises(httpx.RemoteProtocolError):
        post("Count to 9", stream=True, fault="cut-connection")
