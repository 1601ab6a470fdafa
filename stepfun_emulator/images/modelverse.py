"""step1x-edit as modelverse serves it: another host, another key, other errors (WIRE.md section 10).

Any key works here too, but one that begins with ``invalid`` (401) or ``broke`` (402). Errors are ``{"error":
{"message", "type", "code", "param"}}``, where ``param`` is the id of the request.
"""

from __future__ import annotations

import base64
import secrets
import time
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from stepfun_emulator.errors import Refusal, no_such_model
from stepfun_emulator.fields import Fields
from stepfun_emulator.images.brief import Brief
from stepfun_emulator.images.endpoint import by_url
from stepfun_emulator.images.order import Order, answers_by_url, random_seed, read_prompt
from stepfun_emulator.images.sources import EDITED, read_source
from stepfun_emulator.replies import check_key, json_body
from stepfun_emulator.service import service_of
from stepfun_emulator.speech.manner import MODERATED, moderated

if TYPE_CHECKING:
    from starlette.requests import Request

    from stepfun_emulator.service import Service

PREFIX = "/modelverse/v1"
_MODEL = "stepfun-ai/step1x-edit"
_DOCUMENTED = ("model", "prompt", "image", "negative_prompt", "steps", "guidance_scale", "seed", "response_format")
_LARGEST_SEED = 9_999_999_999
_RANDOM = -1


async def edit(request: Request) -> Response:
    """Change a picture."""
    try:
        check_key(request)
        return await _edited(request)
    except Refusal as refusal:
        return _refused(refusal)


async def _edited(request: Request) -> Response:
    order = await run_in_threadpool(_read, json_body(request), service_of(request))
    if MODERATED in order.brief.prompt:
        raise moderated()
    picture = await run_in_threadpool(order.paint)
    if order.by_url:
        entry = by_url(request, picture)
    else:
        entry = {"b64_json": f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"}
    return JSONResponse({"created": int(time.time()), "data": [entry], "usage": {"input_tokens_details": {}}})


def _read(body: object, service: Service) -> Order:
    fields = Fields(body, "", _DOCUMENTED, lenient=service.lenient)
    model = fields.text("model")
    if model != _MODEL:
        raise no_such_model(model)
    seed = fields.whole("seed", _RANDOM, _LARGEST_SEED, _RANDOM)
    brief = Brief(
        prompt=read_prompt(fields, most=None),
        seed=random_seed() if seed == _RANDOM else seed,
        steps=fields.whole("steps", 1, 100, 28),
        guidance=fields.number("guidance_scale", 1, 10, 2.5),
        negative=fields.text("negative_prompt", ""),
    )
    return Order(brief, answers_by_url(fields), source=read_source(fields.text("image"), "image", EDITED))


def _refused(refusal: Refusal) -> Response:
    error = {
        "message": refusal.message,
        "type": refusal.kind,
        "code": refusal.code or refusal.kind,
        "param": secrets.token_hex(16),
    }
    return JSONResponse({"error": error}, refusal.status)
