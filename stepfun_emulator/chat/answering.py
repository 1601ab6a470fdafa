"""From a checked request to the answer, for every API that the chat models are served through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from stepfun_emulator.answerer.rules import Task, answer
from stepfun_emulator.chat.reply import Completion, cut
from stepfun_emulator.tokens import count

if TYPE_CHECKING:
    from stepfun_emulator.chat.request import ChatRequest
    from stepfun_emulator.service import Service


async def answered(asked: ChatRequest, service: Service, trace_id: str) -> Completion:
    """Answer a checked request; pictures and sounds are looked at in a thread, so that others are served meanwhile."""
    if any(one.media for one in asked.said):
        return await run_in_threadpool(_complete, asked, service, trace_id)
    return _complete(asked, service, trace_id)


def _complete(asked: ChatRequest, service: Service, trace_id: str) -> Completion:
    task = Task(
        asked.said,
        tools=asked.tools,
        choice=asked.tool_choice,
        forced=asked.forced_tool,
        web_search=asked.web_search,
        knowledge=asked.knowledge,
        effort=asked.effort if asked.model.reasons else "",
        json_answer=asked.json_answer,
        schema=asked.schema,
    )
    given = answer(task)
    choices = [cut(given, max_tokens=asked.max_tokens, stop=asked.stop, speak=asked.speak) for _ in range(asked.n)]
    cached = service.cache.look_up(asked.model.id, asked.said)
    prompt_tokens = asked.prompt_tokens + count(given.consulted)
    return Completion(asked.model.id, trace_id, choices, prompt_tokens, cached, asked.model.routes)
