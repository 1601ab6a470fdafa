"""Errors: what the user sees for each status, each fault of the emulator, and each rule that is certain."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any, NamedTuple

import httpx
import pytest
from langchain_core import exceptions as core

import stepfun_client as stepfun
from langchain_stepfun import ChatStepFun
from langchain_stepfun import errors as ours
from tests.chat_faults import CHAT_FAULTS
from tests.unit_tests.langchain_stepfun.conftest import CHUNKS, QUESTION, REPLY, STREAMED, WHOLE

WAYS = {**WHOLE, **STREAMED}


# --- Statuses --------------------------------------------------------------------------------------------------------


class Refused(NamedTuple):
    status: int
    client: type[stepfun.StepFunError]
    langchain: type[core.ModelError]
    again: bool
    advice: str


STATUSES = [
    Refused(400, stepfun.BadRequestError, core.ModelInvalidRequestError, False, "400 kind: words"),
    Refused(401, stepfun.AuthenticationError, core.ModelAuthenticationError, False, "region='global'"),
    Refused(402, stepfun.InsufficientBalanceError, core.ModelError, False, "top up the balance"),
    Refused(403, stepfun.APIStatusError, core.ModelPermissionDeniedError, False, "403 kind: words"),
    Refused(404, stepfun.NotFoundError, core.ModelNotFoundError, False, "check the model's name"),
    Refused(418, stepfun.APIStatusError, core.ModelError, False, "418 kind: words"),
    Refused(429, stepfun.RateLimitError, core.ModelRateLimitError, True, "until a stream is read to its end"),
    Refused(451, stepfun.ContentModerationError, core.ModelError, False, "content moderation"),
    Refused(500, stepfun.ServerError, core.ModelAPIError, True, "try again later"),
    Refused(502, stepfun.ServerError, core.ModelAPIError, True, "try again later"),
    Refused(503, stepfun.ServerError, core.ModelAPIError, True, "10 minutes"),
    Refused(504, stepfun.ServerError, core.ModelAPIError, True, "try again later"),
]


@pytest.mark.parametrize("refused", STATUSES, ids=lambda refused: str(refused.status))
async def test_a_refusal_is_an_error_of_both_trees(ask, wire, refused) -> None:
    body = {"error": {"message": "words", "type": "kind", "param": "p", "code": "c"}}
    wire.reply = lambda: httpx.Response(refused.status, json=body, headers={"x-trace-id": "f" * 32})

    with pytest.raises(refused.client) as caught:
        await ask(wire.chat(), QUESTION)

    error = caught.value
    assert isinstance(error, refused.langchain)
    assert error.is_retryable is refused.again
    assert (error.status_code, error.message, error.type) == (refused.status, "words", "kind")
    assert (error.param, error.code, error.trace_id) == ("p", "c", "f" * 32)
    assert refused.advice in str(error)
    assert str(error).endswith(f"(trace id {'f' * 32})")


@pytest.mark.parametrize(
    ("asked", "client", "langchain"),
    [
        ({"api_key": "invalid-key"}, stepfun.AuthenticationError, core.ModelAuthenticationError),
        ({"api_key": "broke-key"}, stepfun.InsufficientBalanceError, core.ModelError),
        ({"model": "step-99"}, stepfun.NotFoundError, core.ModelNotFoundError),
        ({"extra_body": {"temperature": 9}}, stepfun.BadRequestError, core.ModelInvalidRequestError),
        ({"extra_body": {"top_k": 1}}, stepfun.BadRequestError, core.ModelInvalidRequestError),
    ],
    ids=str,
)
async def test_what_the_service_refuses(ask, chat, asked, client, langchain) -> None:
    with pytest.raises(client) as caught:
        await ask(chat(**asked), QUESTION)

    assert isinstance(caught.value, langchain)
    assert caught.value.is_retryable is False


async def test_what_moderation_refuses(ask, chat) -> None:
    with pytest.raises(stepfun.ContentModerationError) as caught:
        await ask(chat(), "Say censored-by-emulator")

    assert isinstance(caught.value, core.ModelError)
    assert caught.value.type == "censorship_blocked"


async def test_no_key(ask) -> None:
    with pytest.raises(stepfun.MissingAPIKeyError, match=r"STEP_API_KEY .* get a key at https://platform") as caught:
        await ask(ChatStepFun(), QUESTION)

    assert isinstance(caught.value, core.ModelAuthenticationError)


async def test_nobody_there(ask) -> None:
    model = ChatStepFun(api_key="any", base_url="http://127.0.0.1:1/v1", max_retries=0)

    with pytest.raises(
        stepfun.APIConnectionError, match="Check the network, the proxy settings and base_url"
    ) as caught:
        await ask(model, QUESTION)

    assert isinstance(caught.value, core.ModelConnectionError)
    assert caught.value.is_retryable is True


# --- A conversation that is too long ---------------------------------------------------------------------------------

TOO_LONG = [
    "the prompt is too long: 300000 tokens, the context of step-3.7-flash is 256000",
    "This model's maximum context length is 32768 tokens. However, your messages resulted in 40000 tokens.",
    "input is too long for requested model",
    "context window exceeded",
    "Input length exceeds the maximum number of tokens",
    "too many tokens in the request",
    "上下文长度超出限制",
    "输入过长，请缩短后重试",
    "输入内容超过模型上下文长度",
    "请求超出上下文窗口",
]
NOT_TOO_LONG = [
    "max_tokens exceeds the model's limit of 65536 tokens",
    "`max_tokens` must not exceed 32768 tokens",
    "temperature must be at most 2",
    "tool name 超过最大长度",
    "at most 60 images a request",
    "the message is empty",
]


@pytest.mark.parametrize(("words", "overflow"), [*((w, True) for w in TOO_LONG), *((w, False) for w in NOT_TOO_LONG)])
async def test_an_overflow_is_recognised_by_its_words(ask_whole, wire, words, overflow) -> None:
    wire.reply = lambda: httpx.Response(400, json={"error": {"message": words, "type": "invalid_request_error"}})

    with pytest.raises(stepfun.BadRequestError) as caught:
        await ask_whole(wire.chat(), QUESTION)

    assert isinstance(caught.value, core.ContextOverflowError) is overflow
    assert isinstance(caught.value, core.ModelInvalidRequestError)
    assert caught.value.message == words


@pytest.mark.parametrize(
    ("error", "overflow"),
    [
        ({"message": "invalid request", "code": "context_length_exceeded"}, True),
        ({"message": "exceeds the limit of 65536 tokens", "param": "max_tokens"}, False),
    ],
    ids=["by its code", "of the answer"],
)
async def test_an_overflow_is_recognised_by_its_code_and_not_of_the_answer(ask_whole, wire, error, overflow) -> None:
    wire.reply = lambda: httpx.Response(400, json={"error": error})

    with pytest.raises(stepfun.BadRequestError) as caught:
        await ask_whole(wire.chat(), QUESTION)

    assert isinstance(caught.value, core.ContextOverflowError) is overflow


@pytest.mark.parametrize("way", WHOLE)
async def test_what_the_service_finds_too_long(chat, way) -> None:
    with pytest.raises(core.ContextOverflowError) as caught:
        await WHOLE[way](chat(), "word " * 270_000)

    assert isinstance(caught.value, ours.ChatContextOverflowError)
    assert caught.value.is_retryable is False


def test_the_twin_of_an_overflow_pickles_as_one() -> None:
    twin = twin_of(stepfun.BadRequestError("maximum context length", status_code=400))

    assert type(pickle.loads(pickle.dumps(twin))) is ours.ChatContextOverflowError


# --- An answer that is none ------------------------------------------------------------------------------------------


async def test_thinking_that_used_up_max_tokens_is_warned_about(ask, chat) -> None:
    with pytest.warns(UserWarning, match="no answer came .*: raise max_tokens, .* or lower reasoning_effort"):
        reply = await ask(chat(max_tokens=3), QUESTION)

    assert reply.text == ""


@pytest.mark.filterwarnings("error")
async def test_an_answer_that_is_only_short_is_not(ask_whole, chat) -> None:
    whole = chat().invoke(QUESTION)
    cut = await ask_whole(chat(max_tokens=whole.usage_metadata["output_tokens"] - 1), QUESTION)

    assert cut.response_metadata["finish_reason"] == "length"
    assert cut.text


# --- Faults ----------------------------------------------------------------------------------------------------------

CUT = stepfun.StreamInterruptedError
LOST = stepfun.APIConnectionError
GARBLED = stepfun.APIResponseError
SILENT = stepfun.APITimeoutError
FAILED = stepfun.ServerError
COMPLETE = None

# What a user of ChatStepFun sees: in a whole reply, and in a stream.
SEEN: dict[str, tuple[type[Exception] | None, type[Exception] | None]] = {
    "rate-limit": (stepfun.RateLimitError, stepfun.RateLimitError),
    "rate-limit-retry-after": (stepfun.RateLimitError, stepfun.RateLimitError),
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
async def test_each_fault_is_a_typed_error_or_the_whole_answer(chat, fault, way) -> None:
    seen = SEEN[fault][way in STREAMED]
    model = chat(default_headers={"x-emulator-fault": fault}, timeout=0.2 if "stall" in fault else None)

    if seen is COMPLETE:
        reply = await WAYS[way](model, f"{fault} by {way}: 6 * 7?")
        assert "42" in reply.text
        assert reply.additional_kwargs["reasoning_content"].startswith("The user says")
        assert reply.additional_kwargs["reasoning_content"].count("The user says") == 1
        assert reply.response_metadata["finish_reason"] == "stop"
        assert reply.usage_metadata["total_tokens"] > 0
        return
    with pytest.raises(seen) as caught:
        await WAYS[way](model, f"{fault} by {way}: 6 * 7?")
    assert isinstance(caught.value, core.ModelError)
    assert caught.value.is_retryable is True  # all of them may pass
    if seen in (CUT, GARBLED):
        assert len(caught.value.trace_id) == 32


@pytest.mark.parametrize(
    ("fault", "retries"), [("flaky", 2), ("rate-limit-retry-after", 1), ("drop-connection", 1)], ids=str
)
async def test_what_may_pass_is_tried_again(chat, emulator, fault, retries) -> None:
    """As often as it is allowed: a fault that passes goes unseen, one that stays is told."""
    model = chat(default_headers={"x-emulator-fault": fault, "x-test": "tried again"}, max_retries=retries)
    asked = f"{fault}: 6 * 7?"

    if fault == "flaky":
        assert "42" in (await model.ainvoke(asked)).text
    else:
        with pytest.raises(core.ModelError):
            await model.ainvoke(asked)
    tried = [request for request in emulator.requests if request.headers.get("x-test") == "tried again"]
    assert [request.body["messages"][0]["content"] for request in tried].count(asked) == retries + 1


async def test_a_pause_that_the_service_asks_for_is_kept(chat) -> None:
    model = chat(default_headers={"x-emulator-fault": "rate-limit-retry-after"}, max_retries=1)
    loop = asyncio.get_running_loop()
    started = loop.time()

    with pytest.raises(stepfun.RateLimitError):
        await model.ainvoke(QUESTION)

    assert 1.0 <= loop.time() - started < 3.0


@pytest.mark.parametrize("way", list(CHUNKS))
async def test_what_came_before_a_stream_was_cut_was_shown(chat, way) -> None:
    model, shown = chat(default_headers={"x-emulator-fault": "cut-stream"}), []

    async def show() -> None:
        if way == "stream":
            for chunk in model.stream(QUESTION):
                shown.append(chunk)
        else:
            async for chunk in model.astream(QUESTION):
                shown.append(chunk)

    with pytest.raises(stepfun.StreamInterruptedError, match="not the whole answer"):
        await show()
    assert shown
    assert all(chunk.chunk_position is None for chunk in shown)  # nothing pretends to be the end


def test_a_html_page_becomes_one_line(chat) -> None:
    with pytest.raises(stepfun.ServerError) as caught:
        chat(default_headers={"x-emulator-fault": "html-error"}).invoke(QUESTION)

    assert str(caught.value).startswith("502: 502 Bad Gateway ->")


async def test_a_200_that_holds_no_answer_is_an_error(ask_whole, wire) -> None:
    wire.reply = lambda: httpx.Response(200, json={"choices": "none"})
    with pytest.raises(stepfun.APIResponseError):
        await ask_whole(wire.chat(), QUESTION)

    wire.reply = lambda: httpx.Response(200, json={"id": REPLY["id"]})
    with pytest.raises(stepfun.APIResponseError) as caught:
        await ask_whole(wire.chat(), QUESTION)
    assert caught.value.trace_id == "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


# --- The classes -----------------------------------------------------------------------------------------------------

MADE: list[stepfun.StepFunError] = [
    *(
        refused.client("words", status_code=refused.status, type="kind", trace_id="f" * 32, hint="do")
        for refused in STATUSES
    ),
    stepfun.APIConnectionError("words"),
    stepfun.APITimeoutError("words"),
    stepfun.StreamInterruptedError("words", trace_id="f" * 32),
    stepfun.StreamTimeoutError("words", trace_id="f" * 32),
    stepfun.APIResponseError("words", trace_id="f" * 32, body="<html>"),
    stepfun.InvalidParameterError("words", param="n"),
    stepfun.MissingAPIKeyError("words"),
]


def twin_of(error: stepfun.StepFunError) -> Any:
    return ours.as_model_error(error)


@pytest.mark.parametrize("error", MADE, ids=lambda error: f"{type(error).__name__}")
def test_every_error_has_a_twin_with_all_it_holds(error) -> None:
    twin = twin_of(error)

    assert isinstance(twin, type(error))
    assert isinstance(twin, core.ModelError)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)
    assert twin_of(twin) is twin


@pytest.mark.parametrize("error", MADE, ids=lambda error: f"{type(error).__name__}")
def test_errors_pickle(error) -> None:
    twin = twin_of(error)

    again = pickle.loads(pickle.dumps(twin))

    assert type(again) is type(twin)
    assert str(again) == str(twin)
    assert vars(again) == vars(twin)


def test_an_error_of_tomorrow_passes_through() -> None:
    class OfTomorrowError(stepfun.StepFunError):
        pass

    error = OfTomorrowError("words")
    assert twin_of(error) is error


def test_a_stream_that_fell_silent_is_a_timeout_in_both_trees() -> None:
    twin = twin_of(stepfun.StreamTimeoutError("words"))

    assert isinstance(twin, stepfun.StreamInterruptedError)
    assert isinstance(twin, stepfun.APITimeoutError)
    assert isinstance(twin, core.ModelTimeoutError)
