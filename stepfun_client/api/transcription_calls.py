"""A transcription in one call: the multipart form or the event stream, described (WIRE.md section 8)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from stepfun_client.api.resource import sending, validated
from stepfun_client.api.transcript import Transcript
from stepfun_client.api.transcription_input import MAX_BYTES, Recording, Samples, is_url, recording
from stepfun_client.api.transcription_params import ACCEPTED, Way, overlaid
from stepfun_client.core.call import Call, Flow, Reply, encode_json, fetch
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.api.transcription_input import AudioSource

_KEPT = ("text", "language", "usage")  # of a reply's fields with names of ours, those that mean the same


@dataclass(frozen=True)
class Request:
    """What is to be transcribed, checked as far as it can be before anything is fetched.

    Attributes:
        file: The recording, or the URL it is fetched from.
        model: Who listens.
        way: How it is sent.
        params: The parameters, checked.
    """

    file: Recording | str = field(repr=False)
    model: str
    way: Way
    params: Mapping[str, Any]

    @classmethod
    def of(cls, file: AudioSource, *, model: str, way: Way, params: Mapping[str, Any]) -> Request:
        """Check a file, unless it is a URL; see `recording`."""
        request = cls("", model, way, params)
        if isinstance(file, str) and is_url(file):
            return cls(file, model, way, params)
        return cls(request.recording(file), model, way, params)

    def recording(self, file: AudioSource, **facts: Any) -> Recording:
        """Tell what a file is, and refuse what this way does not take."""
        params = self.params
        samples = Samples(*(params.get(name) for name in ("sample_rate", "bits", "channels")))
        known = recording(
            file,
            format=params.get("format"),
            samples=samples,
            accepted=ACCEPTED[self.way],
            in_memory=self.way == "sse",
            **facts,
        )
        if self.way == "multipart" and samples != Samples() and known.format != "pcm":
            raise InvalidParameterError(
                "the multipart form has no field for sample_rate, bits and channels, and a file says them itself; "
                "leave them out, they are for format='pcm'",
                param=next(name for name in ("sample_rate", "bits", "channels") if params.get(name)),
            )
        return known

    def described(self) -> Flow[tuple[Call, Recording]]:
        """Fetch the file where it is a URL, and describe the call."""
        if isinstance(self.file, Recording):
            known = self.file
        else:
            fetched = yield from fetch(
                self.file, max_bytes=MAX_BYTES, timeout=self.params.get("timeout"), what="the recording"
            )
            name = PurePosixPath(unquote(urlsplit(fetched.url).path)).name
            known = self.recording(fetched.content, name=name, media_type=fetched.media_type)
        return (_form if self.way == "multipart" else _event_stream)(self, known), known


def _options(params: Mapping[str, Any]) -> dict[str, Any]:
    return sending({name: params.get(name) for name in ("timeout", "extra_headers")})


def _form(request: Request, known: Recording) -> Call:
    form = {"model": request.model}
    if hotwords := request.params.get("hotwords"):
        form["hotwords"] = json.dumps(hotwords, ensure_ascii=False)  # a JSON array, as text
    for name, value in (request.params.get("extra_body") or {}).items():
        form[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    upload = ("file", known.upload())
    return Call("POST", "/audio/transcriptions", form=form, upload=upload, kind="audio", **_options(request.params))


def _event_stream(request: Request, known: Recording) -> Call:
    params = request.params
    transcription = {"model": request.model}
    transcription |= {name: params[name] for name in ("language", "hotwords", "enable_itn") if name in params}
    if "timestamps" in params:
        transcription["enable_timestamp"] = params["timestamps"]
    form = wire_format(known.format, known.samples)
    audio = {
        "data": base64.b64encode(known.content()).decode("ascii"),
        "input": {"transcription": transcription, "format": form},
    }
    options = _options(params)
    options["headers"] = {"Accept": "text/event-stream", **options["headers"]}
    content = encode_json(overlaid({"audio": audio}, params.get("extra_body")))
    return Call("POST", "/audio/asr/sse", content=content, kind="audio", **options)


def wire_format(form: str, samples: Samples) -> dict[str, Any]:
    """Say what audio is, as the event stream and the WebSocket take it; with the codec of bare samples."""
    codec = {"codec": f"pcm_s{samples.bits}le"} if form == "pcm" and samples.bits else {}
    return {"type": form, **codec, **samples.wire()}


def read_form_reply(reply: Reply, request: Request, known: Recording) -> Transcript:
    """Read the multipart form's reply: JSON, or the text alone where that was asked for."""
    is_json = "json" in reply.headers.get("content-type", "json")
    body = reply.json() if is_json else {"text": reply.content.decode("utf-8", "replace").strip()}
    if isinstance(body, dict) and "text" in body:
        body = {name: value for name, value in body.items() if name in _KEPT or name not in Transcript.model_fields}
        body |= {"model": request.model, "duration_seconds": known.duration_seconds}
    return validated(Transcript, body, headers=reply.headers)
