"""POST /messages and /messages/count_tokens: Anthropic's shape of the same answers (WIRE.md section 5)."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import jsonschema
import pytest

import stepfun_emulator

MODEL = "step-3.7-flash"
USER = {"role": "user", "content": "Hi"}
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PICTURE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny, 21 degrees"}

BLOCKS = {
    "oneOf": [
        {"properties": {"type": {"const": "text"}, "text": {"type": "string"}}, "required": ["text"],
         "additionalProperties": False},
        {"properties": {"type": {"const": "thinking"}, "thinking": {"type": "string"}, "signature": {"type": "string"}},
         "required": ["thinking", "signature"], "additionalProperties": False},
        {"properties": {"type": {"const": "tool_use"}, "id": {"type": "string"}, "name": {"type": "string"},
                        "input": {"type": "object"}},
         "required": ["id", "name", "input"], "additionalProperties": False},
    ]
}  # fmt: skip
MESSAGE = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": r"^msg_[0-9a-f]{32}\.[0-9a-f]+$"},
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": {"type": "string"},
        "content": {"type": "array", "items": BLOCKS},
        "stop_reason": {"enum": ["end_turn", "tool_use", "max_tokens", "stop_sequence"]},
        "stop_sequence": {"type": ["string", "null"]},
        "usage": {
            "type": "object",
            "properties": {"input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"}},
            "required": ["input_tokens", "output_tokens"],
            "additionalProperties": False,
        },
    },
    "required": ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"],
    "additionalProperties": False,
}


@pytest.fixture
def post(http):
    """Send a Messages request; a string stands for one user message."""

    def send(
        messages: Any, *, path: str = "/messages", fault: str | None = None, headers: Any = None, **body: Any
    ) -> httpx.Response:
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        limit = {"max_tokens": 1000} if path == "/messages" else {}
        sent = {"model": MODEL, **limit, "messages": messages, **body}
        more = {} if fault is None else {"x-emulator-fault": fault}
        wanted = {name: value for name, value in sent.items() if value is not ...}
        return http.post(path, json=wanted, headers={**more, **(headers or {})})

    return send


@pytest.fixture
def answer(post):
    """The body of a reply, which has the documented shape."""

    def read(messages: Any, **body: Any) -> dict[str, Any]:
        response = post(messages, **body)
        assert response.status_code == 200, response.text
        jsonschema.validate(response.json(), MESSAGE)
        return response.json()

    return read


def stream_of(response: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream, each named as its type says."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for one in response.text.split("\n\n")[:-1]:
        name, data = one.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def text_of(reply: dict[str, Any]) -> str:
    return "".join(block["text"] for block in reply["content"] if block["type"] == "text")


def refused(response: httpx.Response, param: str | None, kind: str = "request_params_invalid") -> dict[str, Any]:
    """The error, in StepFun's shape and typed as Anthropic's."""
    assert response.status_code == 400, response.text
    body = response.json()
    assert set(body) == {"type", "error"}
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
    assert body["error"].get("param") == param
    return body["error"]


# --- Replies ---------------------------------------------------------------------------------------------------------


def test_a_plain_answer(answer):
    reply = answer("Reply with only OK")
    assert reply["content"] == [{"type": "text", "text": "OK"}]
    assert (reply["stop_reason"], reply["model"]) == ("end_turn", MODEL)


def test_it_is_the_answer_of_chat(answer, ask):
    question = "How many days are there from 3 to 17 + 4?"
    assert text_of(answer(question)) == ask(question).json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("system", ["My name is Ada.", [{"type": "text", "text": "Answer in one word."}]])
def test_system_prompts(answer, system):
    assert text_of(answer("Reply with only yes", system=system)) == "yes"
    assert answer("Hi", system=system)["usage"]["input_tokens"] > answer("Hi")["usage"]["input_tokens"]


def test_thoughts_come_where_effort_asks_for_them(answer):
    def thoughts(effort: str) -> str:
        first, second = answer("Count to 3", output_config={"effort": effort})["content"]
        assert second == {"type": "text", "text": "1, 2, 3"}
        return first["thinking"]

    assert len(thoughts("high")) > len(thoughts("medium")) > len(thoughts("low")) > 0
    for unasked in ({}, {"output_config": {}}):
        assert [block["type"] for block in answer("Count to 3", **unasked)["content"]] == ["text"]


def test_a_tool_loop(answer):
    messages: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]
    reply = answer(messages, tools=[WEATHER], output_config={"effort": "low"})
    assert reply["stop_reason"] == "tool_use"
    thinking, *uses = reply["content"]
    assert thinking["type"] == "thinking"
    assert [use["input"] for use in uses] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [{"type": "tool_result", "tool_use_id": use["id"], "content": f"sunny {use['id']}"} for use in uses]
    results[1]["content"] = [{"type": "text", "text": results[1]["content"]}]
    messages += [{"role": "assistant", "content": reply["content"]}, {"role": "user", "content": results}]
    last = answer(messages, tools=[WEATHER])
    assert last["stop_reason"] == "end_turn"
    assert all(f"sunny {use['id']}" in text_of(last) for use in uses)


def test_results_may_be_empty_or_errors_and_be_followed_by_words(answer):
    first = [
        {"role": "user", "content": "weather in Paris"},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, USE]},
    ]
    empty = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True}
    words = {"type": "text", "text": "Reply with only thanks"}
    assert "get_weather" in text_of(answer([*first, {"role": "user", "content": [empty]}], tools=[WEATHER]))
    assert text_of(answer([*first, {"role": "user", "content": [empty, words]}], tools=[WEATHER])) == "thanks"


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"type": "auto"}, []),
        ({"type": "none"}, []),
        ({"type": "any"}, ["get_weather"]),
        ({"type": "tool", "name": "get_weather"}, ["get_weather"]),
    ],
)
def test_tool_choice(answer, choice, called):
    reply = answer("Reply with only OK", tools=[WEATHER], tool_choice=choice)
    assert [block["name"] for block in reply["content"] if block["type"] == "tool_use"] == called


def test_images_are_looked_at(answer, chart):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(chart).decode()}
    image, question = {"type": "image", "source": source}, {"type": "text", "text": "How many bars?"}
    assert "3 bars" in text_of(answer([{"role": "user", "content": [image, question]}]))
    url = answer([{"role": "user", "content": [PICTURE, question]}])
    assert url["usage"]["input_tokens"] > answer("How many bars?")["usage"]["input_tokens"] + 150


def test_a_tool_may_answer_with_an_image(answer, chart):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(chart).decode()}
    result = {**RESULT, "content": [{"type": "text", "text": "drawn"}, {"type": "image", "source": source}]}
    said = text_of(
        answer(
            [
                {"role": "user", "content": "weather in Paris"},
                {"role": "assistant", "content": [USE]},
                {"role": "user", "content": [result]},
            ]
        )
    )
    assert "3 bars" in said
    assert "drawn" in said


def test_stop_sequences(answer):
    reply = answer("Count to 9", stop_sequences=["7", ", 4"])
    assert text_of(reply) == "1, 2, 3"
    assert (reply["stop_reason"], reply["stop_sequence"]) == ("stop_sequence", ", 4")


def test_max_tokens_cuts_and_thinking_counts(answer):
    cut = answer("Count to 50", max_tokens=5)
    assert (cut["stop_reason"], cut["usage"]["output_tokens"]) == ("max_tokens", 5)
    thoughts_only = answer("Count to 50", max_tokens=5, output_config={"effort": "high"})
    assert [block["type"] for block in thoughts_only["content"]] == ["thinking"]
    assert thoughts_only["stop_reason"] == "max_tokens"


def test_a_call_cut_by_max_tokens_is_left_out_of_a_whole_reply(answer):
    cut = answer("weather in Paris", tools=[WEATHER], max_tokens=4)
    assert (cut["content"], cut["stop_reason"]) == ([], "max_tokens")


def test_a_model_for_messages_only(answer, ask):
    assert text_of(answer("Reply with only OK", model="emulator-messages-only")) == "OK"
    error = ask("Hi", model="emulator-messages-only").json()["error"]
    assert error["message"] == "this model is not enabled for the Chat Completions API, please use the Messages API"


# --- Streams ---------------------------------------------------------------------------------------------------------


def joined(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply that the events of a stream add up to."""
    message = dict(found[0]["message"])
    blocks: dict[int, dict[str, Any]] = {}
    for event in found:
        if event["type"] == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            key = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}.get(
                delta["type"], "partial_json"
            )
            block[key] = block.get(key, "") + delta[key]
        elif event["type"] == "message_delta":
            message |= event["delta"] | {"usage": event["usage"]}
    for block in blocks.values():
        if "partial_json" in block:
            block["input"] = json.loads(block.pop("partial_json"))
    return {**message, "content": list(blocks.values())}


def same(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply without what differs between two replies."""
    content = [{name: value for name, value in block.items() if name != "id"} for block in reply["content"]]
    return {**reply, "id": "", "content": content}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output_config": {"effort": "low"}},
        {"tools": [WEATHER], "output_config": {"effort": "low"}},
        {"max_tokens": 6},
        {"stop_sequences": ["in"]},
    ],
)
def test_a_stream_adds_up_to_the_whole_reply(answer, post, body):
    question = "What is the weather in Paris and Rome?"
    found = stream_of(post(question, stream=True, **body))
    assert same(joined(found)) == same(answer(question, **body))


def test_the_order_of_events(post):
    found = stream_of(post("weather in Paris", stream=True, tools=[WEATHER], output_config={"effort": "low"}))
    kinds = [event["type"] for event in found]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert found[0]["message"]["content"] == []
    assert found[0]["message"]["stop_reason"] is None
    marks = [(event["type"][14:], event["index"]) for event in found if event["type"].startswith("content_block_")]
    assert [mark for mark in marks if mark[0] != "delta"] == [("start", 0), ("stop", 0), ("start", 1), ("stop", 1)]
    deltas = {event["delta"]["type"] for event in found if event["type"] == "content_block_delta"}
    assert deltas == {"thinking_delta", "signature_delta", "input_json_delta"}


def test_stop_reason_may_sit_at_the_top_level_of_the_event(post):
    *_, delta, _ = stream_of(post("Count to 3", stream=True, fault="stop-reason-on-top"))
    assert (delta["type"], delta["stop_reason"], delta["delta"]) == ("message_delta", "end_turn", {})
    *_, usual, _ = stream_of(post("Count to 3", stream=True))
    assert (usual["delta"]["stop_reason"], "stop_reason" in usual) == ("end_turn", False)


# --- Counting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"system": "Be brief."},
        {"tools": [WEATHER], "tool_choice": {"type": "auto"}},
        {"messages": [{"role": "user", "content": [PICTURE]}]},
        {"output_config": {"effort": "high"}},
    ],
)
def test_tokens_are_counted_as_they_are_charged(post, answer, body):
    body = dict(body)
    messages = body.pop("messages", [USER])
    counted = post(messages, path="/messages/count_tokens", **body).json()
    assert counted == {"input_tokens": answer(messages, **body)["usage"]["input_tokens"]}


@pytest.mark.parametrize("name", ["max_tokens", "stream", "temperature"])
def test_counting_takes_the_prompt_only(post, name):
    refused(post("Hi", path="/messages/count_tokens", **{name: 1}), name)


# --- Refusals --------------------------------------------------------------------------------------------------------


def user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"messages": [USER, {"role": "assistant", "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_tokens": ...}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"model": "step-tts-2"}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{**USER, "name": "bob"}]}, "messages[0].name"),
        (user("Hi"), "messages[0].content[0].type"),
        (user({"type": "text"}), "messages[0].content[0].text"),
        (user({"type": "text", "text": "Hi", "cache_control": {}}), "messages[0].content[0].cache_control"),
        (user({"type": "document"}), "messages[0].content[0].type"),
        (user(USE), "messages[0].content[0].type"),
        (user({"type": "image", "source": "x"}), "messages[0].content[0].source"),
        (user({"type": "image", "source": {"type": "file"}}), "messages[0].content[0].source.type"),
        (user({"type": "image", "source": {"type": "url"}}), "messages[0].content[0].source.url"),
        (user({"type": "image", "source": {"type": "base64"}}), "messages[0].content[0].source.media_type"),
        (
            user({"type": "image", "source": {"type": "url", "url": "https://a.b/c", "data": "x"}}),
            "messages[0].content[0].source.data",
        ),
        ({"model": "step-3.5-flash", **user(PICTURE)}, "messages[0].content[0].type"),
        (user(RESULT), "messages[0].content[0].tool_use_id"),
        (assistant(PICTURE), "messages[1].content[0].type"),
        (assistant(USE), "messages"),
        (assistant({**USE, "input": "{}"}), "messages[1].content[0].input"),
        (assistant({**USE, "id": ""}), "messages[1].content[0].id"),
        (assistant({"type": "thinking", "thinking": 1}), "messages[1].content[0].thinking"),
        ({"messages": [*assistant(USE)["messages"], USER]}, "messages[2]"),
        (
            {"messages": [*assistant(USE)["messages"], *user({**RESULT, "is_error": "no"})["messages"]]},
            "messages[2].content[0].is_error",
        ),
        ({"messages": [*assistant(USE)["messages"], *user({"type": "text", "text": "x"}, RESULT)["messages"]]},
         "messages[2]"),
        ({"system": 5}, "system"),
        ({"system": [PICTURE]}, "system[0].type"),
        ({"tools": {}}, "tools"),
        ({"tools": ["get_weather"]}, "tools[0]"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [{"name": "f", "input_schema": {"type": "string"}}]}, "tools[0].input_schema"),
        ({"tools": [{**WEATHER, "name": "no spaces"}]}, "tools[0].name"),
        ({"tools": [{**WEATHER, "type": "custom"}]}, "tools[0].type"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}, "tools": [WEATHER]}, "tool_choice.name"),
        ({"tool_choice": {"type": "tool", "name": "other"}, "tools": [WEATHER]}, "tool_choice"),
        ({"output_config": {"effort": "max"}}, "output_config.effort"),
        ({"output_config": {"format": {}}}, "output_config.format"),
        ({"model": "step-3.5-flash-2603", "output_config": {"effort": "medium"}}, "output_config.effort"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": 2.5}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"top_k": 501}, "top_k"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"metadata": {"user_id": "x"}}, "metadata"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking"),
        ({"service_tier": "auto"}, "service_tier"),
    ],
)  # fmt: skip
def test_what_is_refused_by_name(post, body, param):
    body = dict(body)
    messages = body.pop("messages", [USER])
    refused(post(messages, **body), param)


def test_other_refusals(post, http):
    assert post("Hi", model="claude").status_code == 404
    assert post("this is censored-by-emulator").json()["error"]["type"] == "censorship_blocked"
    broken = user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}})
    refused(post(broken["messages"]), "messages[0].content[0].source.data", "input_invalid")
    many = user(*[PICTURE] * 61)
    assert "max: 60" in refused(post(many["messages"]), None)["message"]
    assert http.post("/messages", content=b"no JSON").status_code == 400
    assert http.get("/messages").status_code == 404


def test_a_chat_model_without_messages_says_where_it_is(post):
    error = refused(post("Hi", model="step-1-8k"), None)
    assert error["message"] == "this model is not enabled for the Messages API, please use the Chat Completions API"


def test_lenient_ignores_what_is_not_documented():
    with stepfun_emulator.running(lenient=True) as base_url:
        content = [{"type": "text", "text": "Reply with only OK", "cache_control": {"type": "ephemeral"}}]
        reply = httpx.post(
            f"{base_url}/messages",
            json={
                "model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": content}],
                "metadata": {"user_id": "x"}, "tools": [{**WEATHER, "type": "custom"}],
                "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            },
            headers={"x-api-key": "k"},
        )  # fmt: skip
        assert text_of(reply.json()) == "OK"


# --- Keys, the plan, the router --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "k"}, 200),
        ({"authorization": "Bearer k"}, 200),
        ({"x-api-key": "invalid-key"}, 401),
        ({"x-api-key": ""}, 401),
        ({"authorization": "Bearer invalid", "x-api-key": "k"}, 401),
        ({}, 401),
        ({"x-api-key": "broke"}, 402),
    ],
)
def test_the_key_may_stand_in_either_header(emulator, headers, status):
    body = {"model": MODEL, "max_tokens": 10, "messages": [USER]}
    response = httpx.post(f"{emulator.base_url}/messages", json=body, headers=headers)
    assert response.status_code == status
    assert response.headers["x-trace-id"]
    assert "x-api-key" not in emulator.requests[-1].headers


def test_x_api_key_is_for_messages_only(emulator):
    body = {"model": MODEL, "messages": [USER]}
    assert httpx.post(f"{emulator.base_url}/chat/completions", json=body, headers={"x-api-key": "k"}).status_code == 401


def test_the_router_lives_on_the_plan_and_has_rules_of_its_own(emulator, post):
    assert post("Hi", model="step-router-v1").status_code == 404
    headers = {"x-api-key": "k"}
    with httpx.Client(base_url=emulator.plan_url, headers=headers) as plan:

        def routed(**body: Any) -> httpx.Response:
            sent = {"model": "step-router-v1", "max_tokens": 384_000, "messages": [USER], **body}
            return plan.post("/messages", json=sent)

        assert routed().status_code == 200
        for effort in ("high", "whatever"):  # ignored on Messages
            blocks = routed(output_config={"effort": effort}).json()["content"]
            assert [block["type"] for block in blocks] == ["text"]
        refused(routed(max_tokens=384_001), "max_tokens")
        for block in (PICTURE, {"type": "document"}):
            refused(routed(**user(block)), "messages[0].content[0].type", "unsupported_content_type")
        searching = {"type": "web_search_20250305", "name": "web_search"}
        assert "web_search" in refused(routed(tools=[searching]), "tools[0].type")["message"]
        counted = plan.post("/messages/count_tokens", json={"model": "step-router-v1", "messages": [USER]})
        assert counted.json()["input_tokens"] > 0


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_an_error_in_a_stream_is_an_event_of_that_name(post):
    *_, last = stream_of(post("Count to 9", stream=True, fault="error-in-stream"))
    assert (last["type"], last["error"]["type"]) == ("error", "server_error")
    assert post("Hi", fault="error-in-stream").json()["error"]["type"] == "server_error"


def test_cut_streams(post):
    assert len(stream_of(post("Count to 9", stream=True, fault="cut-stream"))) == 3
    with pytest.raises(httpx.RemoteProtocolError):
        post("Count to 9", stream=True, fault="cut-connection")
    assert stream_of(post("Count to 9", stream=True, fault="no-done"))[-1]["type"] == "message_delta"


def test_statuses_of_faults(post):
    assert post("Hi", fault="rate-limit").status_code == 429
    assert post("Hi", fault="overloaded").status_code == 503
