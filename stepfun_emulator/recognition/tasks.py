"""POST /audio/asr/file/submit and /query: recognition of a file by its URL, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.recognition.audio import Format, check_model, read_format, samples_of
from stepfun_emulator.recognition.fetching import fetch
from stepfun_emulator.recognition.listening import Transcript, Utterance, recognise
from stepfun_emulator.replies import json_body
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPES = ("wav", "mp3", "pcm", "ogg")
_CODECS = ("raw", "pcm", "pcm_s16le", "opus")
_LONG = 60.0  # seconds of audio that take two queries instead of one


class _Asked(NamedTuple):
    url: str
    format: Format
    split: bool
    show_utterances: bool


async def submit(request: Request) -> Response:
    """Begin a task. The audio is fetched at once, so that what cannot be fetched is refused."""
    service = service_of(request)
    asked = _read(json_body(request), lenient=service.lenient)
    reply = await run_in_threadpool(_recognise, asked)
    return JSONResponse({"task_id": service.jobs.add(reply, 1 + (reply["duration"] > _LONG))})


async def query(request: Request) -> Response:
    """Say how far a task is, or what came out."""
    service = service_of(request)
    fields = Fields(json_body(request), "", ("task_id",), lenient=service.lenient)
    return JSONResponse(service.jobs.poll(fields.text("task_id")), media_type="application/json; charset=utf-8")


def _read(body: Any, *, lenient: bool) -> _Asked:
    whole = Fields(body, "", ("audio", "request"), lenient=lenient)
    # The section names the channels in the plural; the documents' samples have the singular of the other paths.
    audio = whole.object("audio", "url", "format", "codec", "rate", "bits", "channels", "channel")
    url = audio.text("url")
    format_ = read_format(audio, types=_TYPES, type_name="format", channel_names=("channels", "channel"))
    if audio.given("codec"):
        audio.choice("codec", _CODECS)
    wanted = whole.object("request", "model_name", "enable_channel_split", "show_utterances")
    check_model(wanted.text("model_name"), "file", wanted.path("model_name"))
    split = wanted.flag("enable_channel_split")
    if split and format_.channels != 2:
        raise invalid(
            wanted.path("enable_channel_split"), f"{wanted.path('enable_channel_split')} needs audio.channels 2"
        )
    return _Asked(url, format_, split, wanted.flag("show_utterances"))


def _recognise(asked: _Asked) -> dict[str, Any]:
    """What a task is answered with in the end."""
    try:
        sound = samples_of(fetch(asked.url, "audio.url"), asked.format)
    except ValueError as error:
        raise Refusal(400, "input_invalid", str(error), param="audio.url") from None
    heard = sound.channels if asked.split else (sound.mono,)
    results = [_result(recognise(samples, sound.rate), show=asked.show_utterances) for samples in heard]
    return {"duration": round(sound.seconds, 3), "result": results}


def _result(transcript: Transcript, *, show: bool) -> dict[str, Any]:
    if not show:
        return {"text": transcript.text}
    return {"text": transcript.text, "utterances": [_utterance(one) for one in transcript.utterances]}


def _utterance(utterance: Utterance) -> dict[str, Any]:
    words = [_timed(text, start, end) for text, start, end in utterance.words if text.strip()]
    return {**_timed(*utterance), "words": words}


def _timed(text: str, start: float, end: float) -> dict[str, Any]:
    return {"text": text.strip(), "start_time": round(start * 1000), "end_time": round(end * 1000)}
