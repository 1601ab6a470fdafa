"""Streams: what each quirk of the wire (WIRE.md section 4) becomes, response by response."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from llama_index.core.base.llms.types import AudioBlock, CitationBlock, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage

from stepfun_client import APIResponseError, ServerError, StreamInterruptedError
from tests.unit_tests.llama_index_stepfun.conftest import QUESTION, USAGE, end, event


def tool(at: int | None, call_id: str | None = None, name: str | None = None, arguments: str = "", **more) -> dict:
    """A tool call's delta, with what it has."""
    function = {**({} if name is None else {"name": name}), "arguments": arguments}
    known = {"index": at, "id": call_id}
    return {
        "tool_calls": [
            {**{key: value for key, value in known.items() if value is not None}, "function": function, **more}
        ]
    }


def thought(content: str) -> ThinkingBlock:
    return ThinkingBlock(content=content)


def called(name: str, arguments: str, call_id: str = "call_1") -> ToolCallBlock:
    return ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)


# --- Each response ---------------------------------------------------------------------------------------------------


async def test_each_response_says_what_is_new_and_holds_the_whole_message(pieces, wire) -> None:
    wire.says(
        event({"role": "assistant", "content": "", "reasoning_content": "6 times "})
        + event({"reasoning_content": "7"})
        + event({"content": "It is"})
        + event({"content": " 42."})
        + end()
    )

    seen = [
        (response.delta, response.additional_kwargs.get("thinking_delta"), response.message.blocks)
        for response in await pieces(wire.llm(), QUESTION)
    ]

    assert seen == [
        ("", "6 times ", [thought("6 times ")]),
        ("", "7", [thought("6 times 7")]),
        ("It is", None, [thought("6 times 7"), TextBlock(text="It is")]),
        (" 42.", None, [thought("6 times 7"), TextBlock(text="It is 42.")]),
        ("", None, [thought("6 times 7"), TextBlock(text="It is 42.")]),
    ]


def test_a_response_that_is_kept_does_not_change_later(wire) -> None:
    wire.says(
        event({"reasoning_content": "hm"})
        + event({"content": "a"})
        + event(tool(0, "call_1", "add", '{"a":'))
        + event(tool(0, None, None, " 1}"))
        + event({"content": "b"})
        + end("tool_calls")
    )
    kept, copies = [], []

    for response in wire.llm().stream_chat([ChatMessage(role="user", content=QUESTION)]):
        kept.append(response)
        copies.append(copy.deepcopy(response))

    assert kept == copies
    assert len({id(response.message.blocks) for response in kept}) == len(kept)


async def test_raw_is_the_chunk_and_at_the_end_the_usage(pieces, wire) -> None:
    wire.says(event({"content": "42"}, logprobs=None) + end())

    first, last = await pieces(wire.llm(), QUESTION)

    assert first.raw["choices"] == [{"index": 0, "delta": {"content": "42"}, "logprobs": None}]
    assert last.raw["usage"] == USAGE


# --- Usage -----------------------------------------------------------------------------------------------------------


def counted(prompt: int, completion: int, **more) -> dict:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


def chunk(**body) -> bytes:
    return b"data: %b\n\n" % json.dumps(body).encode()


SAID = [{"index": 0, "delta": {"content": "42"}}]
OVER = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
DONE = b"data: [DONE]\n\n"

USAGES = {
    "cumulative, the last is the truth": (
        chunk(choices=SAID, usage=counted(9, 1)) + chunk(choices=SAID, usage=counted(9, 2)),
        chunk(choices=OVER, usage=counted(9, 3)),
        {**counted(9, 3)},
    ),
    "in a chunk without choices": (
        chunk(choices=SAID) + chunk(choices=OVER),
        chunk(choices=[], usage=counted(9, 3)),
        {**counted(9, 3)},
    ),
    "cached in details": (
        chunk(choices=SAID),
        chunk(choices=OVER, usage=counted(9, 3, prompt_tokens_details={"cached_tokens": 4})),
        {**counted(9, 3), "cached_tokens": 4},
    ),
    "cached at the top": (
        chunk(choices=SAID),
        chunk(choices=OVER, usage=counted(9, 3, cached_tokens=4)),
        {**counted(9, 3), "cached_tokens": 4},
    ),
    "cached figures of the engine are not confirmed": (
        chunk(choices=SAID, usage=counted(29, 1, cached_tokens=26)),
        chunk(choices=OVER, usage=counted(29, 3, cached_tokens=0)),
        {**counted(29, 3), "cached_tokens": 0},
    ),
    "no cached figure at the end": (
        chunk(choices=SAID, usage=counted(29, 1, cached_tokens=26)),
        chunk(choices=OVER, usage=counted(29, 3)),
        {**counted(29, 3), "cached_tokens": 26},
    ),
    "zero in the first chunk": (
        chunk(created=0, choices=SAID, usage=counted(0, 0)),
        chunk(choices=OVER, usage=counted(9, 3)),
        {**counted(9, 3)},
    ),
    "none at all": (chunk(choices=SAID), chunk(choices=OVER), {}),
}


@pytest.mark.parametrize("quirk", USAGES)
async def test_usage(pieces, wire, quirk) -> None:
    before, after, wanted = USAGES[quirk]
    wire.says(before + after + DONE)

    *_, last = await pieces(wire.llm(), QUESTION)

    assert last.additional_kwargs == {**wanted, "finish_reason": "stop"}


# --- Quirks of texts and ends ----------------------------------------------------------------------------------------

TEXTS = {
    "reasoning twice": (
        event({"reasoning": "hm", "reasoning_content": "hm"}) + event({"content": "42"}) + end(),
        [thought("hm"), TextBlock(text="42")],
    ),
    "reasoning by its other name": (
        event({"reasoning": "hm"}) + event({"content": "42"}) + end(),
        [thought("hm"), TextBlock(text="42")],
    ),
    "role and empty content in each chunk": (
        event({"role": "assistant", "content": "4"})
        + event({"role": "", "content": "2"})
        + event({"content": ""})
        # and an empty finish_reason
        + event({"content": ""}, finish_reason="")
        + end(),
        [TextBlock(text="42")],
    ),
    "null content": (event({"content": None, "reasoning_content": None}) + event({"content": "42"}) + end(), None),
    "no [DONE]": (event({"content": "42"}) + event({}, finish_reason="stop"), None),
    "[DONE] without finish_reason": (event({"content": "42"}) + DONE, None),
    "a second answer": (event({"content": "42"}) + event({"content": "43"}, index=1) + end(), None),
    "lines end with CRLF": ((event({"content": "42"}) + end()).replace(b"\n", b"\r\n"), None),
    "comments": (b": ping\n\n" + event({"content": "42"}) + end(), None),
    "nothing said": (end(), [TextBlock(text="")]),
}


@pytest.mark.parametrize("quirk", TEXTS)
async def test_texts(pieces, wire, quirk) -> None:
    stream, blocks = TEXTS[quirk]
    wire.says(stream)

    *before, last = await pieces(wire.llm(), QUESTION)

    assert last.message.blocks == (blocks or [TextBlock(text="42")])
    assert "".join(response.delta for response in before) == (last.message.content or "")


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (event({"content": "4"}), StreamInterruptedError),
        (b"", StreamInterruptedError),
        (event({"content": "4"}) + b'data: {"choices": [', StreamInterruptedError),
        (event({"content": "4"}) + b"data: <html>\n\n", APIResponseError),
        (event({"content": "4"}) + b'data: {"error": {"message": "broke off", "type": "x"}}\n\n', ServerError),
    ],
    ids=["cut", "empty", "cut in an event", "garbage", "error"],
)
async def test_a_stream_that_breaks_off_is_an_error_never_a_short_answer(pieces, wire, stream, error) -> None:
    wire.says(stream)

    with pytest.raises(error):
        await pieces(wire.llm(), QUESTION)


# --- Tool calls ------------------------------------------------------------------------------------------------------

ADD = [called("add", '{"a": 1}')]
CALLS = {
    "in pieces": (
        [tool(0, "call_1", "add"), tool(0, None, None, '{"a":'), tool(0, None, None, " 1}")],
        ADD,
    ),
    "whole in one delta": ([tool(0, "call_1", "add", '{"a": 1}')], ADD),
    "without index": ([tool(None, "call_1", "add", '{"a":'), tool(None, None, None, " 1}")], ADD),
    "id repeated": ([tool(0, "call_1", "add", '{"a":'), tool(0, "call_1", "add", " 1}")], ADD),
    "id empty later": ([tool(0, "call_1", "add", '{"a":'), tool(0, "", None, " 1}")], ADD),
    "two, by index": (
        [tool(0, "call_1", "add", '{"a":'), tool(1, "call_2", "sub", "{}"), tool(0, None, None, " 1}")],
        [*ADD, called("sub", "{}", "call_2")],
    ),
    "two, by id, without index": (
        [tool(None, "call_1", "add", '{"a": 1}'), tool(None, "call_2", "sub", "{}")],
        [*ADD, called("sub", "{}", "call_2")],
    ),
    "no arguments": ([tool(0, "call_1", "now")], [called("now", "{}")]),
}


@pytest.mark.parametrize("quirk", CALLS)
async def test_tool_calls(pieces, wire, quirk) -> None:
    deltas, blocks = CALLS[quirk]
    wire.says(b"".join(map(event, deltas)) + end("stop"))  # `stop` beside tool calls

    *_, last = await pieces(wire.llm(), QUESTION)

    assert last.message.blocks == blocks
    in_the_other_place = [one["function"]["name"] for one in last.message.additional_kwargs["tool_calls"]]
    assert in_the_other_place == [block.tool_name for block in blocks]


async def test_arguments_are_read_as_far_as_they_have_come(pieces, wire) -> None:
    llm = wire.says(
        event(tool(0, "call_1", "add"))
        + event(tool(0, None, None, '{"a": 1'))
        + event(tool(0, None, None, ', "b": "tw'))
        + event(tool(0, None, None, 'o"}'))
        + end("tool_calls")
    ).llm()

    seen = [llm.get_tool_calls_from_response(response)[0].tool_kwargs for response in await pieces(llm, QUESTION)]

    assert seen == [{}, {"a": 1}, {"a": 1, "b": None}, {"a": 1, "b": "two"}, {"a": 1, "b": "two"}]


HIT = {"index": 1, "url": "https://example.com", "title": "T", "summary": "S"}


async def test_a_search_that_stepfun_ran_is_no_call_for_the_agent(pieces, wire) -> None:
    searched = tool(0, "call_1", "step_websearch", '{"q": "x"}', type="web_search", results=[HIT])
    llm = wire.says(event(searched) + event({"content": "Found."}) + end()).llm()

    *_, last = await pieces(llm, QUESTION)

    cited = CitationBlock(
        cited_content=TextBlock(text="S"), source=HIT["url"], title="T", additional_location_info={"index": 1}
    )
    assert last.message.blocks == [TextBlock(text="Found."), cited]
    assert "tool_calls" not in last.message.additional_kwargs
    (ran,) = last.message.additional_kwargs["built_in_tool_calls"]
    assert (ran["type"], ran["function"]["name"], ran["results"]) == ("web_search", "step_websearch", [HIT])
    assert llm.get_tool_calls_from_response(last, error_on_no_tool_call=False) == []


# --- Sound -----------------------------------------------------------------------------------------------------------


async def test_a_spoken_answer(pieces, wire) -> None:
    """The words come as they are said; the sound whole, at the end: pieces of it play nothing."""
    samples = bytes(range(100))
    parts = [base64.b64encode(samples[:50]).decode(), base64.b64encode(samples[50:]).decode()]
    wire.says(
        event({"audio": {"transcript": "Good ", "data": parts[0]}})
        + event({"audio": {"transcript": "day.", "data": parts[1]}})
        + end(None)
    )

    *before, last = await pieces(wire.llm("step-audio-2", modalities=["text", "audio"]), QUESTION)

    assert [response.delta for response in before] == ["Good ", "day."]
    assert not any(isinstance(block, AudioBlock) for response in before for block in response.message.blocks)
    words, sound = last.message.blocks
    assert words == TextBlock(text="Good day.")
    assert (sound.format, sound.resolve_audio().read()) == ("pcm", samples)
