"""A chat stream: each quirk of WIRE.md section 4 in a test named after it, and the recorded replies byte for byte."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import (
    APIResponseError,
    BadRequestError,
    ServerError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from stepfun_client.api.chat import ChatCompletion
from stepfun_client.api.chat_stream import ChatFold, ChatStreamReader, latest_usage

TRACE = "373279f754863eccda439d90e5c06dfa"


def read(*pieces: bytes, choices: int = 1):
    """Read a stream without any network: its chunks, and the completion they fold to."""
    reader, fold = ChatStreamReader(choices=choices), ChatFold()
    reader.begin({})
    chunks = [chunk for piece in pieces for chunk in reader.feed(piece)] + reader.finish()
    for chunk in chunks:
        fold.add(chunk)
    return chunks, ChatCompletion.model_validate(fold.body())


class TestTheRecordedReplies:
    """Replayed byte for byte: as they were read, whole, and as single bytes."""

    @staticmethod
    def check(reply, recording):
        deltas = [choice["delta"] for chunk in recording.chunks for choice in chunk["choices"]]
        assert reply.text == "OK"
        assert reply.reasoning == "".join(delta.get("reasoning_content", "") for delta in deltas)
        usage = reply.usage
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached) == (29, 33, 62, 0)
        assert (reply.choices[0].finish_reason, reply.created, len(reply.choices)) == ("stop", 1791494332, 1)

    @pytest.mark.parametrize("cut", ["as recorded", "whole", "single bytes"])
    async def test_streamed(self, both, server, wire, recorded, cut):
        recording = recorded("chat_stream")
        pieces = {
            "as recorded": recording.pieces,
            "whole": [recording.body],
            "single bytes": wire.single_bytes(recording.body),
        }
        stream = both.client(server.answers(wire.stream(*pieces[cut]))).chat.stream(**recording.asked)
        chunks = await both.items(stream)
        assert server.requests[0].json == recording.request
        self.check(await both.get(stream.completion()), recording)
        assert stream.trace_id == wire.trace_id
        assert not any("reasoning" in choice["delta"] for chunk in chunks for choice in chunk["choices"])

    async def test_whole(self, both, server, wire, recorded):
        recording = recorded("chat_basic")
        server.answers(wire.reply(recording.body, **{"x-trace-id": recording.headers["x-trace-id"]}))
        reply = await both.get(both.client(server).chat.create(**recording.asked))
        body = json.loads(recording.body)
        assert server.requests[0].json == recording.asked
        assert (reply.text, reply.reasoning) == ("OK", body["choices"][0]["message"]["reasoning"])
        assert (reply.usage.total_tokens, reply.usage.cached) == (body["usage"]["total_tokens"], 0)
        assert reply.trace_id == recording.headers["x-trace-id"]

    def test_cut_at_every_byte(self, recorded):
        recording, whole = recorded("chat_stream"), []
        for cut in range(len(recording.body) + 1):
            try:
                self.check(read(recording.body[:cut])[1], recording)
            except StreamInterruptedError:
                continue
            whole.append(cut)
        end = recording.body.index(b'"finish_reason":"stop"')
        assert end < whole[0] < whole[-1] == len(recording.body)
        assert whole == list(range(whole[0], whole[-1] + 1)), "what is whole stays whole"

    async def test_a_connection_that_breaks_anywhere(self, both, recorded):
        recording = recorded("chat_stream")
        body, outcomes = recording.body, set()
        for cut in [*range(0, len(body), 31), len(body)]:
            client = both.mocked(lambda _, cut=cut: httpx.Response(200, stream=Cut(body[:cut])))
            try:
                self.check(await both.get(client.chat.stream(**recording.asked).completion()), recording)
                outcomes.add("whole")
            except StreamInterruptedError:
                outcomes.add("interrupted")
        assert outcomes == {"whole", "interrupted"}


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self):
        yield self.body
        raise httpx.ReadError("connection reset")

    async def __aiter__(self):
        yield self.body
        raise httpx.ReadError("connection reset")


class TestQuirks:
    """What StepFun's streams do that OpenAI's do not (WIRE.md section 4)."""

    @pytest.mark.parametrize(
        "delta",
        [
            {"reasoning": "hm", "reasoning_content": "hm"},
            {"reasoning": "hm"},
            {"reasoning_content": "hm"},
            {"reasoning": "hm", "reasoning_content": None},
            {"reasoning": "hm", "reasoning_content": ""},
        ],
    )
    def test_both_reasoning_fields_hold_the_same_text(self, wire, delta):
        chunks, reply = read(wire.delta(**delta), wire.delta(**delta), wire.delta(finish_reason="stop"))
        assert reply.reasoning == "hmhm"
        assert chunks[0]["choices"][0]["delta"] == {"reasoning_content": "hm"}

    def test_usage_is_cumulative(self, wire):
        stages = [{"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n} for n in range(30)]
        events = [wire.event({"choices": [], "usage": usage}) for usage in stages]
        reply = read(wire.delta(content="x", finish_reason="stop"), *events, wire.done)[1]
        assert reply.usage.model_dump(include=set(stages[-1])) == stages[-1]

    def test_the_last_word_on_cached_tokens_counts(self):
        early = {"total_tokens": 29, "cached_tokens": 26, "prompt_tokens_details": {"cached_tokens": 26}}
        last = {"total_tokens": 62, "prompt_tokens_details": {"cached_tokens": 0}}
        assert latest_usage(early, last) == last

    def test_where_the_last_says_nothing_of_the_cache_the_last_figure_seen_counts(self):
        early = {"total_tokens": 29, "prompt_tokens_details": {"cached_tokens": 26}}
        assert latest_usage(early, {"total_tokens": 62}) == {"total_tokens": 62, "cached_tokens": 26}

    @pytest.mark.parametrize("empty", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
    def test_usage_that_is_absent_or_zero_says_nothing(self, empty):
        assert latest_usage({"total_tokens": 29}, empty) == {"total_tokens": 29}

    @pytest.mark.parametrize("role", ["assistant", ""])
    def test_the_role_is_repeated_or_empty(self, wire, role):
        reply = read(
            *(wire.delta(role=role, content=letter) for letter in "OK"), wire.delta(role=role, finish_reason="stop")
        )[1]
        assert (reply.message.role, reply.text) == ("assistant", "OK")

    @pytest.mark.parametrize("unfinished", [{}, {"finish_reason": ""}, {"finish_reason": None}], ids=str)
    def test_finish_reason_is_absent_or_empty_until_the_end(self, wire, unfinished):
        event = wire.event({"choices": [{"index": 0, "delta": {"content": "x"}, **unfinished}]})
        with pytest.raises(StreamInterruptedError, match="it was cut"):
            read(event)
        chunks, reply = read(event, wire.delta(finish_reason="length"))
        assert "finish_reason" not in chunks[0]["choices"][0]
        assert reply.choices[0].finish_reason == "length"

    @pytest.mark.parametrize("choices", [[], None])
    def test_a_chunk_may_have_no_choices(self, wire, choices):
        usage = {"total_tokens": 62}
        reply = read(wire.delta(content="x", finish_reason="stop"), wire.event({"choices": choices, "usage": usage}))[1]
        assert (reply.text, reply.usage.total_tokens) == ("x", 62)

    def test_the_first_chunk_says_created_0(self, wire):
        first = wire.event({"id": "a.1", "created": 0, "model": "step-3", "choices": [{"index": 0, "delta": None}]})
        chunks, reply = read(first, wire.delta(content="x", finish_reason="stop"))
        assert chunks[0]["choices"] == [{"index": 0, "delta": {}}]
        assert (reply.created, reply.id, reply.model) == (7, "a.1", "step-3.7-flash")  # the id is the first one

    def test_several_completion_ids_in_one_stream_are_one_reply(self, wire):
        events = [
            wire.event(
                {"id": f"{n}.x", "created": n, "model": "m", "choices": [{"index": 0, "delta": {"content": "x"}}]}
            )
            for n in (1, 2)
        ]
        reply = read(*events, wire.done)[1]
        assert (reply.id, reply.text) == ("1.x", "xx")

    def test_a_missing_index_is_the_first_choice(self, wire):
        assert read(wire.event({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}))[1].text == "x"

    def test_several_choices_are_kept_apart_and_all_must_end(self, wire):
        events = [wire.delta(index=n % 2, content=text) for n, text in enumerate("abcd")]
        ends = [wire.delta(index=n, finish_reason="stop") for n in (0, 1)]
        with pytest.raises(StreamInterruptedError):
            read(*events, ends[0], choices=2)
        reply = read(*events, *ends, choices=2)[1]
        assert [choice.message.content for choice in reply.choices] == ["ac", "bd"]

    async def test_the_number_of_choices_may_come_by_extra_body(self, both, server, wire):
        server.answers(wire.stream(wire.delta(index=1, content="x"), wire.delta(index=0, finish_reason="stop")))
        with pytest.raises(StreamInterruptedError):
            await both.items(both.client(server).chat.stream(**wire.ask, extra_body={"n": 2}))

    def test_a_spoken_answer_ends_without_finish_reason(self, wire):
        event = wire.delta(audio={"data": "AQID", "transcript": "Hi"}, finish_reason=None)
        assert read(event, wire.done)[1].text == "Hi"

    def test_finish_reason_stop_beside_tool_calls(self, wire):
        call = {"index": 0, "id": "call_1", "function": {"name": "add", "arguments": "{}"}}
        reply = read(wire.delta(tool_calls=[call], finish_reason="stop"))[1]
        assert (reply.choices[0].finish_reason, len(reply.tool_calls)) == ("stop", 1)

    def test_nothing_after_done_counts(self, wire):
        assert read(wire.delta(content="x"), wire.done, wire.delta(content="y"))[1].text == "x"

    def test_events_without_data_say_nothing(self, wire):
        assert read(b"data:\n\n: ping\n\nevent: ping\n\n", wire.delta(content="x"), wire.done)[1].text == "x"


def fragments(*calls) -> list[tuple]:
    """What a completion's tool calls are after these deltas: (id, name, arguments)."""
    events = [Events.delta(*delta) if isinstance(delta, list) else Events.delta(delta) for delta in calls]
    reply = read(*events, b"data: [DONE]\n\n")[1]
    return [(call.id, call.function.name, call.function.arguments) for call in reply.tool_calls]


class Events:
    @staticmethod
    def delta(*calls: dict) -> bytes:
        body = {"choices": [{"index": 0, "delta": {"tool_calls": list(calls)}}]}
        return b"data: %b\n\n" % json.dumps(body).encode()


def part(arguments: str | None = None, name: str | None = None, **call) -> dict:
    function = {"arguments": arguments, "name": name}
    return {**call, "function": {key: value for key, value in function.items() if value is not None}}


ADD, MUL = ("call_1", "add", '{"a":1}'), ("call_2", "mul", '{"b":2}')
TOOL_CALLS = {
    "OpenAI's deltas": (
        [part("", "add", index=0, id="call_1"), part('{"a"', index=0), part(":1}", index=0)],
        [ADD],
    ),
    "OpenAI's deltas, two calls in turn": (
        [
            part("", "add", index=0, id="call_1"),
            part("", "mul", index=1, id="call_2"),
            part('{"b":2}', index=1),
            part('{"a":1}', index=0),
        ],
        [ADD, MUL],
    ),
    "the whole call in one delta": ([part('{"a":1}', "add", index=0, id="call_1")], [ADD]),
    "whole calls, both in one delta": (
        [[part('{"a":1}', "add", index=0, id="call_1"), part('{"b":2}', "mul", index=1, id="call_2")]],
        [ADD, MUL],
    ),
    "no index, whole calls": ([part('{"a":1}', "add", id="call_1"), part('{"b":2}', "mul", id="call_2")], [ADD, MUL]),
    "no index, fragments by id": (
        [part("", "add", id="call_1"), part('{"b":2}', "mul", id="call_2"), part('{"a":1}', id="call_1")],
        [ADD, MUL],
    ),
    "no index, fragments without id": (
        [part("", "add", id="call_1"), part('{"a":1}'), part("", "mul", id="call_2"), part('{"b":2}')],
        [ADD, MUL],
    ),
    "no index and no id, told apart by name": (
        [part('{"a":1}', "add"), part('{"b":2}', "mul")],
        [("", "add", '{"a":1}'), ("", "mul", '{"b":2}')],
    ),
    "the id repeated on later fragments": (
        [part("", "add", index=0, id="call_1"), part('{"a":1}', index=0, id="call_1")],
        [ADD],
    ),
    'an id of "" on later fragments': (
        [part("", "add", index=0, id="call_1"), part('{"a":1}', index=0, id="")],
        [ADD],
    ),
    "the name repeated on later fragments": (
        [part("", "add", index=0, id="call_1"), part('{"a":1}', "add", index=0, id="call_1")],
        [ADD],
    ),
    "the id comes late": ([part("", "add", index=0), part('{"a":1}', index=0, id="call_1")], [ADD]),
    "every whole call at index 0": (
        [part('{"a":1}', "add", index=0, id="call_1"), part('{"b":2}', "mul", index=0, id="call_2")],
        [ADD, MUL],
    ),
    "indexes that begin at 1": (
        [part('{"a":1}', "add", index=1, id="call_1"), part('{"b":2}', "mul", index=2, id="call_2")],
        [ADD, MUL],
    ),
    "an empty type on later fragments": (
        [part("", "add", index=0, id="call_1", type="function"), part('{"a":1}', index=0, type="")],
        [ADD],
    ),
    "no function on a later fragment": (
        [part('{"a":1}', "add", index=0, id="call_1"), {"index": 0, "function": None}],
        [ADD],
    ),
}


@pytest.mark.parametrize(("deltas", "calls"), TOOL_CALLS.values(), ids=TOOL_CALLS)
def test_tool_calls_are_put_together(deltas, calls):
    assert fragments(*deltas) == calls
    chunks, reply = read(*(Events.delta(*(d if isinstance(d, list) else [d])) for d in deltas), b"data: [DONE]\n\n")
    placed = [call for chunk in chunks for call in chunk["choices"][0]["delta"]["tool_calls"]]
    assert {call["index"] for call in placed} == set(range(len(calls))), "every delta says which call it belongs to"
    assert sum("name" in (call["function"] or {}) for call in placed) == len(calls), "and its name is said once"
    assert all(call.type == "function" for call in reply.tool_calls)


def test_a_call_that_stepfun_ran_itself_comes_first_with_its_results(wire):
    results = [{"index": 1, "url": "https://a", "title": "A", "summary": "…"}]
    search = {
        "id": "call_s",
        "type": "web_search",
        "function": {"name": "step_websearch", "arguments": '{"query":"x"}'},
        "results": results,
    }
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    first = wire.event({"choices": [{"index": 0, "delta": {"tool_calls": [search]}}], "usage": zero})
    last = wire.event({"choices": [], "usage": {"total_tokens": 50}})
    _, reply = read(first, wire.delta(content="found"), wire.delta(finish_reason="stop"), last, wire.done)
    (call,) = reply.tool_calls
    assert (call.is_server_call, call.results, call.function.arguments) == (True, results, '{"query":"x"}')
    assert (reply.text, reply.choices[0].finish_reason, reply.usage.total_tokens) == ("found", "stop", 50)


SAMPLES = bytes(range(50))
PIECES = {
    "slices of one text": [base64.b64encode(SAMPLES).decode()[at : at + 7] for at in range(0, 68, 7)],
    "texts of their own": [base64.b64encode(SAMPLES[at : at + 8]).decode() for at in range(0, 50, 8)],
    "one piece": [base64.b64encode(SAMPLES).decode()],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_spoken_pieces_join_as_text_however_they_were_cut(wire, pieces):
    events = [wire.delta(audio={"id": "audio_1", "data": piece, "transcript": "la"}) for piece in pieces]
    chunks, reply = read(*events, wire.delta(finish_reason="stop"), wire.done)
    assert base64.b64decode(reply.message.audio.data, validate=True) == SAMPLES
    assert reply.message.audio.transcript == "la" * len(pieces)
    assert reply.message.audio.id == "audio_1"
    heard = [choice["delta"].get("audio", {}).get("data", "") for chunk in chunks for choice in chunk["choices"]]
    assert base64.b64decode("".join(heard), validate=True) == SAMPLES


TEXTS = st.text(max_size=5)
DELTAS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": st.sampled_from(["assistant", ""]), "content": TEXTS}),
        st.fixed_dictionaries({"reasoning": TEXTS, "reasoning_content": TEXTS}),
        st.builds(
            lambda index, text: {"tool_calls": [part(text, "f", index=index, id=f"call_{index}")]},
            st.integers(0, 2),
            TEXTS,
        ),
    ),
    max_size=8,
)


@given(deltas=DELTAS, sizes=st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_any_split_of_any_chunks_folds_to_the_same_completion(deltas, sizes):
    bodies = [{"choices": [{"index": 0, "delta": delta}], "usage": {"total_tokens": 9}} for delta in deltas]
    raw = b"".join(b"data: %b\n\n" % json.dumps(body, ensure_ascii=False).encode() for body in bodies)
    raw += b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    whole, pieces, rest = read(raw), [], raw
    while rest:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(rest[:size])
        rest = rest[size:]
    assert read(*pieces) == whole
    reply = whole[1]
    assert reply.text == "".join(delta.get("content", "") for delta in deltas)
    assert (reply.reasoning or "") == "".join(
        delta.get("reasoning_content") or delta.get("reasoning", "") for delta in deltas
    )


class TestStreamsThatGoWrong:
    """What came so far is never taken for an answer."""

    async def test_an_error_inside_a_stream(self, both, server, wire):
        error = wire.event({"error": {"message": "url invalid", "type": "input_invalid", "param": "url"}})
        stream = both.client(server.answers(wire.stream(wire.delta(content="So"), error, wire.done))).chat.stream(
            **wire.ask
        )
        with pytest.raises(BadRequestError, match="url invalid") as raised:
            await both.get(stream.completion())
        assert (raised.value.status_code, raised.value.param, raised.value.trace_id) == (200, "url", wire.trace_id)

    async def test_an_error_of_unknown_type_inside_a_stream(self, both, server, wire):
        server.answers(wire.stream(wire.event({"error": "engine overloaded"})))
        with pytest.raises(ServerError, match="engine overloaded"):
            await both.items(both.client(server).chat.stream(**wire.ask))

    @pytest.mark.parametrize("ending", ["in good order", "dropped"])
    async def test_a_stream_that_is_cut(self, both, server, wire, ending):
        begun = [wire.head(), wire.chunk(wire.delta(content="So"))]
        server.answers([*begun, wire.end] if ending == "in good order" else [*begun, 0.02, server.drop])
        stream = both.client(server).chat.stream(**wire.ask)
        with pytest.raises(StreamInterruptedError, match="not the whole answer") as raised:
            await both.items(stream)
        assert raised.value.trace_id == stream.trace_id == wire.trace_id
        assert stream.headers["x-trace-id"] == wire.trace_id

    async def test_a_stream_that_breaks_after_its_end_took_nothing_away(self, both, server, wire):
        server.answers([wire.head(), wire.chunk(wire.delta(content="OK", finish_reason="stop")), 0.02, server.drop])
        assert (await both.get(both.client(server).chat.stream(**wire.ask).completion())).text == "OK"

    async def test_a_stream_that_falls_silent(self, both, server, wire):
        server.answers([wire.head(), wire.chunk(wire.delta(content="So")), server.stall])
        with pytest.raises(StreamTimeoutError, match="fell silent"):
            await both.items(both.client(server).chat.stream(**wire.ask, timeout=0.05))

    async def test_a_last_event_without_its_blank_line(self, both, server, wire):
        server.answers(wire.stream(wire.delta(content="OK"), wire.delta(finish_reason="stop").rstrip()))
        assert (await both.get(both.client(server).chat.stream(**wire.ask).completion())).text == "OK"

    @pytest.mark.parametrize(
        "garbage",
        [b"{", b"7", b"[]", b'"error"', b'{"choices":7}', b'{"choices":[7]}', b'{"choices":[{"delta":7}]}', b"\xff"],
    )
    async def test_garbage_inside_a_stream(self, both, server, wire, garbage):
        server.answers(wire.stream(wire.delta(content="So"), wire.event(garbage)))
        with pytest.raises(APIResponseError, match="cannot be read") as raised:
            await both.items(both.client(server).chat.stream(**wire.ask))
        assert raised.value.trace_id == wire.trace_id

    @pytest.mark.parametrize("sound", [["@@@="], ["A"]])
    async def test_sound_that_is_no_base64(self, both, server, wire, sound):
        server.answers(wire.answer(*(wire.delta(audio={"data": piece}) for piece in sound)))
        with pytest.raises(APIResponseError, match="not base64") as raised:
            await both.items(both.client(server).chat.stream(**wire.ask))
        assert raised.value.trace_id == wire.trace_id

    async def test_a_stream_of_nothing_but_its_end(self, both, server, wire):
        with pytest.raises(APIResponseError):
            await both.get(both.client(server.answers(wire.stream(wire.done))).chat.stream(**wire.ask).completion())

    async def test_the_trace_id_is_found_in_the_chunks_where_no_header_has_it(self, both, server, wire):
        body = wire.delta(content="So")
        server.answers([b"HTTP/1.1 200 OK\r\n\r\n" + body, 0.01, server.drop])
        stream = both.client(server).chat.stream(**wire.ask)
        assert stream.trace_id is None
        with pytest.raises(StreamInterruptedError):
            await both.items(stream)
        assert stream.trace_id == wire.trace_id

    async def test_a_stream_that_was_closed_has_no_completion(self, both, server, wire):
        server.answers(wire.answer(wire.delta(content="So"), wire.delta(content=" what")))
        stream = both.client(server).chat.stream(**wire.ask)
        assert (await both.first(stream))["choices"][0]["delta"] == {"content": "So"}
        await both.get(stream.close())
        with pytest.raises(StreamInterruptedError, match="no whole reply"):
            await both.get(stream.completion())

    async def test_a_stream_left_in_the_middle_of_a_read_has_none(self, both, server, wire):
        in_one_read = wire.delta(content="4") + wire.delta(content="2") + wire.delta(finish_reason="stop") + wire.done
        stream = both.client(server.answers(wire.stream(in_one_read))).chat.stream(**wire.ask)
        await both.first(stream)
        await both.get(stream.close())
        with pytest.raises(StreamInterruptedError, match="no whole reply"):
            await both.get(stream.completion())

    async def test_a_stream_that_broke_has_none_either(self, both, server, wire):
        stream = both.client(server.answers(wire.stream(wire.delta(content="So")))).chat.stream(**wire.ask)
        for message in ("it was cut", "no whole reply"):
            with pytest.raises(StreamInterruptedError, match=message):
                await both.get(stream.completion())


async def test_a_stream_may_be_entered(both, server, wire):
    stream = both.client(server.answers(wire.answer(wire.delta(content="OK")))).chat.stream(**wire.ask)
    if both.kind == "sync":
        with stream as entered:
            assert entered.completion().text == "OK"
    else:
        async with await stream as entered:  # awaited too, as code for other clients is written
            assert (await entered.completion()).text == "OK"
    assert entered is stream
