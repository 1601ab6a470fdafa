"""Errors: what the user sees for each status and each fault of the emulator, and how often it was tried."""

from __future__ import annotations

import httpx
import pytest
from llama_index.core.llms import ChatMessage

import stepfun_client as client
from llama_index_stepfun import StepFun
from tests.chat_faults import CHAT_FAULTS
from tests.unit_tests.llama_index_stepfun.conftest import PIECES, QUESTION, STREAMED, TRACE, WHOLE
from tests.unit_tests.llama_index_stepfun.test_tools import MULTIPLY

WAYS = {**WHOLE, **STREAMED}

STATUSES = {
    400: (client.BadRequestError, "400 kind: words"),
    401: (client.AuthenticationError, "region='global'"),
    402: (client.InsufficientBalanceError, "top up the balance"),
    404: (client.NotFoundError, "check the model's name"),
    418: (client.APIStatusError, "418 kind: words"),
    429: (client.RateLimitError, "until a stream is read to its end"),
    451: (client.ContentModerationError, "content moderation"),
    500: (client.ServerError, "try again later"),
    503: (client.ServerError, "10 minutes"),
}


@pytest.mark.parametrize("status", STATUSES)
async def test_a_refusal_says_what_to_do_next(ask, wire, status) -> None:
    kind, advice = STATUSES[status]
    body = {"error": {"message": "words", "type": "kind", "param": "p", "code": "c"}}
    wire.says(lambda: httpx.Response(status, json=body, headers={"x-trace-id": TRACE}))

    with pytest.raises(kind) as caught:
        await ask(wire.llm(), QUESTION)

    error = caught.value
    assert (error.status_code, error.message, error.type, error.trace_id) == (status, "words", "kind", TRACE)
    assert advice in str(error)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"api_key": "invalid-key"}, client.AuthenticationError),
        ({"api_key": "broke-key"}, client.InsufficientBalanceError),
        ({"model": "step-99"}, client.NotFoundError),
        ({"extra_body": {"temperature": 9}}, client.BadRequestError),
        ({"api_base": "http://127.0.0.1:1/v1"}, client.APIConnectionError),
    ],
    ids=str,
)
async def test_what_goes_wrong(ask, stepfun, asked, kind) -> None:
    with pytest.raises(kind):
        await ask(stepfun(**asked), QUESTION)


async def test_no_key(ask) -> None:
    with pytest.raises(client.MissingAPIKeyError, match="STEP_API_KEY"):
        await ask(StepFun(), QUESTION)


# --- Faults ----------------------------------------------------------------------------------------------------------

CUT, LOST, GARBLED = client.StreamInterruptedError, client.APIConnectionError, client.APIResponseError
SILENT, FAILED, COMPLETE = client.APITimeoutError, client.ServerError, None

# What is seen in a whole reply, and in a stream.
SEEN: dict[str, tuple[type[Exception] | None, type[Exception] | None]] = {
    "rate-limit": (client.RateLimitError, client.RateLimitError),
    "rate-limit-retry-after": (client.RateLimitError, client.RateLimitError),
    "flaky": (FAILED, FAILED),  # without retries; with them, see below
    "overloaded": (FAILED, FAILED),
    "timeout-503": (FAILED, FAILED),
    "html-error": (FAILED, FAILED),
    "drop-connection": (LOST, LOST),
    "cut-stream": (LOST, CUT),
    "cut-connection": (LOST, CUT),
    "cut-before-first": (LOST, CUT),
    "garbage": (GARBLED, GARBLED),
    "error-in-stream": (FAILED, FAILED),
    "no-done": (COMPLETE, COMPLETE),
    "slow": (COMPLETE, COMPLETE),
    "stall": (SILENT, SILENT),
    "stall-after-first": (SILENT, SILENT),
    "one-byte": (COMPLETE, COMPLETE),
    "odd-chunks": (COMPLETE, COMPLETE),
    "crlf": (COMPLETE, COMPLETE),
    "tool-whole": (COMPLETE, COMPLETE),
    "tool-no-index": (COMPLETE, COMPLETE),
    "tool-repeated-id": (COMPLETE, COMPLETE),
    "finish-empty": (COMPLETE, COMPLETE),
    "reasoning-only": (COMPLETE, COMPLETE),
}


def test_every_fault_of_the_emulator_is_in_the_table() -> None:
    assert set(SEEN) == CHAT_FAULTS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", SEEN)
async def test_each_fault_is_a_typed_error_or_the_whole_answer(stepfun, fault, way) -> None:
    seen = SEEN[fault][way in STREAMED]
    llm = stepfun(default_headers={"x-emulator-fault": fault}, timeout=0.2 if "stall" in fault else None)

    if seen is not COMPLETE:
        with pytest.raises(seen):
            await WAYS[way](llm, f"{fault} by {way}: 6 * 7?")
        return
    response = await WAYS[way](llm, f"{fault} by {way}: 6 * 7?")
    thinking, text = response.message.blocks
    assert thinking.content.count("The user says") == 1
    assert "42" in text.text
    assert response.additional_kwargs["finish_reason"] == "stop"
    assert response.additional_kwargs["total_tokens"] > 0


@pytest.mark.parametrize("fault", ["tool-whole", "tool-no-index", "tool-repeated-id"])
async def test_faults_of_tool_calls(pieces, stepfun, fault) -> None:
    llm = stepfun(default_headers={"x-emulator-fault": fault})
    *_, last = await pieces(llm, "Multiply 6 and 7, and multiply 3 and 4.", tools=[MULTIPLY])

    read = [one.tool_kwargs for one in llm.get_tool_calls_from_response(last)]
    assert read == [{"a": 6, "b": 7}, {"a": 3, "b": 4}]


@pytest.mark.parametrize("way", list(PIECES))
async def test_what_came_before_a_stream_was_cut_was_shown(stepfun, way) -> None:
    llm, shown = stepfun(default_headers={"x-emulator-fault": "cut-stream"}), []
    asked = [ChatMessage(role="user", content=QUESTION)]

    async def show() -> None:
        if way == "stream_chat":
            for response in llm.stream_chat(asked):
                shown.append(response)
        else:
            async for response in await llm.astream_chat(asked):
                shown.append(response)

    with pytest.raises(client.StreamInterruptedError, match="not the whole answer"):
        await show()
    assert shown
    assert all("finish_reason" not in response.additional_kwargs for response in shown)


# --- Retries ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_naps")
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_retries_are_counted_once(ask, wire, status, retries) -> None:
    wire.says(lambda: httpx.Response(status))

    with pytest.raises(client.APIStatusError):
        await ask(wire.llm(max_retries=retries), QUESTION)

    assert len(wire.sent) == retries + 1


@pytest.mark.usefixtures("no_naps")
async def test_by_default_there_are_at_most_three_requests(ask, wire) -> None:
    llm = wire.says(lambda: httpx.Response(503)).llm()
    again = StepFun(api_key="any", http_client=llm.http_client, http_async_client=llm.http_async_client)

    with pytest.raises(client.ServerError):
        await ask(again, QUESTION)

    assert len(wire.sent) == 3


@pytest.mark.parametrize("status", [400, 401, 402, 404, 451])
async def test_what_stays_wrong_is_not_tried_again(ask, wire, status) -> None:
    wire.says(lambda: httpx.Response(status))

    with pytest.raises(client.APIStatusError):
        await ask(wire.llm(max_retries=2), QUESTION)

    assert len(wire.sent) == 1


async def test_what_passes_goes_unseen(ask, stepfun) -> None:
    llm = stepfun(default_headers={"x-emulator-fault": "flaky"}, max_retries=2)

    assert "42" in (await ask(llm, f"flaky again by {ask.__name__}: 6 * 7?")).message.content
