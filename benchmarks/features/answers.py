"""Answers: reasoning, tokens, how a reply ends, and whether a stream did."""

from __future__ import annotations

import warnings
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage, SystemMessage

from benchmarks.features.probing import Case, Outcome, Probes, times
from benchmarks.features.samples import LONG_ANSWER, QUESTION

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk

PROBES = Probes()

_RULES = "You know the physics of light very well, and you answer in one short sentence. " * 40


def streamed(model: BaseChatModel, asked: Any, **settings: Any) -> AIMessageChunk:
    """Stream an answer and add its chunks up."""
    return reduce(add, model.stream(asked, **settings))


def reasoning_of(message: AIMessage) -> str:
    """Read the reasoning from the standard blocks."""
    return "".join(block["reasoning"] for block in message.content_blocks if block["type"] == "reasoning")


@PROBES.add("Reasoning kept, whole and streamed", "保留思考过程，整段与流式")
def reasoning(case: Case) -> bool:
    """Among the blocks, once, as it was on the wire."""
    truth = case.wire(QUESTION)["choices"][0]["message"]["reasoning_content"]
    replies = (case.model().invoke(QUESTION), streamed(case.model(), QUESTION))
    return all(reasoning_of(reply) == truth for reply in replies)


@PROBES.add("Tokens of a 100-word stream counted once", "100 词流式回复的用量只计一次")
def usage_streamed(case: Case) -> Outcome:
    """The sum LangChain makes of the chunks, beside what the service charged."""
    told = streamed(case.model(), LONG_ANSWER).usage_metadata or {}
    return times(told.get("total_tokens"), case.wire(LONG_ANSWER)["usage"]["total_tokens"])


@PROBES.add("Cached input told, whole reply", "给出缓存命中用量，整段")
def cached_whole(case: Case) -> Outcome:
    """As the service states it for a prompt it has seen before."""
    model, asked, truth = _seen_before(case)
    return times(_cached(model.invoke(asked)), truth)


@PROBES.add("Cached input told, stream", "给出缓存命中用量，流式")
def cached_streamed(case: Case) -> Outcome:
    """As the last chunk states it; the earlier ones claim more."""
    model, asked, truth = _seen_before(case)
    return times(_cached(streamed(model, asked)), truth)


def _seen_before(case: Case) -> tuple[BaseChatModel, list[SystemMessage | HumanMessage], int]:
    messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": QUESTION}]
    for _ in range(2):
        usage = case.wire(QUESTION, messages=messages)["usage"]
    truth = usage["prompt_tokens_details"]["cached_tokens"]
    return case.model(), [SystemMessage(_RULES), HumanMessage(QUESTION)], truth


def _cached(message: AIMessage) -> int | None:
    return ((message.usage_metadata or {}).get("input_token_details") or {}).get("cache_read")


@PROBES.add("`max_tokens` honoured", "`max_tokens` 生效")
def max_tokens(case: Case) -> bool:
    """The answer ends there and says so."""
    reply = case.model(model="step-1-8k", max_tokens=20).invoke(LONG_ANSWER)
    return reply.response_metadata.get("finish_reason") == "length"


@PROBES.add("A warning when thinking used up `max_tokens`", "思考耗尽 `max_tokens` 时有提示")
def thought_only(case: Case) -> bool:
    """Not just an empty answer; the limit is sent under the name the service knows."""
    model = case.model(extra_body={"max_tokens": 5})
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always")
        model.invoke(QUESTION)
    return any("max_tokens" in str(warning.message) for warning in noticed)


@PROBES.add("A cut stream is an error", "流被中断会报错")
def cut(case: Case) -> bool:
    """Half an answer is not passed off as a whole one."""
    return _raises(case, "cut-stream")


@PROBES.add("An error inside a stream is an error", "流中的错误事件会报错")
def error_inside(case: Case) -> bool:
    """The status was 200 when the service failed."""
    return _raises(case, "error-in-stream")


def _raises(case: Case, fault: str) -> bool:
    model = case.model(fault=fault)
    try:
        streamed(model, QUESTION)
    except Exception:  # noqa: BLE001 - any error is an error
        return True
    return False
