"""A chat request byte by byte, a whole reply field by field, and what is refused before anything is sent."""

from __future__ import annotations

import json
import types

import pytest

from stepfun_client import APIResponseError, InsufficientBalanceError, InvalidParameterError

ASK = '"model":"step-3.7-flash","messages":[{"role":"user","content":"Hi"}]'
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
SEARCH = {"type": "web_search", "function": {"description": "the web"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


REQUESTS = {
    "nothing more": ({}, ""),
    "None leaves a parameter out": ({"temperature": None, "tools": None, "stop": None}, ""),
    "temperature": ({"temperature": 0}, ',"temperature":0.0'),
    "limits": ({"max_tokens": 10, "top_p": 0.5, "n": 2}, ',"max_tokens":10,"top_p":0.5,"n":2'),
    "stop, one": ({"stop": "\n"}, ',"stop":"\\n"'),
    "stop, several": ({"stop": ["。", "!"]}, ',"stop":["。","!"]'),
    "effort": (
        {"reasoning_effort": "low", "reasoning_format": "general"},
        ',"reasoning_effort":"low","reasoning_format":"general"',
    ),
    "a named tool": (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
        f',"tools":[{compact(TOOL)}],"tool_choice":{{"type":"function","function":{{"name":"add"}}}}',
    ),
    "a tool of StepFun's": ({"tools": [SEARCH]}, f',"tools":[{compact(SEARCH)}]'),
    "a spoken answer": (
        {"modalities": ["text", "audio"], "audio": {"voice": "wenrounansheng", "format": "wav"}},
        ',"modalities":["text","audio"],"audio":{"voice":"wenrounansheng","format":"wav"}',
    ),
    "extra_body": ({"extra_body": {"new": [1, None]}}, ',"new":[1,null]'),
    "extra_body wins": ({"temperature": 1, "extra_body": {"temperature": 9}}, ',"temperature":9'),
}


@pytest.mark.parametrize(("params", "rest"), REQUESTS.values(), ids=REQUESTS)
async def test_the_request_byte_by_byte(both, server, wire, params, rest):
    model = {"model": "step-audio-2"} if "audio" in params else {}
    await both.get(both.client(server.answers(wire.completion())).chat.create(**{**wire.ask, **model, **params}))
    (request,) = server.requests
    ask = ASK.replace("step-3.7-flash", model.get("model", "step-3.7-flash"))
    assert request.body.decode() == "{" + ask + rest + "}"
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {wire.key}"
    assert request.headers["user-agent"].startswith("stepfun-integrations/")


STREAM_REQUESTS = {
    "usage is asked for": ({}, ',"stream":true,"stream_options":{"include_usage":true}'),
    "unless told otherwise": (
        {"stream_options": {"include_usage": False}},
        ',"stream_options":{"include_usage":false},"stream":true',
    ),
}


@pytest.mark.parametrize(("params", "rest"), STREAM_REQUESTS.values(), ids=STREAM_REQUESTS)
async def test_the_request_of_a_stream(both, server, wire, params, rest):
    await both.items(both.client(server.answers(wire.answer())).chat.stream(**wire.ask, **params))
    assert json.loads(server.requests[0].body) == json.loads("{" + ASK + rest + "}")


async def test_messages_are_sent_as_they_are(both, server, wire):
    messages = [
        {"role": "system", "content": "简短"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "stepfile://f1", "detail": "high"}}]},
        {"role": "assistant", "content": None, "reasoning_content": "…", "tool_calls": [{"id": "call_1"}]},
        {"role": "tool", "content": "{}", "tool_call_id": "call_1"},
    ]
    client = both.client(server.answers(wire.completion()))
    await both.get(client.chat.create(model="step-3.7-flash", messages=iter(messages)))
    assert server.requests[0].json["messages"] == messages
    assert "简短".encode() in server.requests[0].body


async def test_the_role_developer_is_sent_as_system(both, server, wire):
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    await both.get(both.client(server.answers(wire.completion())).chat.create(model="step-3", messages=messages))
    assert [message["role"] for message in server.requests[0].json["messages"]] == ["system", "user"]
    assert messages[0]["role"] == "developer"


REFUSED = {
    "unknown": (
        {"temprature": 1},
        "temprature",
        "'temprature' is no parameter of this call; known are audio, extra_body",
    ),
    "undocumented": ({"max_completion_tokens": 1}, "max_completion_tokens", "on purpose with extra_body={...}"),
    "temperature": ({"temperature": 2.1}, "temperature", "temperature is 2.1: input should be less than or equal to 2"),
    "temperature, nan": ({"temperature": float("nan")}, "temperature", "temperature is nan"),
    "temperature, text": (
        {"temperature": "hot"},
        "temperature",
        "temperature is 'hot': input should be a valid number",
    ),
    "top_p": ({"top_p": -0.1}, "top_p", "greater than or equal to 0"),
    "frequency_penalty": ({"frequency_penalty": 1.5}, "frequency_penalty", "less than or equal to 1"),
    "max_tokens": ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    "n": ({"n": 0}, "n", "greater than or equal to 1"),
    "stop": ({"stop": [1]}, "stop", "valid string"),
    "reasoning_format": ({"reasoning_format": "loud"}, "reasoning_format", "'general' or 'deepseek-style'"),
    "modalities": (
        {"modalities": ["smell"]},
        "modalities",
        "modalities.0 is 'smell': input should be 'text' or 'audio'",
    ),
    "a long value": ({"max_tokens": "x" * 200}, "max_tokens", "x" * 79 + "…"),
    "timeout": ({"timeout": 0}, "timeout", "greater than 0"),
    "extra_headers": ({"extra_headers": {"a": 1}}, "extra_headers", "valid string"),
    "effort": (
        {"model": "step-3.5-flash-2603", "reasoning_effort": "medium"},
        "reasoning_effort",
        "step-3.5-flash-2603 takes 'low', 'high'; if StepFun allows it by now, send it with extra_body={...}",
    ),
    "json_schema": ({"response_format": SCHEMA}, "response_format", "step-3.7-flash does not take response_format"),
    "audio out": ({"modalities": ["text", "audio"]}, "modalities", "step-3.7-flash answers in text only"),
    "no messages": ({"messages": []}, "messages", "at least one message"),
    "a text for messages": ({"messages": "Hi"}, "messages", "at least one message"),
    "a message for messages": ({"messages": {"role": "user"}}, "messages", "at least one message"),
    "a text for a message": ({"messages": ["Hi"]}, "messages", "messages[0] is no message object"),
    "no role": ({"messages": [{"content": "Hi"}]}, "messages", "system, user, assistant or tool"),
    "61 images": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}] * 61}]},
        "messages",
        "61 images; StepFun accepts at most 60",
    ),
    "no model": ({"model": ""}, "model", "model is ''; it must be a model id"),
    "None for a model": ({"model": None}, "model", "model is None"),
    "a tool's name": (
        {"tools": [{"type": "function", "function": {"name": "2+2"}}]},
        "tools",
        "the tool name '2+2' is refused by StepFun: it must begin with a letter or _, and hold at most 64 letters",
    ),
    "a tool without a name": ({"tools": [{"type": "function"}]}, "tools", "the tool name None is refused"),
    "a tool's long name": ({"tools": [{"type": "function", "function": {"name": "a" * 65}}]}, "tools", "at most 64"),
    "a tool's parameters": (
        {"tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "array"}}}]},
        "tools",
        "have type 'array' at their root; StepFun wants an object schema",
    ),
    "what is no JSON": ({"extra_body": {"when": object()}}, None, "cannot be written as JSON"),
    "half a character": ({"stop": "\ud83c"}, None, "surrogates not allowed"),
    "infinity": ({"extra_body": {"top_k": float("inf")}}, None, "not JSON compliant"),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
async def test_refused_before_anything_is_sent(both, server, wire, refused):
    client, (params, param, message) = both.client(server), refused
    for ask in (client.chat.create, client.chat.stream):
        with pytest.raises(InvalidParameterError) as raised:
            await both.get(ask(**{**wire.ask, **params}))
        assert message in str(raised.value)
        assert raised.value.param == param
    assert server.accepted == 0


@pytest.mark.parametrize(("verb", "right", "wrong"), [("create", "wav", "pcm"), ("stream", "pcm", "wav")])
async def test_sound_is_wav_without_stream_and_pcm_in_one(both, wire, verb, right, wrong):
    speak = {**wire.ask, "model": "step-audio-2", "modalities": ["text", "audio"]}
    ask = getattr(both.client().chat, verb)
    with pytest.raises(InvalidParameterError, match=f"audio format is '{wrong}'; .* so here '{right}'"):
        await both.get(ask(**speak, audio={"format": wrong}))


PAST_THE_RULES = {
    "by extra_body": {"extra_body": {"response_format": SCHEMA, "reasoning_effort": "extreme", "temperature": 9}},
    "by a model nobody knows": {"model": "step-9", "response_format": SCHEMA, "reasoning_effort": "extreme"},
    "a tool without parameters": {"tools": [{"type": "function", "function": {"name": "_now"}}]},
    "a tool that is none of ours to judge": {"tools": [{"type": "retrieval", "function": {"name": "2+2"}}]},
    "60 images": {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}] * 60}]
    },
    "tool_choice required, which nothing documents": {"tool_choice": "required", "parallel_tool_calls": False},
    "a read-only mapping": {"response_format": dict(types.MappingProxyType({"type": "json_object"}))},
}


@pytest.mark.parametrize("params", PAST_THE_RULES.values(), ids=PAST_THE_RULES)
async def test_what_is_not_certainly_wrong_is_sent(both, server, wire, params):
    await both.get(both.client(server.answers(wire.completion())).chat.create(**{**wire.ask, **params}))
    sent = server.requests[0].json
    expected = {**params, **params.get("extra_body", {})}
    assert {name: sent[name] for name in expected if name != "extra_body"} == {
        name: value for name, value in expected.items() if name != "extra_body"
    }


async def test_a_whole_reply(both, server, wire):
    body = wire.completion_body(
        "4",
        reasoning="two and two",
        reasoning_content="two and two",
        tool_calls=[
            {"id": "call_1", "type": "function", "index": 0, "function": {"name": "add", "arguments": '{"a":2}'}},
            {"id": "s1", "type": "web_search", "function": {"name": "step_websearch"}, "results": [{"index": 1}]},
        ],
    )
    usage = {"prompt_tokens": 29, "completion_tokens": 4, "total_tokens": 33, "cached_tokens": 26}
    server.answers(wire.reply({**body, "usage": usage, "new_field": {"kept": True}}))
    reply = await both.get(both.client(server).chat.create(**wire.ask))
    assert (reply.text, reply.reasoning, reply.trace_id) == ("4", "two and two", wire.trace_id)
    assert (reply.usage.total_tokens, reply.usage.cached) == (33, 26)
    assert [(call.function.name, call.is_server_call) for call in reply.tool_calls] == [
        ("add", False),
        ("step_websearch", True),
    ]
    assert reply.tool_calls[1].results == [{"index": 1}]
    assert reply.new_field == {"kept": True}


READINGS = {
    "content null": ({"content": None}, ("", None)),
    "content empty": ({"content": ""}, ("", None)),
    "reasoning alone": ({"reasoning": "hm"}, ("OK", "hm")),
    "reasoning_content alone": ({"reasoning_content": "hm"}, ("OK", "hm")),
    "both": ({"reasoning": "hm", "reasoning_content": "hm"}, ("OK", "hm")),
    "one of them null": ({"reasoning": "hm", "reasoning_content": None}, ("OK", "hm")),
    "spoken": ({"content": None, "audio": {"data": "AQID", "transcript": "Hello"}}, ("Hello", None)),
    "nulls": ({"role": None, "tool_calls": None, "audio": {"data": None, "transcript": None}}, ("OK", None)),
}


@pytest.mark.parametrize(("message", "read"), READINGS.values(), ids=READINGS)
async def test_a_message_is_read_as_it_comes(both, server, wire, message, read):
    server.answers(wire.reply({**wire.completion_body(text="OK"), **wire.completion_body()}))
    body = wire.completion_body()
    body["choices"][0]["message"].update(message)
    reply = await both.get(both.client(server.answers(wire.reply(body))).chat.create(**wire.ask))
    assert (reply.text, reply.reasoning) == read
    assert "reasoning" not in reply.message.model_dump()


@pytest.mark.parametrize(
    "sparse",
    [
        {"choices": [{"message": {}}]},
        {"choices": [{"index": None, "message": {"content": "", "tool_calls": [{"id": None, "function": None}]}}]},
        {"id": None, "created": None, "model": None, "usage": {"prompt_tokens": None}, "choices": [{"message": {}}]},
    ],
)
async def test_what_is_absent_or_null_has_a_plain_default(both, server, wire, sparse):
    reply = await both.get(both.client(server.answers(wire.reply(sparse))).chat.create(**wire.ask))
    assert (reply.text, reply.choices[0].index, reply.choices[0].finish_reason) == ("", 0, None)


GARBAGE = (
    b"",
    b"<html>busy</html>",
    b"[]",
    b"null",
    b"\xff",
    b"{}",
    b'{"choices":[]}',
    b'{"choices":[7]}',
    b'{"choices":[{}]}',
)


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_good_status_with_garbage_is_an_unreadable_reply(both, server, wire, garbage):
    with pytest.raises(APIResponseError, match="cannot be read") as raised:
        await both.get(both.client(server.answers(wire.reply(garbage))).chat.create(**wire.ask))
    assert raised.value.trace_id == wire.trace_id


async def test_an_error_may_come_with_a_good_status(both, server, wire):
    server.answers(wire.reply({"error": {"message": "no credit", "type": "quota_exceeded"}}))
    with pytest.raises(InsufficientBalanceError, match="200 quota_exceeded: no credit") as raised:
        await both.get(both.client(server).chat.create(**wire.ask))
    assert raised.value.trace_id == wire.trace_id


async def test_the_trace_id_is_found_in_the_body_where_no_header_has_it(both, server, wire):
    content = json.dumps(wire.completion_body()).encode()
    server.answers(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content))
    assert (await both.get(both.client(server).chat.create(**wire.ask))).trace_id == wire.trace_id


async def test_headers_and_timeouts_of_one_call(both, server, wire):
    client = both.client(server.answers(wire.completion()), default_headers={"x-app": "default", "X-Team": "red"})
    await both.get(client.chat.create(**wire.ask, extra_headers={"X-App": "this call"}, timeout=5))
    headers = server.requests[0].headers
    assert headers.get_list("x-app") == ["this call"]
    assert headers["x-team"] == "red"
