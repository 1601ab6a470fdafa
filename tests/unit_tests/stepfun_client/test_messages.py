"""The Messages API: requests byte by byte, replies field by field, and what is refused before anything is sent."""

from __future__ import annotations

import json
import warnings
from types import MappingProxyType

import pytest

from stepfun_client import APIResponseError, BadRequestError, InvalidParameterError, RateLimitError, StepFunClient
from stepfun_client.api.messages_reply import Message, OtherBlock, TextBlock, ThinkingBlock, ToolUseBlock

ASK = {"model": "step-3.7-flash", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
SENT = '"model":"step-3.7-flash","messages":[{"role":"user","content":"Hi"}]'
TOOL = {"name": "add", "description": "Add.", "input_schema": {"type": "object", "properties": {}}}
PICTURE = {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}}
BODY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "step-3.7-flash",
    "content": [{"type": "text", "text": "OK"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


REQUESTS = {
    "nothing more": ({}, ""),
    "None leaves a parameter out": ({"system": None, "tools": None, "effort": None}, ""),
    "system": ({"system": "Be brief."}, ',"system":"Be brief."'),
    "system, in blocks": (
        {"system": [{"type": "text", "text": "Be brief."}]},
        ',"system":[{"type":"text","text":"Be brief."}]',
    ),
    "limits": (
        {"temperature": 2, "top_p": 1, "top_k": 500, "stop_sequences": ["。"]},
        ',"temperature":2.0,"top_p":1.0,"top_k":500,"stop_sequences":["。"]',
    ),
    "effort": ({"effort": "low"}, ',"output_config":{"effort":"low"}'),
    "effort in its own place": ({"output_config": {"effort": "high"}}, ',"output_config":{"effort":"high"}'),
    "effort, twice the same": (
        {"effort": "low", "output_config": {"effort": "low"}},
        ',"output_config":{"effort":"low"}',
    ),
    "tools": (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "add"}},
        f',"tools":[{compact(TOOL)}],"tool_choice":{{"type":"tool","name":"add"}}',
    ),
    "extra_body": ({"extra_body": {"new": [1, None]}}, ',"new":[1,null]'),
}


@pytest.mark.parametrize(("params", "rest"), REQUESTS.values(), ids=REQUESTS)
async def test_the_request(both, server, wire, params, rest):
    await both.get(both.client(server.answers(wire.reply(BODY))).messages.create(**ASK, **params))
    (request,) = server.requests
    assert request.json == json.loads("{" + SENT + ',"max_tokens":64' + rest + "}")
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["authorization"] == f"Bearer {wire.key}"


async def test_the_request_of_a_stream_and_of_a_count(both, server, wire):
    stop = wire.stream(wire.event({"type": "message_stop"}))
    client = both.client(server.answers(stop, wire.reply({"input_tokens": 3})))
    await both.items(client.messages.stream(**ASK))
    count = await both.get(
        client.messages.count_tokens(model=ASK["model"], messages=ASK["messages"], system="Be brief.", tools=[TOOL])
    )
    assert server.requests[0].json == {**ASK, "stream": True}
    assert server.requests[1].path == "/v1/messages/count_tokens"
    prompt = {"model": ASK["model"], "messages": ASK["messages"], "system": "Be brief.", "tools": [TOOL]}
    assert server.requests[1].json == prompt
    assert (int(count), count.input_tokens, range(9)[count], count.trace_id) == (3, 3, 3, wire.trace_id)


async def test_on_the_plan_it_has_the_plans_paths(both, server, wire):
    client = both.client(server.answers(wire.reply(BODY)), plan=True)
    await both.get(client.messages.create(**ASK))
    assert server.requests[0].path == "/step_plan/v1/messages"


async def test_a_reply_field_by_field(both, server, wire):
    content = [
        {"type": "thinking", "thinking": "6 * 7", "signature": "s"},
        {"type": "text", "text": "It is "},
        {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}},
        {"type": "of_tomorrow", "data": [1]},
        {"type": "text", "text": "42."},
    ]
    usage = {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 256, "new": 1}
    server.answers(wire.reply({**BODY, "content": content, "usage": usage, "stop_reason": "tool_use", "new": 1}))
    reply = await both.get(both.client(server).messages.create(**ASK))
    assert (reply.id, reply.role, reply.model, reply.stop_reason) == ("msg_1", "assistant", ASK["model"], "tool_use")
    assert [type(block) for block in reply.content] == [ThinkingBlock, TextBlock, ToolUseBlock, OtherBlock, TextBlock]
    assert (reply.text, reply.thinking) == ("It is 42.", "6 * 7")
    assert [(use.id, use.name, use.input) for use in reply.tool_uses] == [("call_1", "add", {"a": 1})]
    assert (reply.usage.input_tokens, reply.usage.cache_read_input_tokens, reply.usage.new) == (9, 256, 1)
    assert (reply.trace_id, reply.headers["x-trace-id"], reply.new) == (wire.trace_id, wire.trace_id, 1)
    assert [block.model_dump(exclude_unset=True) for block in reply.content] == content


def test_a_message_may_be_made_of_blocks():
    reply = Message(content=[TextBlock(text="OK"), OtherBlock(type="new")])
    assert [type(block) for block in reply.content] == [TextBlock, OtherBlock]
    assert reply.thinking is None


REFUSED = {
    "unknown": ({"temprature": 1}, "temprature", "'temprature' is no parameter of this call"),
    "chat's n": ({"n": 2}, "n", "'n' is no parameter"),
    "no max_tokens": ({"max_tokens": None}, "max_tokens", "max_tokens is None; the Messages API wants it"),
    "max_tokens 0": ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    "top_k": ({"top_k": 501}, "top_k", "less than or equal to 500"),
    "top_k below": ({"top_k": -1}, "top_k", "greater than or equal to 0"),
    "temperature": ({"temperature": 2.1}, "temperature", "less than or equal to 2"),
    "effort": ({"effort": "max"}, "effort", "step-3.7-flash takes 'low', 'medium', 'high'"),
    "effort of a model": (
        {"model": "step-3.5-flash-2603", "effort": "medium"},
        "effort",
        "step-3.5-flash-2603 takes 'low', 'high'",
    ),
    "two efforts": ({"effort": "low", "output_config": {"effort": "high"}}, "effort", "give one of them"),
    "no model": ({"model": ""}, "model", "it must be a model id"),
    "no messages": ({"messages": []}, "messages", "a list of at least one message"),
    "a text": ({"messages": "Hi"}, "messages", "a list of at least one message"),
    "a system message": (
        {"messages": [{"role": "system", "content": "Be brief."}]},
        "messages",
        r"messages\[0\] has the role 'system'; .* goes into system=",
    ),
    "a tool message": (
        {"messages": [{"role": "tool", "content": "1"}]},
        "messages",
        "a tool's answer is a block .*tool_result",
    ),
    "no message": ({"messages": ["Hi"]}, "messages", "has the role None"),
    "no content": ({"messages": [{"role": "user"}]}, "messages", "has no content"),
    "chat's tool": ({"tools": [{"type": "function", "function": {"name": "a"}}]}, "tools", "input_schema"),
    "a server tool": ({"tools": [{"type": "web_search"}]}, "tools", "web_search, retrieval"),
    "a tool's name": ({"tools": [{**TOOL, "name": "a b"}]}, "tools", "'a b' is refused"),
    "a tool's schema": ({"tools": [{**TOOL, "input_schema": {"type": "array"}}]}, "tools", "object schema"),
    "two tools": ({"tools": [TOOL, TOOL]}, "tools", "two tools are called 'add'"),
    "too many pictures": (
        {"messages": [{"role": "user", "content": [PICTURE] * 61}]},
        "messages",
        "61 images; StepFun takes at most 60",
    ),
    "too many pictures, of tools": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [PICTURE] * 61}]}
            ]
        },
        "messages",
        "61 images",
    ),
}


@pytest.mark.parametrize("verb", ["create", "stream"])
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_what_is_certainly_wrong_is_not_sent(both, server, verb, case):
    params, param, words = case
    client = both.client(server)
    with pytest.raises(InvalidParameterError, match=words) as caught:
        await both.get(getattr(client.messages, verb)(**{**ASK, **params}))
    assert caught.value.param == param
    assert not server.requests


async def test_a_count_takes_what_a_prompt_is_made_of(both, server):
    prompt = {"model": ASK["model"], "messages": ASK["messages"]}
    with pytest.raises(InvalidParameterError, match="'max_tokens' is no parameter of this call"):
        await both.get(both.client(server).messages.count_tokens(**prompt, max_tokens=1))


async def test_extra_body_is_the_way_past_the_rules(both, server, wire):
    client = both.client(server.answers(wire.reply(BODY)))
    await both.get(client.messages.create(**ASK, extra_body={"top_k": 900, "output_config": {"effort": "max"}}))
    assert server.requests[0].json["top_k"] == 900


async def test_a_model_of_tomorrow_passes(both, server, wire):
    client = both.client(server.answers(wire.reply(BODY)))
    await both.get(client.messages.create(**{**ASK, "model": "step-9", "effort": "max"}))
    assert server.requests[0].json["output_config"] == {"effort": "max"}


class TestTheRouter:
    """`step-router-v1`: the plan only, text only, at most 384K, and the effort counts for nothing (section 3)."""

    ask = MappingProxyType({**ASK, "model": "step-router-v1"})

    async def test_only_on_the_plan(self, both, server):
        with pytest.raises(InvalidParameterError, match="served on Step Plan only; use plan=True"):
            await both.get(both.client(server).messages.create(**self.ask))

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({"max_tokens": 384_001}, "takes at most 384000"),
            ({"messages": [{"role": "user", "content": [PICTURE]}]}, "takes text only, no image"),
            ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "no document"),
        ],
    )
    async def test_what_it_does_not_take(self, both, server, more, words):
        with pytest.raises(InvalidParameterError, match=words):
            await both.get(both.client(server, plan=True).messages.create(**{**self.ask, **more}))
        assert not server.requests

    async def test_the_effort_is_ignored_and_that_is_said(self, both, server, wire):
        client = both.client(server.answers(wire.reply(BODY)), plan=True)
        with pytest.warns(UserWarning, match="step-router-v1 ignores the effort on the Messages API"):
            await both.get(client.messages.create(**self.ask, effort="low"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            await both.get(client.messages.create(**self.ask))

    async def test_an_address_of_the_plan_is_enough(self, both, server, wire):
        server.answers(wire.reply(BODY))
        client = both.client(base_url=server.base_url.replace("/v1", "/step_plan/v1"))
        assert (await both.get(client.messages.create(**self.ask))).text == "OK"


class TestErrors:
    """Refusals, as errors of the one tree."""

    async def test_by_status(self, both, server, wire):
        client = both.client(server.answers(wire.error(429, "rate_limited")), max_retries=0)
        with pytest.raises(RateLimitError):
            await both.get(client.messages.create(**ASK))

    async def test_anthropics_shape_of_an_error(self, both, server, wire):
        body = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
        client = both.client(server.answers(wire.reply(body, 400)))
        with pytest.raises(BadRequestError, match="no") as caught:
            await both.get(client.messages.create(**ASK))
        assert caught.value.type == "invalid_request_error"

    async def test_a_reply_that_is_no_message(self, both, server, wire):
        with pytest.raises(APIResponseError):
            await both.get(both.client(server.answers(wire.reply({"id": "1"}))).messages.create(**ASK))

    async def test_a_model_that_takes_only_messages_says_so_on_chat(self, both, emulator):
        client = both.client(base_url=emulator.base_url)
        ask = {"model": "emulator-messages-only", "messages": ASK["messages"]}
        with pytest.raises(BadRequestError, match=r"use the Messages API -> call it with client\.messages\.create"):
            await both.get(client.chat.create(**ask))
        assert (await both.get(client.messages.create(**ask, max_tokens=99))).text


class TestTheEmulator:
    """Against the emulator, which was written from the same description by somebody else."""

    async def test_a_tool_loop(self, both, emulator):
        messages = both.client(base_url=emulator.base_url).messages
        multiply = {
            "name": "multiply",
            "description": "Multiply two numbers.",
            "input_schema": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        }
        ask = {
            "model": "step-3.7-flash",
            "max_tokens": 500,
            "tools": [multiply],
            "effort": "low",
            "system": "Be brief.",
        }
        question = {"role": "user", "content": "Multiply 6 and 7"}
        asked = await both.get(messages.create(**ask, messages=[question]))
        streamed = await both.get(messages.stream(**ask, messages=[question]).message())
        assert (asked.stop_reason, streamed.stop_reason) == ("tool_use", "tool_use")
        (use,) = asked.tool_uses
        assert (use.name, use.input) == ("multiply", {"a": 6, "b": 7})
        assert [(one.name, one.input) for one in streamed.tool_uses] == [("multiply", {"a": 6, "b": 7})]
        assert asked.usage == streamed.usage
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "42"}]}
        said = {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in asked.content]}
        answer = await both.get(messages.create(**ask, messages=[question, said, result]))
        assert "42" in answer.text
        counted = await both.get(
            messages.count_tokens(
                model=ask["model"], tools=[multiply], system="Be brief.", messages=[question, said, result]
            )
        )
        assert int(counted) == answer.usage.input_tokens

    async def test_a_stop_sequence(self, both, emulator):
        reply = await both.get(
            both.client(base_url=emulator.base_url).messages.create(
                **{**ASK, "messages": [{"role": "user", "content": "What is 6 * 7?"}]}, stop_sequences=["42"]
            )
        )
        assert (reply.stop_reason, reply.stop_sequence) == ("stop_sequence", "42")


def test_leaving_a_stream_closes_it(server, wire):
    start = wire.event({"type": "message_start", "message": {"id": "1", "usage": {"input_tokens": 1}}})
    server.answers([wire.head(), wire.chunk(start), server.stall])
    with StepFunClient(api_key="any", base_url=server.base_url) as client:
        with client.messages.stream(**ASK) as stream:
            assert next(stream)["type"] == "message_start"
            assert stream.trace_id == stream.headers["x-trace-id"]
        server.wait_for(lambda: not server.open)
