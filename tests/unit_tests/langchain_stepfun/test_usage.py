"""Tokens and money: counted once however one asks, estimated where nobody counts, priced by a dated list."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages

from langchain_stepfun import cost_of
from stepfun_client.costs import Cost
from stepfun_client.estimate import estimate_message_tokens
from tests.unit_tests.langchain_stepfun.conftest import BATCHED, QUESTION, STREAMED, V3, WHOLE, added

WAYS = {**WHOLE, **STREAMED, **V3, **BATCHED}


# --- Usage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_a_callback_counts_each_message_once(chat, way) -> None:
    counted = UsageMetadataCallbackHandler()

    reply = await WAYS[way](chat(), QUESTION, config={"callbacks": [counted]})

    messages = 2 if way in BATCHED else 1
    (usage,) = counted.usage_metadata.values()
    assert reply.usage_metadata["total_tokens"] == 62
    assert (list(counted.usage_metadata), usage["total_tokens"]) == (["step-3.7-flash"], messages * 62)
    assert usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"]
    assert usage["input_token_details"] == {"cache_read": 0}


async def test_headers_of_the_reply_where_they_are_asked_for(ask_or_watch, chat) -> None:
    told = (await ask_or_watch(chat(include_response_headers=True), QUESTION)).response_metadata

    assert told["headers"]["x-trace-id"] == told["trace_id"]
    assert "headers" not in (await ask_or_watch(chat(), QUESTION)).response_metadata


# --- Counting --------------------------------------------------------------------------------------------------------

CONVERSATION = [
    SystemMessage("Be brief."),
    HumanMessage("Multiply 6 and 7"),
    AIMessage("", tool_calls=[{"name": "multiply", "args": {"a": 6, "b": 7}, "id": "call_1"}]),
    ToolMessage("42", tool_call_id="call_1"),
]


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def test_the_service_counts_a_conversation(emulator, chat) -> None:
    model = chat()

    counted = model.get_num_tokens_from_messages(CONVERSATION)

    assert emulator.requests[-1].path == "/v1/token/count"
    assert counted == model.invoke(CONVERSATION).usage_metadata["input_tokens"]


def test_tools_are_estimated_on_top(chat) -> None:
    plain = chat().get_num_tokens_from_messages(CONVERSATION)

    assert 20 < chat().get_num_tokens_from_messages(CONVERSATION, tools=[multiply]) - plain < 120


@pytest.mark.parametrize(
    "given",
    [{"base_url": "http://127.0.0.1:1/v1"}, {"api_key": None}, {"default_headers": {"x-emulator-fault": "overloaded"}}],
    ids=["nobody there", "no key", "overloaded"],
)
def test_offline_the_tokens_are_estimated_with_a_warning(chat, given) -> None:
    with pytest.warns(UserWarning, match="the tokens are estimated, since StepFun did not count them"):
        counted = chat(**given).get_num_tokens_from_messages([HumanMessage("你好，最近怎么样？")])

    assert counted == estimate_message_tokens([{"role": "user", "content": "你好，最近怎么样？"}])


def test_a_text_is_estimated_without_asking(wire) -> None:
    assert wire.chat().get_num_tokens("你好，最近怎么样？") == 6
    assert wire.sent == []


def test_a_history_is_trimmed_to_what_the_service_counts(chat) -> None:
    model = chat()
    history = [HumanMessage(f"{number}: {'word ' * 50}") for number in range(6)]
    allowed = model.get_num_tokens_from_messages(history[-2:])

    assert trim_messages(history, max_tokens=allowed, token_counter=model, strategy="last") == history[-2:]


# --- Costs -----------------------------------------------------------------------------------------------------------


def answer(model: str | None, read: int, written: int, **details: int) -> AIMessage:
    usage = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    if details:
        usage["input_token_details"] = details
    return AIMessage("", usage_metadata=usage, response_metadata={"model_name": model} if model else {})


@pytest.mark.parametrize(
    ("message", "yuan"),
    [
        (answer("step-3.7-flash", 1000, 200, cache_read=256), "0.00269352"),
        (answer("step-3.7-flash", 1000, 200, cache_read=0), "0.002970"),
        (answer("step-3.7-flash", 1000, 200), "0.002970"),
        (answer("of-tomorrow", 1000, 200), None),
        (answer(None, 1000, 200), None),
        (AIMessage("no usage", response_metadata={"model_name": "step-3.7-flash"}), None),
    ],
    ids=["cached", "not cached", "cache not told", "no price", "no model", "no usage"],
)
def test_what_an_answer_cost(message, yuan) -> None:
    cost = cost_of(message)

    assert cost == (None if yuan is None else Cost(Decimal(yuan), "2026-06"))


async def test_every_way_of_asking_costs_the_same(ask_or_watch, chat) -> None:
    asked = {"model": "step-3.5-flash"}
    whole = chat(**asked).invoke(QUESTION)

    assert cost_of(await ask_or_watch(chat(**asked), QUESTION)) == cost_of(whole)
    assert cost_of(whole).yuan > 0


async def test_the_costs_of_a_conversation_add_up(chunks, chat) -> None:
    costs = [cost_of(added(await chunks(chat(), QUESTION))) for _ in range(3)]

    assert (costs[0] + costs[1] + costs[2]).yuan == 3 * costs[0].yuan


def test_a_reply_without_usage_counts_nothing(wire) -> None:
    message = {"role": "assistant", "content": "42"}
    wire.reply = lambda: httpx.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}]})

    reply = wire.chat().invoke("Hi")

    assert (reply.usage_metadata, cost_of(reply)) == (None, None)
