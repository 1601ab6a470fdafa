"""A synthesis, planned: which requests speak a text, and how their sound becomes one (WIRE.md section 6)."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import pydantic_core

from stepfun_client.api.resource import BodyOptions, posting, some_text
from stepfun_client.api.speech_dialogue import SpeechDialogue
from stepfun_client.api.speech_params import (
    DEFAULT_FORMAT,
    DEFAULT_SAMPLE_RATE,
    UNJOINABLE,
    StreamParams,
    checked_speech,
    creation,
    limit_of,
    speech_body,
)
from stepfun_client.api.speech_stream import SpeechReader
from stepfun_client.audio import Audio
from stepfun_client.audio.continuing import Mp3Continuation
from stepfun_client.audio.joining import join_audio
from stepfun_client.audio.sentences import split_text
from stepfun_client.core.call import Call, Flow, Reply, encode_json, unreadable
from stepfun_client.errors import InvalidParameterError, StepFunError, stream_error

LegT = TypeVar("LegT")

_JOINABLE = ("pcm", "mp3")  # what goes on where the last part ended
_CONTINUED = {"mp3": "mp3_stream", "opus": "opus_stream", "flac": "flac_stream"}


def _parts_of(model: str, text: str) -> list[str]:
    parts = split_text(some_text(text, "input"), limit_of(model))
    return [part for part in parts if not part.isspace()]  # StepFun refuses a request without anything to say


def _call(model: str, text: str, voice: str, given: Mapping[str, Any], **more: Any) -> Call:
    options = {name: given[name] for name in BodyOptions.__annotations__ if name in given}
    body = {**speech_body(model=model, text=text, voice=voice, params=given), **more}
    return posting("/audio/speech", body, options, kind="audio")


def synthesize(
    *,
    model: str,
    text: str,
    voice: str,
    params: Mapping[str, Any],
    advance: Callable[[int], object] = lambda _: None,
) -> Flow[Audio]:
    """Speak a text of any length, a request for each thousand characters; `advance` is told of those that are done."""
    given = checked_speech(model, voice, params)
    form = given.get("response_format") or DEFAULT_FORMAT
    parts = _parts_of(model, text)
    if len(parts) > 1 and form in UNJOINABLE:
        raise InvalidParameterError(
            f"input has {len(text)} characters, so it is spoken in {len(parts)} parts, and {form} files cannot be "
            "joined without decoding them; use response_format='wav', 'mp3' or 'pcm', or send each part by itself",
            param="response_format",
        )
    spoken = []
    for part in parts:
        reply = yield _call(model, part, voice, given)
        rate = given.get("sample_rate") or DEFAULT_SAMPLE_RATE
        spoken.append(_read(reply, form, sample_rate=rate, voice=voice, model=model, text=part))
        advance(len(part))
    return join_audio(spoken)


def _read(reply: Reply, form: str, **facts: Any) -> Audio:
    content, trace_id = reply.content, reply.trace_id
    if not content:
        raise unreadable(content, ValueError("an empty audio file"), trace_id=trace_id)
    kind = reply.headers.get("content-type", "")
    if kind.startswith(("application/json", "text/")):
        raise _not_sound(content, kind, trace_id)
    return Audio.of(content, format=form, trace_id=trace_id, **facts)


def _not_sound(content: bytes, kind: str, trace_id: str | None) -> StepFunError:
    try:
        body = pydantic_core.from_json(content)
    except ValueError:
        body = None
    if isinstance(body, dict) and "error" in body:
        return stream_error(body["error"], trace_id=trace_id)
    return unreadable(content, ValueError(f"{kind} and no audio"), trace_id=trace_id)


def _check_source(source: Any, kinds: tuple[type, ...]) -> None:
    if isinstance(source, kinds) and not isinstance(source, (bytes, bytearray, memoryview, Mapping)):
        return
    way = "; it is asynchronous: use AsyncStepFunClient" if isinstance(source, AsyncIterable) else ""
    raise InvalidParameterError(
        f"input is {source!r:.80}; it must be a text, or an iterable that gives texts{way}", param="input"
    )


class SpeechPlan:
    """How a streamed synthesis will go, decided before anything is sent."""

    def __init__(self, *, model: str, voice: str, text: str | None, params: Mapping[str, Any]) -> None:
        self.given = checked_speech(model, voice, params, shape=StreamParams)
        self.model, self.voice, self.text = model, voice, text
        self.format = self.given.get("response_format") or DEFAULT_FORMAT

    def legs(
        self,
        events: Callable[[Call, SpeechReader], LegT],
        converse: Callable[..., LegT],
        source: Any,
        kinds: tuple[type, ...] = (Iterable,),
    ) -> list[LegT]:
        """Begin each part of the speech, without sending anything yet: one is over before the next is asked for.

        Args:
            events: How the client reads an event stream.
            converse: How it holds a dialogue.
            source: The text, or what gives the texts.
            kinds: What the client can take texts from.
        """
        if self.text is not None:
            return [events(call, reader) for call, reader in self._over_http(self.text)]
        _check_source(source, kinds)
        return [converse(self._over_websocket(), source, timeout=self.given.get("timeout"))]

    def _over_http(self, text: str) -> list[tuple[Call, SpeechReader]]:
        """Describe the requests that speak a whole text, each with what reads its reply."""
        if self.given.get("mode") or self.format.endswith("_stream"):
            wrong = "mode" if self.given.get("mode") else "response_format"
            raise InvalidParameterError(
                f"{wrong}={self.given[wrong]!r} is for the WebSocket; to use it, pass the text as an iterable of "
                "pieces: input=[text]",
                param=wrong,
            )
        parts = _parts_of(self.model, text)
        if len(parts) > 1 and self.format not in _JOINABLE:
            raise InvalidParameterError(
                f"input has {len(text)} characters, so it is spoken in {len(parts)} parts; streamed, only "
                f"{' and '.join(_JOINABLE)} go on where the last part ended; use one of these, or create()",
                param="response_format",
            )
        calls = [_call(self.model, part, self.voice, self.given, stream_format="sse") for part in parts]
        if len(calls) == 1 or self.format != "mp3":
            return [(call, SpeechReader()) for call in calls]
        return [(call, SpeechReader(Mp3Continuation(is_first=at == 0))) for at, call in enumerate(calls)]

    def _over_websocket(self) -> SpeechDialogue:
        """Describe the dialogue that speaks a text as it comes."""
        if self.given.get("language"):
            raise InvalidParameterError(
                "the WebSocket takes no language; pass the text as one string, or use voice_label={'language': ...}, "
                "or extra_body={'language': ...}",
                param="language",
            )
        if self.given.get("extra_headers"):
            raise InvalidParameterError(
                "the WebSocket takes the client's headers only: StepFunClient(default_headers={...})",
                param="extra_headers",
            )
        params = {**self.given, "response_format": _CONTINUED.get(self.format, self.format)}
        encode_json(creation(session_id="", voice=self.voice, params=params))  # no JSON is refused before connecting
        return SpeechDialogue(model=self.model, voice=self.voice, params=params)
