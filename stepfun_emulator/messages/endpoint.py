"""The endpoints POST /messages and POST /messages/count_tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from stepfun_emulator.chat.answering import answered
from stepfun_emulator.faults import Quirk
from stepfun_emulator.messages.reply import events, whole
from stepfun_emulator.messages.request import count_request, read_request
from stepfun_emulator.replies import EventStream, named_event, plan_of, quotable_body
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from stepfun_emulator.faults import Fault


async def create(request: Request) -> Response:
    """Answer a Messages request."""
    service = service_of(request)
    asked = read_request(
        quotable_body(request), stored=service.files.stored, lenient=service.lenient, plan=plan_of(request)
    )
    completion = await answered(asked, service, request.state.trace_id)
    if not asked.stream:
        return JSONResponse(whole(completion))
    fault: Fault | None = request.state.fault
    on_top = fault is not None and fault.quirk is Quirk.REASON_ON_TOP
    made = map(named_event, events(completion, reason_on_top=on_top))
    return EventStream(made, service.journal, delay=service.delay)


async def count_tokens(request: Request) -> Response:
    """The number of tokens of a prompt."""
    service = service_of(request)
    counted = count_request(
        quotable_body(request), stored=service.files.stored, lenient=service.lenient, plan=plan_of(request)
    )
    return JSONResponse({"input_tokens": counted})
