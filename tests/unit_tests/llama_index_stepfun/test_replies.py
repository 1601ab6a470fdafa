"""Whole replies: what a reply of the wire becomes, whole and streamed alike."""

from __future__ import annotations

import base64

import pytest
from llama_index.core.base.llms.types import AudioBlock, CitationBlock, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage

from tests.unit_tests.llama_index_stepfun.conftest import QUESTION, TRACE, USAGE, call, reply

HIT = {"index": 1, "url": "https://example.com", "title": "T", "summary": "S"}
SEARCH = {
    "id": "call_9",
    "type": "web_search",
    "function": {"name": "step_websearch", "arguments": "{}"},
    "results": [HIT],
}
CITATION = CitationBlock(
    cited_content=TextBlock(text="S"), source=HIT["url"], title="T", additional_location_info={"index": 1}
)


def called(name: str, arguments: str, call_id: str = "call_1") -> ToolCallBlock:
    return ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)


REPLIES = {
    "text": (reply("42"), [TextBlock(text="42")]),
    "thinking": (reply("42", reasoning_content="hm"), [ThinkingBlock(content="hm"), TextBlock(text="42")]),
    "thinking alone": (reply("", finish_reason="length", reasoning_content="hm"), [ThinkingBlock(content="hm")]),
    "nothing": (reply(""), [TextBlock(text="")]),
    "a call": (reply(None, tool_calls=[call("add", '{"a": 1}')]), [called("add", '{"a": 1}')]),
    "text and calls": (
        reply("I add.", tool_calls=[call("add", "{}"), call("sub", "{}", "chatcmpl-tool-0123456789abcdef")]),
        [
            TextBlock(text="I add."),
            called("add", "{}"),
            called("sub", "{}", "chatcmpl-tool-0123456789abcdef"),
        ],
    ),
    "a search": (reply("Found.", tool_calls=[SEARCH]), [TextBlock(text="Found."), CITATION]),
    "a search and a call": (
        reply("", tool_calls=[SEARCH, call("add", "{}")]),
        [CITATION, called("add", "{}")],
    ),
}


@pytest.mark.parametrize("kind", REPLIES)
async def test_blocks(ask, wire, kind) -> None:
    body, blocks = REPLIES[kind]
    wire.says(body)

    response = await ask(wire.llm(), QUESTION)

    assert response.message.role == "assistant"
    assert response.message.blocks == blocks


@pytest.mark.parametrize("kind", REPLIES)
async def test_a_reply_can_be_sent_back(ask, wire, kind) -> None:
    """In the next turn a reply stands as it came, without what only readers want."""
    body, _ = REPLIES[kind]
    llm = wire.says(body, reply("Well.")).llm()
    said = (await ask(llm, QUESTION)).message
    calls = [one for one in body["choices"][0]["message"].get("tool_calls", []) if one["type"] == "function"]
    results = [ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": one["id"]}) for one in calls]

    again = ChatMessage.model_validate(said.model_dump())  # as memories keep it
    await ask(llm, [ChatMessage(role="user", content=QUESTION), again, *results])

    sent = wire.messages[1]
    assert sent["role"] == "assistant"
    assert (sent["content"] or "") == (body["choices"][0]["message"]["content"] or "")
    assert sent.get("tool_calls", []) == calls


async def test_both_names_of_the_reasoning_are_read_once(ask_whole, wire) -> None:
    wire.says(reply("42", reasoning="hm", reasoning_content="hm"))

    assert (await ask_whole(wire.llm(), QUESTION)).message.blocks[0] == ThinkingBlock(content="hm")


async def test_usage_and_where_the_answer_came_from(ask_whole, wire) -> None:
    cached = {**USAGE, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"x": 0}}
    wire.says({**reply("42"), "usage": cached})

    response = await ask_whole(wire.llm(), QUESTION)

    assert response.additional_kwargs == {**USAGE, "cached_tokens": 4, "finish_reason": "stop", "trace_id": TRACE}
    assert response.raw["usage"] == cached
    assert response.raw["choices"][0]["message"]["content"] == "42"
    assert response.delta is None


@pytest.mark.parametrize(
    ("head", "spoken"),
    [(b"RIFF\x26\0\0\0WAVE", "wav"), (b"ID3\x04", "mp3"), (b"OggS", "ogg"), (b"fLaC", "flac"), (b"\0\1\0\2", "pcm")],
    ids=["wav", "mp3", "ogg", "flac", "pcm"],
)
async def test_a_spoken_answer_is_sound_and_words(ask_whole, wire, head, spoken) -> None:
    sound = {"data": base64.b64encode(head + bytes(8)).decode(), "transcript": "Good day."}
    wire.says(reply(None, finish_reason=None, audio=sound))

    response = await ask_whole(wire.llm("step-audio-2", modalities=["text", "audio"]), QUESTION)

    words, block = response.message.blocks
    assert words == TextBlock(text="Good day.")
    assert isinstance(block, AudioBlock)
    assert (block.format, block.resolve_audio().read()) == (spoken, head + bytes(8))
    assert wire.body["modalities"] == ["text", "audio"]


# --- With the emulator -----------------------------------------------------------------------------------------------


async def test_an_answer_of_the_emulator(ask, stepfun) -> None:
    response = await ask(stepfun(), QUESTION)

    thinking, text = response.message.blocks
    assert thinking.content.startswith("The user says")
    assert text.text == response.message.content == "6 * 7 = 42"
    assert response.additional_kwargs["total_tokens"] == response.raw["usage"]["total_tokens"] > 0
    assert response.additional_kwargs["cached_tokens"] == 0
    assert len(response.additional_kwargs["trace_id"]) == 32


async def test_a_long_prompt_is_cached(ask, stepfun) -> None:
    llm, asked = stepfun(), f"{ask.__name__}: " + "What a day! " * 300

    first, second = await ask(llm, asked), await ask(llm, asked)

    assert first.additional_kwargs["cached_tokens"] < second.additional_kwargs["cached_tokens"]


async def test_the_emulator_speaks(ask, stepfun) -> None:
    llm = stepfun("step-audio-2", modalities=["text", "audio"], audio={"voice": "wenrounansheng"})

    words, sound = (await ask(llm, "Say hello.")).message.blocks

    assert words.text
    assert len(sound.resolve_audio().read()) > 1000


async def test_a_search_by_the_emulator(ask, stepfun) -> None:
    llm = stepfun(tools=[{"type": "web_search"}])

    message = (await ask(llm, "Search the web for the news about StepFun.")).message

    assert message.additional_kwargs["built_in_tool_calls"][0]["type"] == "web_search"
    assert any(isinstance(block, CitationBlock) for block in message.blocks)
    assert not any(isinstance(block, ToolCallBlock) for block in message.blocks)
