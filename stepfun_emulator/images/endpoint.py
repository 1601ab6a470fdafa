"""The endpoints under /images, and the URLs they answer with (WIRE.md section 9).

Markers in a prompt: ``censored-by-emulator`` is refused with 451, ``filtered-by-emulator`` is answered with the
``finish_reason`` ``content_filtered`` and no picture.
"""

from __future__ import annotations

import base64
import contextlib
import time
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from stepfun_emulator.errors import invalid
from stepfun_emulator.images.order import Order, read_edit, read_order
from stepfun_emulator.replies import json_body, plan_of
from stepfun_emulator.service import service_of
from stepfun_emulator.speech.manner import MODERATED, moderated

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from stepfun_emulator.faults import Fault
    from stepfun_emulator.images.models import Task
    from stepfun_emulator.images.painting import Painted

FILTERED = "filtered-by-emulator"
_NUMBERS = {"seed": int, "steps": int, "cfg_scale": float}


async def generate(request: Request) -> Response:
    """Draw a picture."""
    return await _from_json(request, "generations")


async def transform(request: Request) -> Response:
    """Draw a picture over another."""
    return await _from_json(request, "image2image")


async def edit(request: Request) -> Response:
    """Change an uploaded picture."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise invalid("image", "pictures are edited as multipart/form-data")
    try:
        async with request.form() as form:
            image = form.get("image")
            if not isinstance(image, UploadFile) or len(form.getlist("image")) > 1:
                raise invalid("image", "image must be one file")
            content, fields = await image.read(), _typed(form)
    except HTTPException as error:
        raise invalid("image", f"the form cannot be read: {error.detail}") from None
    order = read_edit(fields, content, plan=plan_of(request), lenient=service_of(request).lenient)
    return await _answer(request, order)


async def _from_json(request: Request, task: Task) -> Response:
    lenient, plan = service_of(request).lenient, plan_of(request)
    order = await run_in_threadpool(read_order, json_body(request), task, plan=plan, lenient=lenient)
    return await _answer(request, order)


def _typed(form: FormData) -> dict[str, Any]:
    """The fields of a form but the picture, numbers as numbers; what cannot be read stays, and is refused later."""
    fields: dict[str, Any] = {name: value for name, value in form.items() if name != "image"}
    for name, number in _NUMBERS.items():
        with contextlib.suppress(TypeError, ValueError, KeyError):
            fields[name] = number(fields[name])
    if "text_mode" in fields:
        fields["text_mode"] = {"true": True, "false": False}.get(fields["text_mode"], fields["text_mode"])
    return fields


async def _answer(request: Request, order: Order) -> Response:
    if MODERATED in order.brief.prompt:
        raise moderated()
    entry: dict[str, Any] = {}
    if FILTERED not in order.brief.prompt:
        picture = await run_in_threadpool(order.paint)
        entry = by_url(request, picture) if order.by_url else {"b64_json": base64.b64encode(picture.content).decode()}
    reason = "success" if entry else "content_filtered"
    entry |= {"seed": order.brief.seed, "finish_reason": reason}
    return JSONResponse({"created": int(time.time()), "data": [entry]})


def by_url(request: Request, picture: Painted) -> dict[str, Any]:
    """A picture as a URL of the emulator's own, or of what a fault puts in its place."""
    fault: Fault | None = request.state.fault
    if fault is not None and fault.result:
        return {"url": str(request.base_url).rstrip("/") + fault.result}
    return {"url": str(request.url_for("generated", name=service_of(request).gallery.hang(picture)))}


async def generated(request: Request) -> Response:
    """What a URL in an answer points at; it needs no key."""
    picture = service_of(request).gallery.find(request.path_params["name"])
    if picture is None:
        return PlainTextResponse("gone", 404)
    return Response(picture.content, media_type=picture.media_type)
