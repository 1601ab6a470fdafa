"""What the service refuses, it refuses with the documented status, type and body (WIRE.md sections 2 and 4)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import stepfun_emulator

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": "done", "tool_call_id": "call_1"}
SPEAKING = {"model": "step-audio-2", "modalities": ["text", "audio"]}


def function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, **fields}}


def part(**fields: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [fields]}]


def refused(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert error["type"] == kind
    assert error["message"]
    return error


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic abc"}])
def test_missing_key_is_401(emulator, headers):
    response = httpx.post(f"{emulator.base_url}/chat/completions", json={}, headers=headers)
    refused(response, 401, "invalid_api_key")
    assert response.headers["x-trace-id"]


def test_invalid_key_is_401(emulator):
    response = httpx.get(f"{emulator.base_url}/models", headers={"authorization": "Bearer invalid-key"})
    refused(response, 401, "invalid_api_key")


def test_broke_key_is_402(emulator):
    response = httpx.get(f"{emulator.base_url}/models", headers={"authorization": "Bearer broke-key"})
    refused(response, 402, "quota_exceeded")


@pytest.mark.parametrize("path", ["/nothing", "/chat/completions/", "/models/", "/chat", "/audio/speeches"])
def test_unknown_path_is_a_plain_text_404(http, path):
    response = http.post(path)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")


def test_other_method_is_a_plain_text_404(http):
    assert http.get("/chat/completions").status_code == 404


def test_unknown_model_is_404(ask):
    refused(ask("Hi", model="gpt-5"), 404, "model_invalid")


def test_missing_model_is_400(ask):
    assert refused(ask("Hi", model=""), 400, "request_params_invalid")["param"] == "model"


def test_model_of_another_kind_is_400(ask):
    assert "tts" in refused(ask("Hi", model="step-tts-2"), 400, "request_params_invalid")["message"]


def test_messages_only_model_is_refused_for_chat(ask):
    error = refused(ask("Hi", model="emulator-messages-only"), 400, "request_params_invalid")
    assert error["message"] == ("this model is not enabled for the Chat Completions API, please use the Messages API")


def test_moderated_content_is_451(ask):
    refused(ask("this is censored-by-emulator content"), 451, "censorship_blocked")


def test_too_long_a_context_is_400(ask):
    error = refused(ask("word " * 9000, model="step-1-8k"), 400, "request_params_invalid")
    assert "8192" in error["message"]


@pytest.mark.parametrize("content", [b"not json", b"", b"[]", b'"text"'])
def test_body_must_be_a_json_object(http, content):
    refused(http.post("/chat/completions", content=content), 400, "request_params_invalid")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_completion_tokens": 5}, "max_completion_tokens"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"seed": 1}, "seed"),
        ({"stream": True, "stream_options": {"chunk": 1}}, "stream_options.chunk"),
        ({"messages": [{**USER, "name": "bob"}]}, "messages[0].name"),
        ({"messages": part(type="text", text="Hi", cache_control={})}, "messages[0].content[0].cache_control"),
        ({"tools": [function(strict=True)]}, "tools[0].function.strict"),
    ],
)
def test_undocumented_parameters_are_refused_by_name(ask, body, param):
    messages = body.pop("messages", [USER])
    assert refused(ask(messages, **body), 400, "request_params_invalid")["param"] == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"frequency_penalty": -0.1}, "frequency_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stop": 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": 1}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "include_usage"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"reasoning_effort": "medium", "model": "step-3.5-flash-2603"}, "reasoning_effort"),
        ({"reasoning_effort": "low", "model": "step-2-mini"}, "reasoning_effort"),
        ({"reasoning_format": "other"}, "reasoning_format"),
        ({"response_format": "json"}, "response_format.type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "response_format.json_schema.schema",
        ),
        (
            {
                "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
                "model": "step-3.7-flash",
            },
            "response_format.type",
        ),
        ({"modalities": "audio"}, "modalities"),
        ({"modalities": [["audio"]]}, "modalities"),
        ({"modalities": ["text", "video"]}, "modalities"),
        ({"modalities": ["text", "audio"], "model": "stepaudio-2.5-chat"}, "modalities"),
        (SPEAKING, "audio"),
        ({**SPEAKING, "audio": {"voice": "a", "format": "pcm"}}, "audio.format"),
        ({**SPEAKING, "audio": {"voice": "a", "format": "wav"}, "stream": True}, "audio.format"),
        ({"tools": {}}, "tools"),
        ({"tools": [function()] * 129}, "tools"),
        ({"tools": [function(), function()]}, "tools"),
        ({"tools": [function()], "model": "step-audio-r1.1"}, "tools"),
        ({"tools": [1]}, "tools[0].type"),
        ({"tools": [{"type": "code"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [function(name="1st")]}, "tools[0].function.name"),
        ({"tools": [function(name="a" * 65)]}, "tools[0].function.name"),
        ({"tools": [function(name="a.b")]}, "tools[0].function.name"),
        ({"tools": [function(description=1)]}, "tools[0].function.description"),
        ({"tools": [function(parameters={"type": "array"})]}, "tools[0].function.parameters"),
        ({"tools": [{"type": "web_search", "function": {"description": 1}}]}, "tools[0].function"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].function.options"),
        ({"tools": [function()], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [function()], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_parameters_are_checked(ask, body, param):
    assert refused(ask("Hi", **body), 400, "request_params_invalid")["param"] == param


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("nothing", "messages"),
        ([1], "messages[0]"),
        ([{"role": "developer", "content": "x"}], "messages[0].role"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role"),
        ([{"role": "system", "content": [{"type": "text", "text": "x"}]}], "messages[0].content"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": []}], "messages[0].content"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0]"),
        (part(type="text"), "messages[0].content[0].text"),
        (part(type="file"), "messages[0].content[0].type"),
        ([USER, {"role": "assistant"}], "messages[1].content"),
        ([USER, {"role": "assistant", "content": [{"type": "text", "text": "x"}]}], "messages[1].content"),
        ([USER, {"role": "assistant", "content": "x", "tool_calls": {}}], "messages[1].tool_calls"),
        ([USER, {**ASSISTANT, "tool_calls": [1]}], "messages[1].tool_calls[0]"),
        ([USER, {**ASSISTANT, "tool_calls": [{"type": "other"}]}], "messages[1].tool_calls[0]"),
        ([USER, {**ASSISTANT, "tool_calls": [{**CALL, "id": ""}]}], "messages[1].tool_calls[0].id"),
        (
            [USER, {**ASSISTANT, "tool_calls": [{**CALL, "function": {"name": "f"}}]}],
            "messages[1].tool_calls[0].function",
        ),
        ([USER, ASSISTANT, {**RESULT, "content": None}], "messages[2].content"),
        ([USER, ASSISTANT, {**RESULT, "tool_call_id": 1}], "messages[2].tool_call_id"),
        ([USER, RESULT], "messages[1].tool_call_id"),
        ([USER, ASSISTANT, {**RESULT, "tool_call_id": "call_2"}], "messages[2].tool_call_id"),
        ([USER, ASSISTANT, RESULT, RESULT], "messages[3].tool_call_id"),
        ([USER, ASSISTANT, USER], "messages[2]"),
        ([USER, ASSISTANT], "messages"),
    ],
)
def test_messages_are_checked(http, messages, param):
    body = {"model": "step-3.5-flash", "messages": messages}
    response = http.post("/chat/completions", json=body)
    assert refused(response, 400, "request_params_invalid")["param"] == param


def test_a_complete_history_is_accepted(ask):
    history = [{"role": "system", "content": "Be brief."}, USER, {**ASSISTANT, "reasoning_content": "So"}, RESULT]
    assert ask(history).status_code == 200
    assert ask([*history, {"role": "assistant", "content": "done"}, USER]).status_code == 200


def test_null_stands_for_an_absent_parameter(ask):
    assert ask("Hi", stop=None, tools=None, temperature=None).status_code == 200


def test_lenient_ignores_what_the_service_ignores():
    with stepfun_emulator.running(lenient=True) as base_url:
        body = {
            "model": "step-3.5-flash",
            "messages": [{"role": "developer", "content": "Be brief."}, {**USER, "name": "bob"}],
            "max_completion_tokens": 5,
            "parallel_tool_calls": False,
            "stream_options": {"chunk": 1},
            "tools": [function(strict=True)],
        }
        response = httpx.post(f"{base_url}/chat/completions", json=body, headers={"authorization": "Bearer a"})
        assert response.status_code == 200
        counted = httpx.post(f"{base_url}/token/count", json=body, headers={"authorization": "Bearer a"})
        assert counted.status_code == 200


def test_router_exists_on_the_step_plan_only(emulator, ask):
    refused(ask("Hi", model="step-router-v1"), 404, "model_invalid")
    body: dict[str, Any] = {"model": "step-router-v1", "messages": [USER]}
    with httpx.Client(base_url=emulator.plan_url, headers={"authorization": "Bearer a"}) as plan:
        response = plan.post("/chat/completions", json=body)
        assert response.status_code == 200
        assert response.headers["x-router-id"] == "path:/step_plan/v1/chat/"
        refused(plan.post("/chat/completions", json={**body, "max_tokens": 384_001}), 400, "request_params_invalid")
        searching = {**body, "tools": [{"type": "web_search", "function": {"description": "d"}}]}
        refused(plan.post("/chat/completions", json=searching), 400, "request_params_invalid")
        picture = part(type="image_url", image_url={"url": "https://example.com/a.png"})
        refused(plan.post("/chat/completions", json={**body, "messages": picture}), 400, "unsupported_content_type")


def test_a_stream_of_the_router_has_several_completion_ids(emulator, events):
    body = {"model": "step-router-v1", "messages": [{"role": "user", "content": "Count to 20"}], "stream": True}
    response = httpx.post(f"{emulator.plan_url}/chat/completions", json=body, headers={"authorization": "Bearer a"})
    found = events(response)
    ids = {chunk["id"] for chunk in found}
    assert len(ids) == 2
    assert {id_.partition(".")[0] for id_ in ids} == {response.headers["x-trace-id"]}
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in found)
    assert said == ", ".join(map(str, range(1, 21)))


@pytest.mark.parametrize("path", ["/models", "/files", "/token/count", "/accounts", "/responses"])
def test_other_paths_of_the_step_plan_are_a_plain_text_404(emulator, path):
    response = httpx.get(f"{emulator.plan_url}{path}", headers={"authorization": "Bearer a"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")
    assert "x-trace-id" not in response.headers
