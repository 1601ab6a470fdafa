"""The endpoint POST /responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from stepfun_emulator.chat.answering import answered
from stepfun_emulator.faults import Quirk
from stepfun_emulator.replies import EventStream, named_event, quotable_body
from stepfun_emulator.responses.reply import reply
from stepfun_emulator.responses.request import read_request
from stepfun_emulator.responses.streaming import events
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from stepfun_emulator.faults import Fault


async def create(request: Request) -> Response:
    """Answer a Responses request."""
    service = service_of(request)
    asked = read_request(quotable_body(request), stored=service.files.stored, lenient=service.lenient)
    made = reply(await answered(asked.chat, service, request.state.trace_id), asked.echo)
    fault: Fault | None = request.state.fault
    fails = fault is not None and fault.quirk is Quirk.FAILED
    if not asked.chat.stream:
        return JSONResponse(made.body("failed") if fails else made.whole())
    return EventStream(map(named_event, events(made, fails=fails)), service.journal, delay=service.delay)
