"""A Messages stream: each quirk of WIRE.md section 5 in a test named after it, cut at every byte, and as chat's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepfun_client import (
    APIResponseError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from stepfun_client.api.chat_stream import ChatFold
from stepfun_client.api.messages_reply import Message
from stepfun_client.api.messages_stream import MessageFold, MessagesStreamReader, latest_message_usage
from stepfun_client.api.messages_to_chat import MessagesChatReader, chat_usage, completion_of

ASK = {"model": "step-3.7-flash", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
TRACE = "373279f754863eccda439d90e5c06dfa"


def event(kind, **body):
    return {"type": kind, **body}


def begun(index, **block):
    return event("content_block_start", index=index, content_block=block)


def grown(index, kind, key, piece):
    return event("content_block_delta", index=index, delta={"type": kind, key: piece})


START = event("message_start", message={"id": "msg_1", "role": "assistant", "model": "m", "content": [], "usage": {
    "input_tokens": 9, "output_tokens": 0}})  # fmt: skip
END = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5})
STOP = event("message_stop")
TEXT = [begun(0, type="text", text=""), grown(0, "text_delta", "text", "4"), grown(0, "text_delta", "text", "2")]
THOUGHT = [
    begun(0, type="thinking", thinking=""),
    grown(0, "thinking_delta", "thinking", "6 *"),
    grown(0, "thinking_delta", "thinking", " 7"),
    grown(0, "signature_delta", "signature", "s"),
]
CALL = [
    begun(1, type="tool_use", id="call_1", name="add", input={}),
    grown(1, "input_json_delta", "partial_json", ""),
    grown(1, "input_json_delta", "partial_json", '{"a"'),
    grown(1, "input_json_delta", "partial_json", ": 1}"),
    event("content_block_stop", index=1),
]


def encode(*events):
    lines = []
    for one in events:
        name = f"event: {one['type']}\n" if "type" in one else ""
        lines.append(f"{name}data: {one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)}\n\n")
    return "".join(lines).encode()


def run(reader, body, headers=None):
    reader.begin(headers or {})
    pieces = [body] if isinstance(body, bytes) else body
    return [made for piece in pieces for made in reader.feed(piece)] + reader.finish()


def folded(body, headers=None):
    fold = MessageFold()
    for made in run(MessagesStreamReader(), body, headers):
        fold.add(made)
    return Message.model_validate(fold.body())


def as_chat(body):
    fold = ChatFold()
    for chunk in run(MessagesChatReader(), body):
        fold.add(chunk)
    (choice,) = fold.body()["choices"]
    return choice["message"], choice["finish_reason"], fold.body().get("usage")


class TestEvents:
    """What the service sends, and what is read."""

    def test_a_stream_as_it_is_documented(self):
        sent = [START, *TEXT, event("content_block_stop", index=0), END, STOP]
        assert run(MessagesStreamReader(), encode(*sent)) == sent
        reply = folded(encode(*sent))
        assert (reply.text, reply.stop_reason, reply.id, reply.model) == ("42", "end_turn", "msg_1", "m")
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == (9, 5)

    def test_stop_reason_at_the_top_of_message_delta(self):
        top = event("message_delta", stop_reason="max_tokens", stop_sequence=None, usage={"output_tokens": 5})
        (delta,) = run(MessagesStreamReader(), encode(top))
        assert delta == {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 5}}
        assert folded(encode(START, *TEXT, top, STOP)).stop_reason == "max_tokens"

    def test_the_delta_wins_over_the_top(self):
        both = event("message_delta", stop_reason="max_tokens", delta={"stop_reason": "end_turn"})
        assert run(MessagesStreamReader(), encode(both))[0]["delta"] == {"stop_reason": "end_turn"}

    def test_ping_says_nothing(self):
        ping = event("ping")
        assert run(MessagesStreamReader(), encode(ping, START, ping, *TEXT, END, STOP)) == [START, *TEXT, END, STOP]

    def test_events_of_tomorrow_pass_and_fold_to_nothing(self):
        new = event("of_tomorrow", data=1)
        assert run(MessagesStreamReader(), encode(new, STOP)) == [new, STOP]
        assert folded(encode(START, new, *TEXT, END, STOP)).text == "42"

    def test_a_type_that_only_the_event_line_states(self):
        body = b"event: message_stop\ndata: {}\n\n"
        assert run(MessagesStreamReader(), body) == [STOP]

    def test_what_comes_after_message_stop_is_not_read(self):
        assert run(MessagesStreamReader(), encode(STOP) + b"data: nonsense\n\n") == [STOP]

    def test_done_as_chat_says_it_ends_a_stream_too(self):
        reader = MessagesStreamReader()
        assert run(reader, encode(START, *TEXT, "[DONE]", STOP)) == [START, *TEXT, STOP]
        assert reader.done

    def test_without_message_stop_a_stop_reason_is_enough(self):
        reader = MessagesStreamReader()
        run(reader, encode(START, *TEXT, END))
        assert (reader.complete, reader.done) == (True, False)

    def test_a_reply_that_is_json_and_no_stream(self):
        headers = {"content-type": "application/json", "x-trace-id": TRACE}
        with pytest.raises(APIResponseError, match="no event stream") as caught:
            run(MessagesStreamReader(), [b'{"id":', b'"1"}'], headers)
        assert caught.value.trace_id == TRACE
        with pytest.raises(RateLimitError):
            run(MessagesStreamReader(), b'{"error":{"type":"rate_limited","message":"no"}}', headers)
        with pytest.raises(APIResponseError):
            run(MessagesStreamReader(), b"[1", headers)

    @pytest.mark.parametrize(
        "body",
        [
            {"type": "error", "error": {"type": "rate_limited", "message": "slower"}},
            {"error": {"type": "rate_limited", "message": "slower"}},
        ],
        ids=["Anthropic's", "StepFun's"],
    )
    def test_an_error_in_a_stream_is_typed(self, body):
        with pytest.raises(RateLimitError, match="slower"):
            run(MessagesStreamReader(), encode(START, body))

    def test_an_error_beside_its_type(self):
        with pytest.raises(ServerError, match="overloaded"):
            run(MessagesStreamReader(), b'event: error\ndata: {"message":"overloaded"}\n\n')

    @pytest.mark.parametrize(
        "data", [b"{", b"1", b'{"type":"content_block_delta","delta":1}', b'{"type":"message_start"}']
    )
    def test_what_cannot_be_read(self, data):
        with pytest.raises(APIResponseError):
            run(MessagesStreamReader(), b"data: " + data + b"\n\n")


class TestFold:
    """The whole of what has come."""

    def test_thinking_and_calls(self):
        end = event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 5})
        reply = folded(encode(START, *THOUGHT, *CALL, end, STOP))
        assert (reply.thinking, reply.content[0].signature) == ("6 * 7", "s")
        assert [(use.id, use.name, use.input, use.partial_json) for use in reply.tool_uses] == [
            ("call_1", "add", {"a": 1}, None)
        ]

    def test_arguments_that_were_cut_are_kept_as_text(self):
        end = event("message_delta", delta={"stop_reason": "max_tokens"}, usage={})
        (use,) = folded(encode(START, *CALL[:3], end, STOP)).tool_uses
        assert (use.input, use.partial_json) == ({}, '{"a"')

    def test_an_input_that_came_with_the_start(self):
        whole = begun(0, type="tool_use", id="call_1", name="add", input={"a": 1})
        body = encode(START, whole, event("content_block_stop", index=0), END, STOP)
        assert folded(body).tool_uses[0].input == {"a": 1}
        assert as_chat(body)[0]["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'

    def test_blocks_of_tomorrow_are_kept(self):
        new = begun(0, type="of_tomorrow", data=[1])
        delta = grown(0, "of_tomorrow_delta", "data", 2)
        assert folded(encode(START, new, delta, END, STOP)).content[0].data == [1]

    def test_a_block_that_never_began(self):
        reply = folded(encode(START, TEXT[1], grown(1, "thinking_delta", "thinking", "hm"), END, STOP))
        assert (reply.text, reply.thinking) == ("4", "hm")

    @pytest.mark.parametrize(
        ("stated", "usage"),
        [
            ([{"input_tokens": 9, "output_tokens": 0}, {"output_tokens": 5}], {"input_tokens": 9, "output_tokens": 5}),
            ([{"input_tokens": 9}, {"input_tokens": 0, "output_tokens": 5}], {"input_tokens": 9, "output_tokens": 5}),
            ([{"input_tokens": 0}, {"input_tokens": 9, "output_tokens": 5}], {"input_tokens": 9, "output_tokens": 5}),
            ([{"input_tokens": 9, "output_tokens": 1}, None], {"input_tokens": 9, "output_tokens": 1}),
            (
                [{"input_tokens": 9, "cache_read_input_tokens": 26}, {"cache_read_input_tokens": 0}],
                {"input_tokens": 9, "cache_read_input_tokens": 0},
            ),
            ([{"cache_read_input_tokens": 26}, {"cache_read_input_tokens": None}], {"cache_read_input_tokens": 26}),
        ],
        ids=["grows", "zero at the end", "zero at the start", "once", "the last word", "null"],
    )
    def test_usage_is_cumulative(self, stated, usage):
        seen = {}
        for one in stated:
            seen = latest_message_usage(seen, one)
        assert seen == usage


class TestStreams:
    """`client.messages.stream`, with both clients."""

    @pytest.mark.parametrize("cut", ["whole", "single bytes"])
    async def test_events_and_the_whole(self, both, server, wire, cut):
        body = encode(START, *THOUGHT, *CALL, END, STOP)
        pieces = [body] if cut == "whole" else wire.single_bytes(body)
        stream = both.client(server.answers(wire.stream(*pieces))).messages.stream(**ASK)
        assert await both.items(stream) == [START, *THOUGHT, *CALL, END, STOP]
        reply = await both.get(stream.message())
        assert (reply.thinking, len(reply.tool_uses)) == ("6 * 7", 1)
        assert (reply.trace_id, stream.trace_id, stream.headers["x-trace-id"]) == (wire.trace_id,) * 3

    async def test_a_cut_stream_is_interrupted(self, both, server, wire):
        stream = both.client(server.answers([wire.head(), wire.chunk(encode(START, *TEXT)), server.drop])).messages
        with pytest.raises(StreamInterruptedError):
            await both.get(stream.stream(**ASK).message())

    async def test_a_stream_that_is_closed_has_no_whole(self, both, server, wire):
        stream = both.client(server.answers(wire.stream(encode(START, *TEXT, END, STOP)))).messages.stream(**ASK)
        await both.first(stream)
        await both.get(stream.close())
        with pytest.raises(StreamInterruptedError, match="closed or broke before its end"):
            await both.get(stream.message())

    def test_cut_at_every_byte(self):
        body, whole = encode(START, *THOUGHT, *CALL, END, STOP), []
        for cut in range(len(body) + 1):
            try:
                reply = folded(body[:cut])
            except StreamInterruptedError:
                continue
            assert (reply.thinking, reply.tool_uses[0].input, reply.usage.output_tokens) == ("6 * 7", {"a": 1}, 5)
            whole.append(cut)
        assert whole == list(range(whole[0], len(body) + 1)), "what is whole stays whole"
        assert body.index(b'"stop_reason"') < whole[0]


class TestAsChat:
    """The same answers in chat's words."""

    @pytest.mark.parametrize(
        ("stop_reason", "finish_reason"),
        [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("tool_use", "tool_calls"),
            ("max_tokens", "length"),
            ("refusal", "content_filter"),
            ("pause_turn", "pause_turn"),
        ],
    )
    def test_stop_reasons(self, stop_reason, finish_reason):
        end = event("message_delta", delta={"stop_reason": stop_reason}, usage={"output_tokens": 5})
        body = encode(START, *TEXT, end, STOP)
        whole = completion_of(folded(body))
        assert as_chat(body)[1] == whole.choices[0].finish_reason == finish_reason

    def test_every_kind_of_block(self):
        end = event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 5})
        text = [{**one, "index": 2} for one in TEXT]
        body = encode(START, *THOUGHT, *CALL, *text, end, STOP)
        message, finish, usage = as_chat(body)
        call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
        assert message == {
            "role": "assistant",
            "content": "42",
            "reasoning_content": "6 * 7",
            "tool_calls": [{**call, "index": 0}],
        }
        assert (finish, usage) == ("tool_calls", {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14})
        whole = completion_of(folded(body))
        assert (whole.text, whole.reasoning) == ("42", "6 * 7")
        assert [one.model_dump(exclude_unset=True) for one in whole.tool_calls] == [call]
        assert (whole.usage.total_tokens, whole.id, whole.model) == (14, "msg_1", "m")

    def test_arguments_that_were_cut(self):
        end = event("message_delta", delta={"stop_reason": "max_tokens"}, usage={})
        body = encode(START, *CALL[:3], end, STOP)
        assert completion_of(folded(body)).tool_calls[0].function.arguments == '{"a"'
        assert as_chat(body)[0]["tool_calls"][0]["function"]["arguments"] == '{"a"'

    def test_a_start_that_holds_the_first_words(self):
        body = encode(START, begun(0, type="text", text="4"), TEXT[2], END, STOP)
        assert as_chat(body)[0]["content"] == folded(body).text == "42"

    def test_a_block_of_tomorrow_says_nothing(self):
        body = encode(START, begun(0, type="of_tomorrow"), grown(0, "of_tomorrow_delta", "data", 1), END, STOP)
        assert as_chat(body)[0] == {"role": "assistant", "content": ""}

    def test_an_answer_without_usage(self):
        assert completion_of(Message(content=[])).usage is None

    def test_what_came_from_the_cache_was_read(self):
        assert chat_usage({"input_tokens": 1, "cache_read_input_tokens": 256, "cache_creation_input_tokens": 2}) == {
            "prompt_tokens": 259,
            "completion_tokens": 0,
            "total_tokens": 259,
            "prompt_tokens_details": {"cached_tokens": 256},
        }


PIECES = st.lists(st.text(max_size=8), max_size=4)
BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), PIECES),
        st.tuples(st.just("thinking"), PIECES),
        st.tuples(st.just("tool_use"), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3)),
    ),
    max_size=5,
)


def stream_of(blocks):
    events = [START]
    for index, (kind, said) in enumerate(blocks):
        if kind == "tool_use":
            text = json.dumps(said)
            events.append(begun(index, type=kind, id=f"call_{index}", name="f", input={}))
            events += [grown(index, "input_json_delta", "partial_json", piece) for piece in (text[:3], text[3:])]
        else:
            events.append(begun(index, type=kind, **{kind: ""}))
            events += [grown(index, f"{kind}_delta", kind, piece) for piece in said]
        events.append(event("content_block_stop", index=index))
    return encode(*events, END, STOP)


@settings(max_examples=150, deadline=None)
@given(blocks=BLOCKS, data=st.data())
def test_any_answer_in_any_pieces_is_the_same_whole_and_as_chat(blocks, data):
    body = stream_of(blocks)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    reply = folded(pieces)
    assert reply == folded(body)
    assert reply.text == "".join("".join(said) for kind, said in blocks if kind == "text")
    assert [use.input for use in reply.tool_uses] == [said for kind, said in blocks if kind == "tool_use"]
    message, finish, _ = as_chat(pieces)
    whole = completion_of(reply)
    assert (message["content"], finish) == (whole.text, whole.choices[0].finish_reason)
    assert message.get("reasoning_content") == whole.reasoning
    calls = [json.loads(call["function"]["arguments"]) for call in message.get("tool_calls", ())]
    assert calls == [json.loads(call.function.arguments) for call in whole.tool_calls]
