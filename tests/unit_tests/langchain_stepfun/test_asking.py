"""Asking: whole, streamed and in batches, synchronously and not; what every answer tells."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from tests.unit_tests.langchain_stepfun.conftest import QUESTION, added


async def test_every_way_of_asking_gives_the_same_answer(ask, chat) -> None:
    reply = await ask(chat(), QUESTION)

    assert isinstance(reply, AIMessage)
    assert reply.text.startswith("6 * 7 = 42")
    assert reply.additional_kwargs["reasoning_content"].startswith("The user says")
    assert [block["type"] for block in reply.content_blocks] == ["reasoning", "text"]
    assert reply.usage_metadata["total_tokens"] == 62


async def test_every_answer_says_where_it_came_from(ask, chat) -> None:
    told = (await ask(chat(), QUESTION)).response_metadata

    assert told["model_provider"] == "stepfun"
    assert told["model_name"] == "step-3.7-flash"
    assert told["finish_reason"] == "stop"
    assert len(told["trace_id"]) == 32
    assert told["trace_id"] in told["id"]


@pytest.mark.parametrize(
    "conversation",
    [
        QUESTION,
        [HumanMessage(QUESTION)],
        [SystemMessage("Be brief."), HumanMessage("Hello"), AIMessage("Hi"), HumanMessage(QUESTION)],
        [("system", "Be brief."), ("human", QUESTION)],
        [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": QUESTION}],
    ],
    ids=["text", "message", "conversation", "tuples", "dicts with a developer"],
)
async def test_what_can_be_asked(ask_whole, chat, conversation) -> None:
    assert "42" in (await ask_whole(chat(), conversation)).text


async def test_a_stream_shows_the_thinking_first_and_says_each_piece_once(chunks, chat) -> None:
    parts = await chunks(chat(), QUESTION)

    thought = [part.additional_kwargs.get("reasoning_content") for part in parts]
    spoken = [part.text for part in parts]
    first_word = next(number for number, text in enumerate(spoken) if text)
    assert all(thought[:first_word])
    assert not any(thought[first_word:])
    assert len([text for text in spoken if text]) > 1
    assert parts[-1].chunk_position == "last"
    assert len({part.id for part in parts}) == 1


async def test_a_stream_says_names_and_usage_on_one_chunk_only(chunks, chat) -> None:
    parts = await chunks(chat(), QUESTION)

    for name in ("model_name", "finish_reason", "id", "trace_id"):
        assert [name in part.response_metadata for part in parts].count(True) == 1  # repeated strings are joined
    assert [part.usage_metadata is not None for part in parts].count(True) == 1  # repeated counts are added


async def test_invoke_streams_underneath_where_it_is_told_to(ask_whole, wire) -> None:
    reply = await ask_whole(wire.chat(streaming=True), QUESTION)

    assert wire.body["stream"] is True
    assert reply.text == "42"
    assert reply.usage_metadata["total_tokens"] == 6


async def test_several_answers_share_one_usage(chat) -> None:
    model = chat(n=3, temperature=1.5)

    for result in (model.generate([[HumanMessage(QUESTION)]]), await model.agenerate([[HumanMessage(QUESTION)]])):
        messages = [generation.message for generation in result.generations[0]]
        assert len(messages) == 3
        assert all("42" in message.text for message in messages)
        assert [message.usage_metadata is None for message in messages] == [False, True, True]


async def test_a_stream_makes_one_message(chunks, chat) -> None:
    with pytest.raises(ValueError, match="n must be 1 in a stream"):
        await chunks(chat(n=2), QUESTION)


async def test_a_reply_that_max_tokens_ended_says_so(ask, chat) -> None:
    with pytest.warns(UserWarning, match="raise max_tokens"):
        reply = await ask(chat(max_tokens=3), QUESTION)

    assert reply.response_metadata["finish_reason"] == "length"
    assert reply.text == ""  # thinking counts against max_tokens and may leave no text
    assert reply.usage_metadata["output_tokens"] == 3


async def test_stop_ends_an_answer(ask, chat) -> None:
    assert "42" not in (await ask(chat(), QUESTION, stop=["42"])).text


async def test_headers_of_the_reply_where_they_are_asked_for(chunks, chat) -> None:
    reply = added(await chunks(chat(include_response_headers=True), QUESTION))

    assert reply.response_metadata["headers"]["x-trace-id"] == reply.response_metadata["trace_id"]
    assert "headers" not in added(await chunks(chat(), QUESTION)).response_metadata
