"""The endpoints under /audio/voices, and GET /audio/system_voices (WIRE.md sections 6 and 7)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from stepfun_emulator import sound
from stepfun_emulator.errors import invalid, undocumented
from stepfun_emulator.fields import Fields
from stepfun_emulator.paging import page
from stepfun_emulator.replies import json_body
from stepfun_emulator.service import service_of
from stepfun_emulator.speech.manner import HTTP, MODERATED, SHARED, Manner, check_text, moderated, read_manner
from stepfun_emulator.speech.models import find_speech_model
from stepfun_emulator.speech.official import listed

if TYPE_CHECKING:
    from starlette.requests import Request

_MOST_SAMPLE_TEXT = 50  # characters
_PLAIN = Manner(sound.RATE, 1.0, 1.0, markdown=False, directions=False)


async def list_cloned(request: Request) -> Response:
    """The cloned voices, a page of them."""
    service = service_of(request)
    return JSONResponse(page(service.voices.entries(), request.query_params, lenient=service.lenient))


async def list_official(request: Request) -> Response:
    """The official voices; here every speech model has all of them."""
    if not service_of(request).lenient:
        for name in request.query_params:
            if name != "model":
                raise undocumented(name)
    find_speech_model(request.query_params.get("model"))
    return JSONResponse(listed())


async def create(request: Request) -> Response:
    """Clone a voice; where its text is told, the reply has a sample of the new voice saying it."""
    service = service_of(request)
    fields = Fields(json_body(request), "", ("model", "file_id", "text"), lenient=service.lenient)
    model = find_speech_model(fields.text("model"))
    text = fields.text("text", "")
    check_text(text, "text")
    file = await run_in_threadpool(service.voices.sample, fields.text("file_id"))
    voice, duplicated = service.voices.clone(file, model.id)
    body: dict[str, Any] = {"id": voice.id, "object": "audio.voice", "duplicated": duplicated}
    if text:
        body["sample_text"] = text
        body["sample_audio"] = await run_in_threadpool(_said, _PLAIN, text)
    return JSONResponse(body)


async def preview(request: Request) -> Response:
    """Let a voice be heard before it is made."""
    service = service_of(request)
    documented = ("model", "file_id", "text", "sample_text", "speed", "volume", *SHARED)
    fields = Fields(json_body(request), "", documented, lenient=service.lenient)
    model = find_speech_model(fields.text("model"))
    text = fields.text("sample_text")
    if len(text) > _MOST_SAMPLE_TEXT:
        raise invalid("sample_text", f"sample_text must have at most {_MOST_SAMPLE_TEXT} characters")
    check_text(fields.text("text", ""), "text")
    manner = read_manner(fields, model, HTTP)
    await run_in_threadpool(service.voices.sample, fields.text("file_id"))
    if MODERATED in text:
        raise moderated()
    audio = await run_in_threadpool(_said, manner, text)
    return JSONResponse({"sample_text": text, "sample_audio": audio, "request_id": request.state.trace_id})


def _said(manner: Manner, text: str) -> str:
    samples, rate = manner.say(text, "wav")
    return base64.b64encode(sound.encode(samples, rate, "wav", text=text)).decode()
