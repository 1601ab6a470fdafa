"""The endpoint POST /audio/speech (WIRE.md section 6).

A text that holds ``censored-by-emulator`` is refused with 451, and in an event stream with ``speech.audio.error`` after
the first piece. No source shows the reply to ``return_url``: here it is ``{"url": ...}``, and the emulator serves it.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from stepfun_emulator import sound
from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.replies import EventStream, json_body
from stepfun_emulator.service import service_of
from stepfun_emulator.speech.manner import HTTP, MODERATED, SHARED, Manner, check_text, moderated, read_manner
from stepfun_emulator.speech.models import find_speech_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from stepfun_emulator.service import Service

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
}
_DOCUMENTED = (
    "model", "input", "voice", "response_format", "speed", "volume", "language", "stream_format", "return_url", *SHARED,
)  # fmt: skip
_PIECE = 8_000  # bytes of the file in one event
_KEPT = 100


@dataclass(frozen=True)
class Order:
    """A checked request."""

    text: str
    form: str
    manner: Manner
    streams: bool
    by_url: bool

    def file(self) -> bytes:
        """The whole file; it takes as long as it takes."""
        samples, rate = self.manner.say(self.text, self.form)
        return sound.encode(samples, rate, self.form, text=self.manner.wording(self.text))


async def create(request: Request) -> Response:
    """Say a text."""
    service = service_of(request)
    order = read_order(json_body(request), service)
    censored = MODERATED in order.text
    if censored and not order.streams:
        raise moderated()
    file = await run_in_threadpool(order.file)
    if order.streams:
        return EventStream(_events(file, censored=censored), service.journal, delay=service.delay)
    if order.by_url:
        name = f"{secrets.token_hex(16)}.{order.form}"
        service.speeches[name] = file
        while len(service.speeches) > _KEPT:
            del service.speeches[next(iter(service.speeches))]
        return JSONResponse({"url": str(request.url_for("spoken", name=name))})
    return Response(file, media_type=MEDIA_TYPES[order.form])


def read_order(body: Any, service: Service) -> Order:
    """Check the body of a request.

    Raises:
        Refusal: Whatever the service refuses.
    """
    fields = Fields(body, "", _DOCUMENTED, lenient=service.lenient)
    model = find_speech_model(fields.text("model"))
    text = fields.text("input")
    if not text.strip():
        raise invalid("input", "input must not be blank")
    check_text(text, "input")
    service.voices.check(fields.text("voice"), "voice")
    if fields.given("language") and not (model.languages and fields.text("language")):
        raise invalid("language", f"language is not supported by {model.id}, only by stepaudio-3-tts")
    streams = fields.given("stream_format") and fields.choice("stream_format", ("audio", "sse")) == "sse"
    by_url = fields.flag("return_url")
    if streams and by_url:
        raise invalid("return_url", "return_url goes with stream_format audio only")
    form = fields.choice("response_format", tuple(MEDIA_TYPES)) if fields.given("response_format") else "mp3"
    return Order(text, form, read_manner(fields, model, HTTP), streams, by_url)


def _events(file: bytes, *, censored: bool) -> Iterator[bytes]:
    """The file in pieces; joined they are the file again."""
    for at in range(0, len(file), _PIECE):
        yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(file[at : at + _PIECE]).decode()})
        if censored:
            yield _event({"type": "speech.audio.error", **moderated().body()})
            return
    yield _event({"type": "speech.audio.done"})
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def spoken(request: Request) -> Response:
    """What a ``return_url`` points at; a URL needs no key."""
    name = request.path_params["name"]
    file = service_of(request).speeches.get(name)
    if file is None:
        return PlainTextResponse("gone", 404)
    return Response(file, media_type=MEDIA_TYPES[name.rpartition(".")[2]])
