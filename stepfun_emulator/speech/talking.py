"""The WebSocket /realtime/audio: text in, as it is being written, and speech out (WIRE.md section 6).

A sentence is spoken as soon as the next one has begun, at a flush, and at the end. In the mode ``sentence`` every delta
is spoken at once, as it came: no source explains that mode, so this is a guess. Of a plain format every delta is a file
of its own (of pcm, a piece), and the whole comes with the end unless it is long; of ``mp3_stream``, ``opus_stream`` and
``flac_stream`` the deltas joined are one file. A text that holds ``censored-by-emulator`` ends the response with an
error.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.sockets import Event, Talk, converse, conversing
from stepfun_emulator.speech.endpoint import MEDIA_TYPES
from stepfun_emulator.speech.manner import MODERATED, SHARED, SOCKET, check_text, moderated, read_manner
from stepfun_emulator.speech.models import SpeechModel, find_speech_model
from stepfun_emulator.speech.voicing import STREAMED, Voicing

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

_CREATE = (
    "session_id", "voice_id", "response_format", "speed_ratio", "volume_ratio", "mode", *SHARED,
)  # fmt: skip
_MODES = ("default", "sentence")


class Speaker:
    """One conversation: at most one response at a time."""

    def __init__(self, talk: Talk, model: SpeechModel) -> None:
        self._talk = talk
        self._model = model
        self._session_id = secrets.token_hex(16)
        self._voicing: Voicing | None = None

    async def speak(self) -> None:
        """Talk until the client goes."""
        await self._send("tts.connection.done")
        await converse(self._talk, self._react, self._refuse)

    async def _react(self, event: Event) -> None:
        kinds = {
            "tts.create": self._create,
            "tts.text.delta": self._add,
            "tts.text.flush": self._flush,
            "tts.text.done": self._end,
        }
        kind = event["type"]
        if kind not in kinds:
            raise invalid("type", f"unknown event {kind!r}; there are: {', '.join(kinds)}")
        await kinds[kind](event)

    async def _refuse(self, refusal: Refusal) -> None:
        details = {} if refusal.param is None else {"param": refusal.param}
        await self._send("tts.response.error", code=refusal.kind, message=refusal.message, details=details)

    async def _send(self, kind: str, **data: Any) -> None:
        event_id = secrets.token_hex(8)
        await self._talk.send({"event_id": event_id, "type": kind, "data": {"session_id": self._session_id, **data}})

    def _data(self, event: Event, *documented: str) -> Fields:
        lenient = self._talk.service.lenient
        data = Fields(event, "", ("type", "event_id", "data"), lenient=lenient).object("data", *documented)
        if data.text("session_id") != self._session_id:
            raise invalid("data.session_id", f"there is no session {data.text('session_id')!r} here")
        return data

    def _started(self, event: Event) -> Voicing:
        if self._voicing is None:
            raise Refusal(400, "request_params_invalid", f"{event['type']} before tts.create", param="type")
        return self._voicing

    async def _create(self, event: Event) -> None:
        data = self._data(event, *_CREATE)
        if self._voicing is not None:
            raise invalid("type", "tts.create was sent already; send tts.text.done before another")
        self._talk.service.voices.check(data.text("voice_id"), "data.voice_id")
        formats = (*MEDIA_TYPES, *STREAMED)
        form = data.choice("response_format", formats) if data.given("response_format") else "mp3"
        mode = data.choice("mode", _MODES) if data.given("mode") else "default"
        manner = read_manner(data, self._model, SOCKET)
        self._voicing = Voicing(manner, form, at_once=mode == "sentence")
        await self._send("tts.response.created")

    async def _add(self, event: Event) -> None:
        data = self._data(event, "session_id", "text")
        voicing = self._started(event)
        text = data.text("text")
        check_text(text, "data.text")
        if MODERATED in text:
            self._voicing = None
            raise moderated()
        await self._say(voicing, voicing.add(text))

    async def _flush(self, event: Event) -> None:
        self._data(event, "session_id")
        voicing = self._started(event)
        await self._say(voicing, voicing.rest())
        await self._send("tts.text.flushed")

    async def _end(self, event: Event) -> None:
        self._data(event, "session_id")
        voicing = self._started(event)
        await self._say(voicing, voicing.rest())
        self._voicing = None
        tail = await run_in_threadpool(voicing.finish)
        if tail:
            await self._send("tts.response.audio.delta", status="finished", audio=_base64(tail), duration=0.0)
        await self._send("tts.response.audio.done", audio=_base64(await run_in_threadpool(voicing.whole)))

    async def _say(self, voicing: Voicing, sentences: list[str]) -> None:
        for sentence in sentences:
            text = voicing.manner.wording(sentence)
            if not text.strip():  # a direction and nothing else
                continue
            await self._send("tts.response.sentence.start", text=text)
            pieces = await run_in_threadpool(voicing.voice, sentence)
            for number, piece in enumerate(pieces, 1):
                status = "finished" if number == len(pieces) else "unfinished"
                audio = _base64(piece.audio)
                await self._send("tts.response.audio.delta", status=status, audio=audio, duration=piece.seconds)
            await self._send("tts.response.sentence.end", text=text)


def _base64(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


def _admit(socket: WebSocket) -> None:
    find_speech_model(socket.query_params.get("model"))


async def _speak(talk: Talk) -> None:
    await Speaker(talk, find_speech_model(talk.query.get("model"))).speak()


talking = conversing(_speak, _admit)
