"""Content blocks: answers in LangChain's standard form, the same whole, streamed and as v3 events."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.load import dumps
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from langchain_stepfun.streaming import cut_mark
from tests.unit_tests.langchain_stepfun.answers import ANSWERS, CITATION, Answer, call, more
from tests.unit_tests.langchain_stepfun.conftest import STREAMED, V3, WHOLE, added

WAYS = {**WHOLE, **STREAMED, **V3}


def plain(blocks: list[dict]) -> list[dict]:
    """Blocks without the index that says which pieces of a stream belong together."""
    return [{key: value for key, value in block.items() if key != "index"} for block in blocks]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ANSWERS)
async def test_the_blocks_of_each_answer(wire, kind, way, version) -> None:
    wire.answer = ANSWERS[kind]

    reply = await WAYS[way](wire.chat(output_version=version), "Hi")

    assert plain(reply.content_blocks) == expected(kind, way, version)


def expected(kind: str, way: str, version: str) -> list[dict]:
    blocks = ANSWERS[kind].blocks
    if kind != "broken arguments" or way in WHOLE:
        return blocks
    valid, invalid = blocks
    if way in V3:
        return [invalid, valid]  # as they came
    if version == "v1":  # langchain-core joins the pieces of a stream by itself: it keeps those it cannot read ...
        return [{"type": "tool_call_chunk", "id": "call_0", "name": "add", "args": invalid["args"]}, valid]
    return [valid, {**invalid, "error": None}]  # ... and gives no reason


@pytest.mark.parametrize("kind", [kind for kind in ANSWERS if kind != "broken arguments"])
async def test_v1_content_is_the_blocks_and_v0_content_the_text(ask_or_watch, wire, kind) -> None:
    wire.answer = ANSWERS[kind]

    v1 = await ask_or_watch(wire.chat(output_version="v1"), "Hi")
    whole = wire.chat().invoke("Hi")

    assert plain(v1.content or []) == ANSWERS[kind].blocks
    assert whole.content == "".join(block.get("text", "") for block in ANSWERS[kind].blocks)
    assert v1.text == whole.text
    assert v1.tool_calls == whole.tool_calls
    assert v1.usage_metadata == whole.usage_metadata


async def test_each_piece_of_a_stream_has_blocks_of_its_own(chunks, wire) -> None:
    wire.answer = ANSWERS["search and tool calls"]

    pieces = [block for chunk in await chunks(wire.chat(), "Hi") for block in chunk.content_blocks]

    assert [block["type"] for block in pieces] == [
        "server_tool_call",
        "server_tool_result",
        "text",
        "text",
        "tool_call_chunk",
        "tool_call_chunk",
        "tool_call_chunk",
        "tool_call_chunk",
    ]
    assert [block.get("annotations") for block in pieces if block["type"] == "text"] == [[CITATION], None]


async def test_a_search_cites_in_the_text_that_follows_it_alone(ask_or_watch, wire) -> None:
    wire.answer = ANSWERS["search"]

    reply = await ask_or_watch(wire.chat(), "Hi")

    assert [block for block in reply.content_blocks if block.get("annotations")] == [reply.content_blocks[-1]]


async def test_a_later_piece_of_a_call_that_stepfun_ran_is_none_to_be_run(chunks, wire) -> None:
    search = {"index": 0, "id": "call_s", "type": "web_search", "function": {"name": "step_websearch", "arguments": ""}}
    wire.answer = Answer(
        {}, [{"tool_calls": [search]}, {"tool_calls": [more(0, '{"query": "news"}')]}, {"content": "42"}]
    )

    reply = added(await chunks(wire.chat(), "Hi"))

    assert (reply.tool_calls, reply.invalid_tool_calls) == ([], [])
    (server_call,) = reply.additional_kwargs["server_tool_calls"]
    assert server_call["function"] == {"name": "step_websearch", "arguments": '{"query": "news"}'}


@pytest.mark.parametrize("arguments", ["no json", "[1]"])
def test_arguments_of_a_search_that_cannot_be_read_are_kept(wire, arguments) -> None:
    search = {"id": "call_s", "type": "web_search", "function": {"name": "step_websearch", "arguments": arguments}}
    wire.answer = Answer({"content": "42", "tool_calls": [search]}, [])

    (block, _) = wire.chat().invoke("Hi").content_blocks

    assert list(block["args"]) == ["arguments"]


# --- Calls whose arguments were cut ----------------------------------------------------------------------------------

CUT = ['{"a": 6, "b"', '{"a": 6', '{"a": [1, 2', '{"a": "six', '{"a": {"b": "six', '{"a": 6,', "{", '{"a": [{"b": "x']


@pytest.mark.parametrize("arguments", CUT)
async def test_a_call_whose_arguments_were_cut_is_invalid_never_half_a_call(ask_or_watch, wire, arguments) -> None:
    """langchain-core completes half an object in a stream by itself; an agent would run the call with half of it."""
    wire.answer = Answer(
        {"content": "", "tool_calls": [call(0, "add", arguments)]},
        [{"tool_calls": [call(0, "add", arguments[:1])]}, {"tool_calls": [more(0, arguments[1:])]}],
        finish="length",
    )

    reply = await ask_or_watch(wire.chat(), "Hi")

    assert reply.tool_calls == []
    (invalid,) = reply.invalid_tool_calls
    assert (invalid["id"], invalid["name"]) == ("call_0", "add")
    assert invalid["args"].startswith(arguments)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    given_args=st.dictionaries(st.text(max_size=4), JSON, min_size=1, max_size=3), escaped=st.booleans(), data=st.data()
)
def test_an_object_that_was_cut_anywhere_is_none(given_args, escaped, data) -> None:
    whole = json.dumps(given_args, ensure_ascii=escaped)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    marked = AIMessageChunk(
        "", tool_call_chunks=[tool_call_chunk(name="add", args=cut + cut_mark(cut), id="1", index=0)]
    )

    assert marked.tool_calls == []
    assert cut_mark(whole) == ""


@pytest.mark.parametrize("arguments", ['{"a": "two\nlines"}', "", "{}", '{"a": {"b": [1]}}'])
async def test_whole_arguments_are_a_call(ask_or_watch, wire, arguments) -> None:
    wire.answer = Answer(
        {"content": "", "tool_calls": [call(0, "add", arguments)]}, [{"tool_calls": [call(0, "add", arguments)]}]
    )

    reply = await ask_or_watch(wire.chat(), "Hi")

    assert [found["name"] for found in reply.tool_calls] == ["add"]
    assert reply.invalid_tool_calls == []


# --- Elsewhere -------------------------------------------------------------------------------------------------------


def test_a_process_without_this_package_sees_the_reasoning_too(wire) -> None:
    wire.answer = ANSWERS["reasoning"]
    script = (
        "import sys, warnings; warnings.simplefilter('ignore'); from langchain_core.load import loads;"
        "message = loads(sys.stdin.read(), allowed_objects='messages');"
        "print([block['type'] for block in message.content_blocks], 'langchain_stepfun' in sys.modules)"
    )

    seen = subprocess.run(
        [sys.executable, "-c", script],
        input=dumps(wire.chat().invoke("Hi")),
        capture_output=True,
        text=True,
        check=True,
    )

    assert seen.stdout.strip() == "['reasoning', 'text'] False"
