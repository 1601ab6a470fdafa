"""POST /audio/asr/sse: audio in base64 in, its text as a stream of events out.

The events are those of the recorded call, key for key; there is no ``[DONE]``.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool

from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.recognition.audio import LARGEST, Format, check_model, read_format, samples_of
from stepfun_emulator.recognition.listening import Transcript, recognise
from stepfun_emulator.replies import EventStream, json_body
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

_TYPES = ("pcm", "wav", "mp3", "ogg")
_CODECS = ("pcm_s16le", "raw")


class _Asked(NamedTuple):
    data: bytes
    format: Format
    timestamps: bool


async def create(request: Request) -> Response:
    """Recognise audio; what cannot be decoded is told by an event, the reply has begun by then."""
    service = service_of(request)
    asked = await run_in_threadpool(_read, json_body(request), lenient=service.lenient)
    session = request.state.trace_id
    try:
        transcript = await run_in_threadpool(_recognise, asked)
        events = _events(transcript, timestamps=asked.timestamps)
    except ValueError as error:
        events = iter([{"type": "error", "message": str(error)}])
    return EventStream(_written(events, session), service.journal, delay=service.delay)


def _read(body: Any, *, lenient: bool) -> _Asked:
    audio = Fields(body, "", ("audio",), lenient=lenient).object("audio", "data", "input")
    given = audio.object("input", "transcription", "format")
    wanted = given.object("transcription", "model", "language", "hotwords", "enable_itn", "enable_timestamp")
    check_model(wanted.text("model"), "sse", wanted.path("model"))
    wanted.text("language", "")
    wanted.texts("hotwords")
    wanted.flag("enable_itn", default=True)
    described = given.object("format", "type", "codec", "rate", "bits", "channel")
    format_ = read_format(described, types=_TYPES, type_name="type", channel_names=("channel",))
    if described.given("codec") and format_.type == "pcm":
        described.choice("codec", _CODECS)
    data = audio.content("data")
    if len(data) >= LARGEST:
        raise invalid("audio.data", f"the audio is too large: {len(data)} bytes, it must be smaller than {LARGEST}")
    return _Asked(data, format_, wanted.flag("enable_timestamp"))


def _recognise(asked: _Asked) -> Transcript:
    sound = samples_of(asked.data, asked.format)
    return recognise(sound.mono, sound.rate)


def _events(transcript: Transcript, *, timestamps: bool) -> Iterator[dict[str, Any]]:
    for utterance in transcript.utterances:
        for text, start, end in utterance.words:
            times = (round(start * 1000), round(end * 1000)) if timestamps else (0, 0)
            yield {"type": "transcript.text.delta", "delta": text, "start_time": times[0], "end_time": times[1]}
    yield {"type": "transcript.text.done", "text": transcript.text, "usage": transcript.usage}


def _written(events: Iterator[dict[str, Any]], session: str) -> Iterator[bytes]:
    """The events as text; what they are about comes second, as recorded."""
    for event in events:
        meta = {"session_id": session, "timestamp": round(time.time() * 1000)}
        whole = {"type": event.pop("type"), "meta": meta, **event}
        yield f"data: {json.dumps(whole, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
