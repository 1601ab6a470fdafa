"""v3 events: native, valid by langchain-tests' own rules, and of the same message that a stream's chunks make."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core import exceptions as core
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

import stepfun_client as stepfun
import stepfun_emulator
from langchain_stepfun import ChatStepFun
from langchain_stepfun.events import EventStream
from langchain_stepfun.streaming import MessageStream, TranslatedReader
from stepfun_client.api.chat_stream import ChatStreamReader
from tests.unit_tests.langchain_stepfun.answers import ANSWERS, SEARCH, call, more
from tests.unit_tests.langchain_stepfun.conftest import QUESTION, V3, WATCHED, added
from tests.unit_tests.langchain_stepfun.test_connections import LONG, soon, soon_async

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

pytestmark = pytest.mark.filterwarnings("ignore:.*is in beta")


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def read_city(city: str) -> str:
    """Read the weather of a city."""
    return f"rain in {city}"


def finished(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks as the events that finish them tell them."""
    return [event["content"] for event in events if event["event"] == "content-block-finish"]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [block["type"] for block in finished(events)]


# --- Each kind of answer ---------------------------------------------------------------------------------------------


def test_both_hooks_are_native() -> None:
    for hook in ("_stream_chat_model_events", "_astream_chat_model_events"):
        assert hook in vars(ChatStepFun)  # without the asynchronous one core would fall back to `_astream`


@pytest.mark.parametrize("kind", ANSWERS)
async def test_the_events_of_each_answer_are_valid_and_tell_its_blocks(watch, wire, kind) -> None:
    wire.answer = ANSWERS[kind]

    events = await watch(wire.chat(), "Hi")

    assert_valid_event_stream(events)
    assert Counter(map(json.dumps, map(_sorted, finished(events)))) == Counter(
        map(json.dumps, map(_sorted, ANSWERS[kind].blocks))
    )
    assert (events[0]["event"], events[-1]["event"]) == ("message-start", "message-finish")


def _sorted(block: dict[str, Any]) -> dict[str, Any]:
    return {key: block[key] for key in sorted(block) if key != "index"}


ASKED = {
    "text": ({"model": "step-1-8k"}, [], "Hello", ["text"]),
    "reasoning": ({}, [], QUESTION, ["reasoning", "text"]),
    "parallel tools": (
        {},
        [multiply, read_city],
        "Multiply 6 and 7, and read the weather in Beijing",
        ["reasoning", "tool_call", "tool_call"],
    ),
    "search": (
        {},
        [{"type": "web_search"}],
        "Search the web for StepFun news",
        ["server_tool_call", "server_tool_result", "reasoning", "text"],
    ),
    "audio": (
        {"model": "step-audio-2", "modalities": ["text", "audio"], "audio": {"voice": "wenrounansheng"}},
        [],
        "Say hello",
        ["text", "audio"],
    ),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_the_events_of_what_the_service_sends(watch, chat, asked) -> None:
    given_model, tools, question, blocks = ASKED[asked]
    model = chat(**given_model)

    events = await watch(model.bind_tools(tools) if tools else model, question)

    assert_valid_event_stream(events)
    assert kinds(events) == blocks


SHAPES = ["none", "tool-whole", "tool-no-index", "tool-repeated-id", "one-byte", "odd-chunks", "crlf", "finish-empty"]


@pytest.mark.parametrize("fault", SHAPES)
async def test_tool_calls_of_every_shape_are_valid_events(watch, chat, fault) -> None:
    model = chat(default_headers={"x-emulator-fault": fault}).bind_tools([multiply, read_city])

    events = await watch(model, "Multiply 6 and 7, and read the weather in Beijing")

    assert_valid_event_stream(events)
    assert [(block["name"], block["args"]) for block in finished(events) if block["type"] == "tool_call"] == [
        ("multiply", {"a": 6, "b": 7}),
        ("read_city", {"city": "Beijing"}),
    ]


async def test_a_block_is_finished_when_the_next_kind_begins(watch, wire) -> None:
    wire.answer = ANSWERS["reasoning"]

    events = await watch(wire.chat(), "Hi")

    assert [(event["event"], event.get("index")) for event in events] == [
        ("message-start", None),
        ("content-block-start", 0),
        ("content-block-delta", 0),
        ("content-block-delta", 0),
        ("content-block-finish", 0),
        ("content-block-start", 1),
        ("content-block-delta", 1),
        ("content-block-delta", 1),
        ("content-block-finish", 1),
        ("message-finish", None),
    ]


async def test_streamed_sound_is_told_whole_with_its_type(watch, wire) -> None:
    wire.answer = ANSWERS["audio"]

    events = await watch(wire.chat(), "Hi")

    (sound,) = [event for event in events if event.get("content", {}).get("base64")]
    assert sound["event"] == "content-block-finish"
    assert _sorted(sound["content"]) == {"type": "audio", "base64": "AAAAAQAC", "mime_type": "audio/pcm"}


async def test_usage_names_and_reason_are_told_once_at_the_end(watch, wire) -> None:
    wire.answer = ANSWERS["text"]

    events = await watch(wire.chat(include_response_headers=True), "Hi")

    assert [event["event"] for event in events if "usage" in event] == ["message-finish"]
    assert events[-1]["usage"] == {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    told = events[-1]["metadata"]
    assert (told["model_provider"], told["model_name"], told["finish_reason"]) == ("stepfun", "step-3.7-flash", "stop")
    assert told["headers"]["content-type"] == "text/event-stream"
    assert events[0]["metadata"] == {"provider": "stepfun", "model": "step-3.7-flash"}


# --- The stream object -----------------------------------------------------------------------------------------------


def test_projections(chat) -> None:
    stream = chat().stream_events(QUESTION, version="v3")
    thoughts, words = list(stream.reasoning), list(stream.text)

    assert len(thoughts) > 1
    assert len(words) > 1
    assert "".join(thoughts) == str(stream.reasoning) == stream.output.content_blocks[0]["reasoning"]
    assert "".join(words) == str(stream.text) == stream.output.text


async def test_projections_async(chat) -> None:
    stream = await chat().astream_events(QUESTION, version="v3")
    thoughts, words = [part async for part in stream.reasoning], [part async for part in stream.text]
    reply = await stream

    assert len(thoughts) > 1
    assert "".join(thoughts) == await stream.reasoning == reply.content_blocks[0]["reasoning"]
    assert "".join(words) == await stream.text == reply.text


async def test_tool_calls_grow_side_by_side_and_are_told_apart(wire) -> None:
    wire.answer = ANSWERS["parallel tool calls"]

    stream = wire.chat().stream_events("Hi", version="v3")
    pieces = [(piece["id"], piece["name"], piece["args"]) for piece in stream.tool_calls]
    again = await wire.chat().astream_events("Hi", version="v3")

    assert pieces == [("call_0", "add", '{"a"'), ("call_0", "add", ": 1}")]
    assert [call["name"] for call in stream.tool_calls.get()] == ["add", "now"]
    assert await again.tool_calls == stream.tool_calls.get()


@pytest.mark.parametrize("way", V3)
async def test_the_message_has_the_runs_id(chat, way) -> None:
    runs: list[str] = []

    class Runs(BaseCallbackHandler):
        def on_chat_model_start(self, *args: Any, run_id: Any, **kwargs: Any) -> None:
            runs.append(str(run_id))

    reply = await V3[way](chat(), QUESTION, config={"callbacks": [Runs()]})

    assert reply.id == f"lc_run--{runs[0]}"


@pytest.mark.parametrize("way", V3)
async def test_usage_is_counted_once(chat, way) -> None:
    with get_usage_metadata_callback() as counted:
        reply = await V3[way](chat(), QUESTION)

    assert counted.usage_metadata["step-3.7-flash"]["total_tokens"] == reply.usage_metadata["total_tokens"] == 62


@pytest.mark.parametrize("way", V3)
async def test_no_answer_but_thinking_is_warned_about(chat, way) -> None:
    with pytest.warns(UserWarning, match="thinking used up max_tokens"):
        reply = await V3[way](chat(max_tokens=3), QUESTION)

    assert [block["type"] for block in reply.content] == ["reasoning"]


@pytest.mark.parametrize("way", V3)
@pytest.mark.parametrize(
    ("fault", "ours", "cores"),
    [
        ("rate-limit", stepfun.RateLimitError, core.ModelRateLimitError),
        ("cut-stream", stepfun.StreamInterruptedError, core.ModelConnectionError),
        ("error-in-stream", stepfun.ServerError, core.ModelAPIError),
        ("garbage", stepfun.APIResponseError, core.ModelAPIError),
        ("stall-after-first", stepfun.StreamTimeoutError, core.ModelTimeoutError),
    ],
)
async def test_errors_are_typed_in_both_trees(chat, way, fault, ours, cores) -> None:
    model = chat(default_headers={"x-emulator-fault": fault}, timeout=0.2 if "stall" in fault else None)

    with pytest.raises(ours) as caught:
        await V3[way](model, QUESTION)
    assert isinstance(caught.value, cores)


@pytest.mark.parametrize("way", V3)
async def test_what_is_certainly_wrong_is_refused_before_it_is_sent(wire, way) -> None:
    with pytest.raises(stepfun.InvalidParameterError, match="temperature"):
        await V3[way](wire.chat(), "Hi", temperature=3)
    assert wire.sent == []


# --- Streams that nobody reads to their end --------------------------------------------------------------------------


@pytest.fixture
def slow():
    """An emulator of its own, whose streams take their time."""
    with stepfun_emulator.serving(delay=0.01) as served:
        yield served


def test_an_abandoned_stream_closes_its_connection(slow) -> None:
    model = ChatStepFun(api_key="any", base_url=slow.base_url, concurrency_limit=1)

    for _ in model.stream_events(LONG, version="v3"):
        assert slow.open_streams == 1
        break
    gc.collect()  # core's stream object holds itself

    assert soon(lambda: slow.open_streams == 0)
    assert model.concurrency_limit.free == 1
    model.client.close()


async def test_an_abandoned_asynchronous_stream_closes_its_connection(slow) -> None:
    model = ChatStepFun(api_key="any", base_url=slow.base_url, concurrency_limit=1)

    async with await model.astream_events(LONG, version="v3") as stream:
        async for _ in stream:
            assert await soon_async(lambda: slow.open_streams == 1)
            break

    assert await soon_async(lambda: slow.open_streams == 0)
    assert model.concurrency_limit.free == 1
    await model.async_client.aclose()


def test_a_stream_that_was_read_holds_no_place_though_it_is_kept(chat) -> None:
    model = chat(concurrency_limit=1)

    kept = [model.stream_events(QUESTION, version="v3") for _ in range(2)]
    replies = [stream.output for stream in kept]  # core reads no further than to the last event

    assert all("42" in reply.text for reply in replies)
    assert model.concurrency_limit.free == 1


@pytest.mark.parametrize("way", WATCHED)
async def test_several_streams_at_once(chat, way) -> None:
    every = await asyncio.gather(*(WATCHED[way](chat(), QUESTION) for _ in range(4)))

    assert [kinds(events) for events in every] == [["reasoning", "text"]] * 4


# --- However the pieces come -----------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
CLIENT_CALL = st.integers(0, 2).flatmap(
    lambda index: st.sampled_from([{"tool_calls": [call(index, "add", "")]}, {"tool_calls": [more(index, '{"a": 1}')]}])
)
DELTAS = st.lists(
    st.one_of(
        st.builds(lambda text: {"reasoning_content": text}, WORDS),
        st.builds(lambda text: {"content": text}, WORDS),
        CLIENT_CALL,
        st.builds(lambda text: {"audio": {"data": "AAAA", "transcript": text}}, WORDS),
        st.just({}),
    ),
    max_size=12,
)


def stream_of(deltas: list[dict[str, Any]], *, search: bool) -> bytes:
    said = [{"tool_calls": [SEARCH | {"index": 9}]}, *deltas] if search else deltas
    choices = [{"index": 0, "delta": delta} for delta in said]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    return b"".join(b"data: %b\n\n" % json.dumps({"model": "m", "choices": [choice]}).encode() for choice in choices)


def read(translator: Any, pieces: list[bytes]) -> list[Any]:
    reader = TranslatedReader(translator, ChatStreamReader())
    reader.begin(httpx.Headers())
    made = [item for piece in pieces for item in reader.feed(piece)]
    return [*made, *reader.finish(), *reader.conclusion]


def joined(message: AIMessage, kind: str) -> str:
    return "".join(block.get(kind, "") for block in message.content_blocks if block["type"] == kind)


@settings(max_examples=150, deadline=None)
@given(deltas=DELTAS, search=st.booleans(), data=st.data())
def test_any_chunks_in_any_pieces_give_the_same_events_and_the_same_message(deltas, search, data) -> None:
    body = stream_of(deltas, search=search)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    events = read(EventStream(), pieces)
    watched = ChatModelStream()
    for event in copy.deepcopy(events):
        watched.dispatch(event)
    native, streamed = watched.output_message, added([chunk.message for chunk in read(MessageStream(), pieces)])

    assert events == read(EventStream(), [body])
    assert_valid_event_stream(events)
    assert native.text == streamed.text == joined(streamed, "text")
    assert joined(native, "reasoning") == joined(streamed, "reasoning")
    assert sorted(native.tool_calls, key=str) == sorted(streamed.tool_calls, key=str)
    assert len(native.invalid_tool_calls) == len(streamed.invalid_tool_calls)
    for kind in ("server_tool_call", "server_tool_result", "audio"):
        assert [_sorted(block) for block in native.content_blocks if block["type"] == kind] == [
            block for block in streamed.content_blocks if block["type"] == kind
        ]
    assert native.response_metadata["finish_reason"] == streamed.response_metadata["finish_reason"] == "stop"
