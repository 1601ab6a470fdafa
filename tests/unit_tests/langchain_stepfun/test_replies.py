"""Replies, byte for byte: recorded ones and samples of our own, whole, in single bytes, and cut at every offset."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage

from langchain_stepfun.errors import ChatStreamInterruptedError
from tests.unit_tests.langchain_stepfun.conftest import CHUNKS, WHOLE, added

TESTS = Path(__file__).parents[2]
RECORDED = TESTS.parents[1] / "shared" / "wire" / "recorded"  # live replies; not part of the repository


class Bytes(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def recorded(folder: Path, name: str) -> tuple[dict[str, str], list[bytes], dict[str, Any]]:
    """A recorded reply: its headers, the pieces of its body, and the request it answers."""
    path = folder / name
    if not path.exists():
        pytest.skip(f"no recorded replies at {folder}")
    record = json.loads(path.read_text("utf-8"))
    response = record["response"]
    pieces = [base64.b64decode(piece) for piece in response.get("chunks_b64", ())]
    return response["headers"], pieces or [json.dumps(response["body"]).encode()], record["request"]


def single_bytes(pieces: list[bytes]) -> list[bytes]:
    return [bytes([byte]) for byte in b"".join(pieces)]


CUTS = {
    "as recorded": lambda pieces: pieces,
    "whole": lambda pieces: [b"".join(pieces)],
    "single bytes": single_bytes,
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("way", list(CHUNKS))
@pytest.mark.parametrize("folder", [TESTS / "wire", RECORDED], ids=["ours", "live"])
async def test_a_recorded_stream(wire, folder, way, cut) -> None:
    headers, pieces, request = recorded(folder, "chat_stream.json")
    wire.reply = lambda: httpx.Response(200, headers=headers, stream=Bytes(CUTS[cut](pieces)))
    model = wire.chat(model="step-3.5-flash", max_tokens=512, reasoning_effort="low", reasoning_format="deepseek-style")

    reply = added(await CHUNKS[way](model, "Reply with only the word OK."))

    assert wire.body == request
    assert reply.content == "OK"
    reasoning = reply.additional_kwargs["reasoning_content"]
    assert reasoning.count("nothing else.") == 1  # though the wire says it twice
    assert [block["type"] for block in reply.content_blocks] == ["reasoning", "text"]
    assert reply.usage_metadata == {
        "input_tokens": 29,
        "output_tokens": 33,
        "total_tokens": 62,
        "input_token_details": {"cache_read": 0},
    }
    assert reply.response_metadata["finish_reason"] == "stop"
    assert reply.response_metadata["model_name"] == "step-3.5-flash"
    assert reply.response_metadata["trace_id"] == headers["x-trace-id"]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("way", list(WHOLE))
@pytest.mark.parametrize(("folder", "written"), [(TESTS / "wire", 33), (RECORDED, 97)], ids=["ours", "live"])
async def test_a_recorded_whole_reply(wire, folder, written, way, cut) -> None:
    headers, pieces, _ = recorded(folder, "chat_basic.json")
    wire.reply = lambda: httpx.Response(200, headers=headers, stream=Bytes(CUTS[cut](pieces)))

    reply = await WHOLE[way](wire.chat(model="step-3.5-flash"), "Reply with only the word OK.")

    message = json.loads(b"".join(pieces))["choices"][0]["message"]
    assert reply.content == "OK"
    assert reply.additional_kwargs == {"reasoning_content": message["reasoning"]}
    assert reply.usage_metadata == {
        "input_tokens": 29,
        "output_tokens": written,
        "total_tokens": 29 + written,
        "input_token_details": {"cache_read": 0},
    }
    assert reply.response_metadata["trace_id"] == headers["x-trace-id"]


def test_a_stream_cut_at_any_byte_is_an_error_or_the_whole_answer(wire) -> None:
    """Of the live recording where it is at hand, else of our sample: thousands of streams take their time."""
    headers, pieces, _ = recorded(RECORDED if RECORDED.exists() else TESTS / "wire", "chat_stream.json")
    body = b"".join(pieces)
    model = wire.chat(model="step-3.5-flash")

    def answer_at(offset: int) -> tuple[str, int] | None:
        """The answer and its usage from so many bytes; None where it is told that the stream was cut."""
        wire.reply = lambda: httpx.Response(200, headers=headers, stream=Bytes([body[:offset]]))
        with contextlib.suppress(ChatStreamInterruptedError):
            # Underneath `stream`, which would spend the time of thousands of streams on callbacks.
            made = [chunk.message for chunk in model._stream([HumanMessage("Reply with only the word OK.")])]
            return "".join(message.text for message in made), made[-1].usage_metadata["total_tokens"]
        return None

    answers = [answer_at(offset) for offset in range(len(body) + 1)]

    whole = answers.index(("OK", 62))
    assert set(answers[:whole]) == {None}
    assert set(answers[whole:]) == {("OK", 62)}
    assert b'"finish_reason":"stop"' in body[:whole]  # that event may end without its blank line
    assert body[:whole].endswith(b"}")


# --- Usage -----------------------------------------------------------------------------------------------------------


def events(*usages: dict[str, Any] | None) -> bytes:
    """A stream of one word, with these usages on its chunks."""
    chunks = [{"choices": [{"index": 0, "delta": {"content": "a"}}], "usage": usage} for usage in usages]
    chunks[-1]["choices"][0]["finish_reason"] = "stop"
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def counted(read: int, written: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written, **more}


def told(read: int, written: int, cached: int | None = None) -> dict[str, Any]:
    usage = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    return usage if cached is None else {**usage, "input_token_details": {"cache_read": cached}}


@pytest.mark.parametrize(
    ("usages", "usage"),
    [
        ([counted(9, 1), counted(9, 2), counted(9, 3)], told(9, 3)),
        ([counted(9, 1, cached_tokens=8), counted(9, 2)], told(9, 2, 8)),
        ([counted(9, 1, cached_tokens=8), counted(9, 2, prompt_tokens_details={"cached_tokens": 0})], told(9, 2, 0)),
        ([counted(600, 1, prompt_tokens_details={"cached_tokens": 512})], told(600, 1, 512)),
        ([counted(9, 2), counted(0, 0)], told(9, 2)),
        ([counted(9, 2), None], told(9, 2)),
        ([None, {}], None),
    ],
    ids=["cumulative", "cached at the top", "not confirmed at the end", "cached in details", "zero", "null", "none"],
)
async def test_usage_in_a_stream_is_its_last_statement(chunks, wire, usages, usage) -> None:
    wire.reply = lambda: httpx.Response(200, content=events(*usages))

    assert added(await chunks(wire.chat(), "Hi")).usage_metadata == usage


async def test_cached_input_is_counted_in_both_forms(ask, chat) -> None:
    question = "Count the words. " + "word " * 1500
    model = chat()
    model.invoke(question)

    reply = await ask(model, question)

    assert reply.usage_metadata["input_token_details"]["cache_read"] >= 256
    assert reply.usage_metadata["input_token_details"]["cache_read"] % 256 == 0


async def test_counts_of_several_calls_add_up(chat) -> None:
    from langchain_core.callbacks import get_usage_metadata_callback

    model = chat()
    with get_usage_metadata_callback() as counted_by:
        model.invoke("What is 6 * 7?")
        await model.ainvoke("What is 6 * 7?")
        list(model.stream("What is 6 * 7?"))

    assert counted_by.usage_metadata["step-3.7-flash"]["total_tokens"] == 3 * 62


def test_usage_of_a_batch_is_summed_in_the_llm_output(chat) -> None:
    result = chat().generate([[HumanMessage("What is 6 * 7?")], [HumanMessage("What is 6 * 7?")]])

    assert result.llm_output["model_name"] == "step-3.7-flash"
    assert result.llm_output["token_usage"]["total_tokens"] == 2 * 62


# --- Spoken answers --------------------------------------------------------------------------------------------------

SPEAKS = {"model": "step-audio-2", "modalities": ["text", "audio"], "audio": {"voice": "wenrounansheng"}}


async def test_a_spoken_answer_has_words_and_a_wav_file(ask_whole, chat) -> None:
    reply = await ask_whole(chat(**SPEAKS), "Say hello")

    assert reply.text.startswith("Hello!")
    assert base64.b64decode(reply.additional_kwargs["audio"]["data"])[:4] == b"RIFF"
    assert "finish_reason" not in reply.response_metadata  # the service says null


async def test_a_spoken_stream_is_samples_that_join(chunks, chat) -> None:
    reply = added(await chunks(chat(**SPEAKS), "Say hello"))

    samples = base64.b64decode(reply.additional_kwargs["audio"]["data"], validate=True)
    assert reply.text.startswith("Hello!")
    assert len(samples) > 2000
    assert len(samples) % 2 == 0
