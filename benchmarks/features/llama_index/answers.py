"""Answers: thinking, tokens, and whether a stream ended."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock

from benchmarks.features.llama_index.asking import asked, last, watched
from benchmarks.features.probing import Case, Outcome, Probes, times
from benchmarks.features.samples import LONG_ANSWER, QUESTION

PROBES = Probes()

_RULES = "You know the physics of light very well, and you answer in one short sentence. " * 40


@PROBES.add("`reasoning_effort` sent", "发送 `reasoning_effort`")
def reasoning_effort(case: Case) -> bool:
    """Not dropped on the way."""
    llm, sent = watched(case, reasoning_effort="low")
    llm.chat(asked(question=QUESTION))
    return sent[0].get("reasoning_effort") == "low"


@PROBES.add("Thinking kept, whole reply", "保留思考过程，整段")
def thinking(case: Case) -> bool:
    """Among the blocks, as it was on the wire."""
    return _thought(case.model().chat(asked(question=QUESTION)).message) == _truth(case)


@PROBES.add("Thinking kept, stream", "保留思考过程，流式")
def thinking_streamed(case: Case) -> bool:
    """The same, and piece by piece where agents look for it."""
    responses = list(case.model().stream_chat(asked(question=QUESTION)))
    deltas = "".join(response.additional_kwargs.get("thinking_delta") or "" for response in responses)
    return _thought(responses[-1].message) == deltas == _truth(case)


def _truth(case: Case) -> str:
    return case.wire(QUESTION)["choices"][0]["message"]["reasoning_content"]


def _thought(message: ChatMessage) -> str:
    return "".join(block.content or "" for block in message.blocks if isinstance(block, ThinkingBlock))


@PROBES.add("Tokens of a stream told", "给出流式回复的用量")
def usage_streamed(case: Case) -> Outcome:
    """On the last response, beside what the service charged."""
    told = last(case.model().stream_chat(asked(question=LONG_ANSWER))).additional_kwargs
    return times(told.get("total_tokens"), case.wire(LONG_ANSWER)["usage"]["total_tokens"])


@PROBES.add("Cached tokens told", "给出缓存命中用量")
def cached(case: Case) -> Outcome:
    """Beside the other counts, whatever it is called there."""
    messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": QUESTION}]
    for _ in range(2):
        usage = case.wire(QUESTION, messages=messages)["usage"]
    rules = ChatMessage(role="system", content=_RULES)
    reply = case.model().chat([rules, *asked(question=QUESTION)])
    told = [count for name, count in reply.additional_kwargs.items() if "cache" in name]
    return times(max(told, default=None), usage["prompt_tokens_details"]["cached_tokens"])


@PROBES.add("A cut stream is an error", "流被中断会报错")
def cut(case: Case) -> bool:
    """Half an answer is not passed off as a whole one."""
    try:
        last(case.model(fault="cut-stream").stream_chat(asked(question=QUESTION)))
    except Exception:  # noqa: BLE001 - any error is an error
        return True
    return False


@PROBES.add("`max_retries=2` sends 3 requests at most", "`max_retries=2` 最多发 3 次请求")
def retries(case: Case) -> Outcome:
    """While the service is overloaded."""
    llm, sent = watched(case, fault="overloaded", max_retries=2)
    try:
        llm.chat(asked(question=QUESTION))
    except Exception:  # noqa: BLE001 - it must fail in the end
        return Outcome(len(sent) <= 3, "" if len(sent) <= 3 else f"{len(sent)} requests")
    return Outcome(good=False, note="no error")
