"""POST /audio/transcriptions: a file in, its text out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from stepfun_emulator.errors import Refusal, invalid, undocumented
from stepfun_emulator.recognition.audio import LARGEST, Format, check_model, samples_of
from stepfun_emulator.recognition.listening import Transcript, recognise
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request

_DOCUMENTED = ("file", "model", "response_format", "hotwords")
_ENDINGS = ("mp3", "wav", "ogg", "opus", "pcm", "flac")
_ANSWERS = ("json", "text")


async def create(request: Request) -> Response:
    """Recognise an uploaded file."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise invalid("file", "audio is uploaded as multipart/form-data")
    try:
        async with request.form(max_part_size=LARGEST) as form:
            answer = _check(form, lenient=service_of(request).lenient)
            ending, data = await _file(form.get("file"))
    except HTTPException as error:
        raise invalid("file", f"the form cannot be read: {error.detail}") from None
    transcript = await run_in_threadpool(_recognise, data, ending)
    if answer == "text":
        return PlainTextResponse(transcript.text)
    return JSONResponse({"text": transcript.text}, media_type="application/json; charset=utf-8")


def _check(form: FormData, *, lenient: bool) -> str:
    """See that all fields but the file are right; gives the format of the answer."""
    for name in form:
        if name not in _DOCUMENTED and not lenient:
            raise undocumented(name)
    model = form.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("model", "model must be a non-empty string")
    check_model(model, "multipart", "model")
    answer = form.get("response_format", "json")
    if answer not in _ANSWERS:
        raise invalid("response_format", f"only support {','.join(_ANSWERS)}")
    if not _is_array_of_strings(form.get("hotwords", "[]")):
        raise invalid("hotwords", "hotwords must be a JSON array of strings, written as a string")
    return str(answer)


def _is_array_of_strings(written: Any) -> bool:
    try:
        words = json.loads(written)
    except (TypeError, ValueError):
        return False
    return isinstance(words, list) and all(isinstance(word, str) and word for word in words)


async def _file(file: Any) -> tuple[str, bytes]:
    """The ending of the name, and the content."""
    if not isinstance(file, UploadFile):
        raise invalid("file", "file must be a file")
    data = await file.read()
    if not data:
        raise invalid("file", "the file is empty")
    if len(data) >= LARGEST:
        raise invalid("file", f"the file is too large: {len(data)} bytes, it must be smaller than {LARGEST}")
    _, dot, ending = (file.filename or "").rpartition(".")
    if dot and ending.lower() not in _ENDINGS:
        raise invalid("file", f"{file.filename!r} is not supported, only {', '.join(_ENDINGS)}")
    return ending.lower() if dot else "", data


def _recognise(data: bytes, ending: str) -> Transcript:
    try:
        sound = samples_of(data, Format(ending))
    except ValueError as error:
        raise Refusal(400, "input_invalid", f"{error}; supported are {', '.join(_ENDINGS)}", param="file") from None
    return recognise(sound.mono, sound.rate)
