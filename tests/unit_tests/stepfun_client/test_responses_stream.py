"""The events of `client.responses`: typed, numbered, cut at every event and every byte (WIRE.md section 5)."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepfun_client
from stepfun_client import APIResponseError, ServerError, StepFunError, StreamInterruptedError
from stepfun_client.api.responses_stream import (
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    ItemAdded,
    ItemDone,
    OutputTextDelta,
    ReasoningTextDelta,
    ResponseEnded,
    ResponseEvent,
    ResponseReader,
    ResponseStarted,
)

MODEL = "step-3.7-flash"
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {}}}}
TRACE = "373279f754863eccda439d90e5c06dfa"

REASONING = {"type": "reasoning", "id": "i0", "content": [{"type": "reasoning_text", "text": "六 × 7"}]}
MESSAGE = {"type": "message", "id": "i1", "role": "assistant", "content": [{"type": "output_text", "text": "好 42"}]}
CALL = {"type": "function_call", "id": "i2", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
WHOLE = {"id": "resp_1", "status": "completed", "output": [REASONING, MESSAGE, CALL], "usage": {"total_tokens": 9}}


def events(*last):
    """A whole stream by the book, ended as one likes."""
    made = [
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
        {"type": "response.in_progress", "response": {"id": "resp_1"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "i0"}},
        {"type": "response.reasoning_text.delta", "item_id": "i0", "output_index": 0, "delta": "六 "},
        {"type": "response.reasoning_text.delta", "item_id": "i0", "output_index": 0, "delta": "× 7"},
        {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "id": "i1"}},
        {"type": "response.output_text.delta", "item_id": "i1", "output_index": 1, "delta": "好 42"},
        {"type": "response.output_item.done", "output_index": 1, "item": MESSAGE},
        {"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "id": "i2"}},
        {"type": "response.function_call_arguments.delta", "item_id": "i2", "output_index": 2, "delta": '{"a":1}'},
        {"type": "response.function_call_arguments.done", "item_id": "i2", "output_index": 2, "arguments": '{"a":1}'},
        {"type": "response.output_item.done", "output_index": 2, "item": CALL},
        {"type": "response.queue_position", "position": 3},
        *(last or ({"type": "response.completed", "response": WHOLE},)),
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(made)]


def encoded(made):
    return [f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in made]


def read(pieces):
    reader = ResponseReader()
    reader.begin({"x-trace-id": TRACE, "content-type": "text/event-stream"})
    made = [event for piece in pieces for event in reader.feed(piece)]
    return made + reader.finish(), reader.response()


def test_every_event_has_its_type_its_number_and_its_item():
    made, response = read(encoded(events()))

    assert [type(event) for event in made] == [
        ResponseStarted,
        ResponseStarted,
        ItemAdded,
        ReasoningTextDelta,
        ReasoningTextDelta,
        ItemDone,
        ItemAdded,
        OutputTextDelta,
        ItemDone,
        ItemAdded,
        FunctionArgumentsDelta,
        FunctionArgumentsDone,
        ItemDone,
        ResponseEvent,  # one that is not known here
        ResponseEnded,
    ]
    assert [event.sequence_number for event in made] == list(range(15))
    assert (made[3].delta, made[3].item_id, made[3].output_index) == ("六 ", "i0", 0)
    assert made[5].item.text == "六 × 7"
    assert made[11].arguments == '{"a":1}'
    assert (made[13].type, made[13].position) == ("response.queue_position", 3)
    assert made[14].response["usage"] == {"total_tokens": 9}
    assert (response.text, response.reasoning, response.trace_id) == ("好 42", "六 × 7", TRACE)
    assert [call.arguments for call in response.function_calls] == ['{"a":1}']


@given(st.lists(st.integers(min_value=0), max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_pieces_of_the_network_mean_nothing(cuts):
    body = b"".join(encoded(events()))
    at = sorted({0, len(body), *(cut % len(body) for cut in cuts)})
    made, response = read([body[start:end] for start, end in pairwise(at)])

    assert (len(made), response.text) == (15, "好 42")


def test_cut_at_every_event():
    pieces = encoded(events())
    for at in range(len(pieces)):
        with pytest.raises(StreamInterruptedError, match=r"without response\.completed"):
            read(pieces[:at])


def test_cut_at_every_byte():
    body = b"".join(encoded(events()))
    whole = len(body) - 1  # all but the blank line's end; what is complete JSON then counts
    last = body.rindex(b"}") + 1
    for at in range(0, len(body), 1):
        if at < last:
            with pytest.raises(StreamInterruptedError):
                read([body[:at]])
        else:
            assert read([body[:at]])[1].text == "好 42"
    assert read([body[:whole]])[1].status == "completed"


@pytest.mark.parametrize("tail", [b"data: [DONE]\n\n", b": bye\n\n", b'data: {"type":"error","message":"late"}\n\n'])
def test_what_comes_after_the_end_is_not_waited_for(tail):
    made, response = read([*encoded(events()), tail])
    assert (len(made), response.text) == (15, "好 42")


def test_done_is_no_end_where_the_answer_has_none():
    with pytest.raises(StreamInterruptedError):
        read([*encoded(events())[:-1], b"data: [DONE]\n\n"])


def test_an_incomplete_answer_is_an_answer():
    end = {**WHOLE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    made, response = read(encoded(events({"type": "response.incomplete", "response": end})))

    assert isinstance(made[-1], ResponseEnded)
    assert (response.status, response.incomplete_details) == ("incomplete", {"reason": "max_output_tokens"})


def test_where_the_last_event_repeats_no_items_those_that_came_count():
    end = {name: value for name, value in WHOLE.items() if name != "output"}
    response = read(encoded(events({"type": "response.completed", "response": end})))[1]

    assert (response.text, len(response.output), response.id) == ("好 42", 3, "resp_1")


def test_the_name_of_the_frame_counts_where_the_event_says_none():
    made = read([b'event: response.output_text.delta\ndata: {"delta":"x"}\n\n', *encoded(events())])[0]
    assert (type(made[0]), made[0].type, made[0].delta) == (OutputTextDelta, "response.output_text.delta", "x")


GARBAGE = {
    "no JSON": b"data: {garbage\n\n",
    "no object": b"data: [7]\n\n",
    "an item that is none": b'data: {"type":"response.output_item.done","item":7}\n\n',
    "a number of another kind": b'data: {"type":"response.created","sequence_number":"x"}\n\n',
}


@pytest.mark.parametrize("event", GARBAGE.values(), ids=GARBAGE)
def test_an_event_that_cannot_be_read(event):
    with pytest.raises(APIResponseError) as raised:
        read([*encoded(events())[:3], event])
    assert raised.value.trace_id == TRACE


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_is_read_or_refused(body):
    with pytest.raises(StepFunError):
        read([*encoded(events())[:2], body])


def test_a_whole_may_be_asked_of_a_reader_only_at_the_end():
    with pytest.raises(StreamInterruptedError, match="no whole answer"):
        ResponseReader().response()


# --- Against the emulator ---------------------------------------------------------------------------------------------

FAULTS = ["one-byte", "odd-chunks", "crlf", "no-done"]


@pytest.fixture
def stream(both, emulator):
    def streamed(fault="none", given="What is 6 * 7?", **params):
        client = both.client(emulator, max_retries=0, default_headers={"x-emulator-fault": fault})
        return client.responses.stream(model=MODEL, input=given, **params)

    return streamed


async def test_a_stream_adds_up_to_its_answer(both, stream):
    made = stream()
    received = await both.items(made)
    response = await both.get(made.response())

    assert [event.sequence_number for event in received] == list(range(len(received)))
    assert "".join(event.delta for event in received if isinstance(event, OutputTextDelta)) == response.text
    assert "".join(event.delta for event in received if isinstance(event, ReasoningTextDelta)) == response.reasoning
    assert [event.item.type for event in received if isinstance(event, ItemDone)] == ["reasoning", "message"]
    assert made.trace_id == response.trace_id


async def test_the_arguments_of_a_call_come_in_pieces(both, stream):
    made = stream(given="What is the weather in Paris?", tools=[TOOL])
    received = await both.items(made)
    done = [event.arguments for event in received if isinstance(event, FunctionArgumentsDone)]

    assert "".join(event.delta for event in received if isinstance(event, FunctionArgumentsDelta)) == done[0]
    assert json.loads(done[0]) == {"city": "Paris"}
    assert (await both.get(made.response())).function_calls[0].arguments == done[0]


@pytest.mark.parametrize("fault", FAULTS)
async def test_however_the_bytes_come(both, stream, fault):
    assert (await both.get(stream(fault).response())).text == "6 * 7 = 42"


@pytest.mark.parametrize("fault", ["cut-stream", "cut-connection", "cut-before-first"])
async def test_a_cut_is_no_answer(both, stream, fault):
    with pytest.raises(StreamInterruptedError):
        await both.get(stream(fault).response())


async def test_a_failure_comes_after_what_was_said(both, stream):
    made = stream("response-failed")

    assert (await both.first(made)).type == "response.created"
    with pytest.raises(ServerError, match="overloaded"):
        await both.items(made)
    assert made.trace_id
    with pytest.raises(StreamInterruptedError):
        await both.get(made.response())


@pytest.mark.parametrize(("fault", "cls"), [("error-in-stream", StepFunError), ("garbage", APIResponseError)])
async def test_errors_inside_a_stream(both, stream, fault, cls):
    with pytest.raises(cls) as raised:
        await both.items(stream(fault))
    assert raised.value.trace_id


async def test_a_refusal_has_its_status(both, stream):
    with pytest.raises(stepfun_client.RateLimitError):
        await both.items(stream("rate-limit"))
