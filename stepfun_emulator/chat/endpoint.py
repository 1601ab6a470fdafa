"""The endpoint POST /chat/completions: reads, answers, writes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from stepfun_emulator.answerer.rules import Task, answer
from stepfun_emulator.chat.reply import Completion, cut, whole
from stepfun_emulator.chat.request import ChatRequest, read_request
from stepfun_emulator.chat.shapes import Shape
from stepfun_emulator.chat.streaming import DONE, chunks, encode
from stepfun_emulator.replies import EventStream, json_body, plan_of
from stepfun_emulator.service import Service, service_of
from stepfun_emulator.tokens import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from stepfun_emulator.faults import Fault


async def create(request: Request) -> Response:
    """Answer a chat request."""
    service = service_of(request)
    asked = read_request(
        json_body(request),
        stored=service.files.stored,
        knowledge=service.stores.read,
        lenient=service.lenient,
        plan=plan_of(request),
    )
    if any(one.media for one in asked.said):
        completion = await run_in_threadpool(complete, asked, service, request.state.trace_id)
    else:
        completion = complete(asked, service, request.state.trace_id)
    fault: Fault | None = request.state.fault
    shape = fault.shape if fault is not None else Shape()
    if asked.stream:
        made = shape.chunks(chunks(completion, include_usage=asked.include_usage))
        events: Iterable[bytes] = itertools.chain(encode(completion, made), (DONE,))
        return EventStream(events, service.journal, delay=service.delay)
    body: dict[str, Any] = whole(completion)
    for choice in body["choices"]:
        choice["message"] = shape.message(choice["message"])
    return JSONResponse(body, media_type="application/json; charset=utf-8")


def complete(asked: ChatRequest, service: Service, trace_id: str) -> Completion:
    """Answer a checked request."""
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
    cached = service.cache.look_up(asked.model.id, asked.messages)
    prompt_tokens = asked.prompt_tokens + count(given.consulted)
    return Completion(asked.model.id, trace_id, choices, prompt_tokens, cached)
