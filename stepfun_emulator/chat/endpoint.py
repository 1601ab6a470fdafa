"""The endpoint POST /chat/completions: reads, answers, writes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from stepfun_emulator.chat.answering import answered
from stepfun_emulator.chat.reply import whole
from stepfun_emulator.chat.request import read_request
from stepfun_emulator.chat.shapes import Shape
from stepfun_emulator.chat.streaming import DONE, chunks, encode
from stepfun_emulator.replies import EventStream, plan_of, quotable_body
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from stepfun_emulator.faults import Fault


async def create(request: Request) -> Response:
    """Answer a chat request."""
    service = service_of(request)
    asked = read_request(
        quotable_body(request),
        stored=service.files.stored,
        knowledge=service.stores.read,
        lenient=service.lenient,
        plan=plan_of(request),
    )
    completion = await answered(asked, service, request.state.trace_id)
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
