"""Speech from text: `POST /audio/speech` and the WebSocket `/realtime/audio` (WIRE.md section 6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from stepfun_client.api.resource import AsyncResource, Resource, some_text
from stepfun_client.api.speech_params import DEFAULT_SAMPLE_RATE, limit_of
from stepfun_client.api.speech_stream import AudioChunk
from stepfun_client.api.streams import AsyncStream, End, Stream, to_the_end, to_the_end_async
from stepfun_client.api.synthesis import SpeechPlan, synthesize
from stepfun_client.audio import Audio
from stepfun_client.audio.joining import join_audio, mended
from stepfun_client.errors import InvalidParameterError, StreamInterruptedError
from stepfun_client.progress import ProgressBar, progress_bar

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.api.speech_params import SpeechParams, StreamParams


class _Spoken:
    """What both streams keep: how it was asked for, and the pieces that came."""

    def __init__(self, plan: SpeechPlan) -> None:
        self._plan = plan
        self._kept: list[AudioChunk] = []
        self._end = End()

    @property
    def trace_id(self) -> str | None:
        """The exchange's trace id, as soon as sound has come."""
        return self._kept[-1].trace_id if self._kept else None

    def _take(self, piece: AudioChunk) -> None:
        self._kept.append(piece)

    def _whole(self) -> Audio:
        if not self._end.has_come:
            raise StreamInterruptedError(
                "the stream was closed or broke before its end, so there is no whole speech", trace_id=self.trace_id
            )
        if not self._kept:
            raise InvalidParameterError("there is no speech: the input held no text to speak", param="input")
        plan = self._plan
        facts: dict[str, Any] = {
            "format": plan.format,
            "sample_rate": plan.given.get("sample_rate") or DEFAULT_SAMPLE_RATE,
            "voice": plan.voice,
            "model": plan.model,
            "trace_id": self.trace_id,
        }
        if plan.format == "wav" and all(piece[:4] == b"RIFF" for piece in self._kept):  # each a file of its own
            return join_audio([Audio.of(piece, text=plan.text, **facts) for piece in self._kept])
        told = [piece.duration_seconds for piece in self._kept if piece.duration_seconds is not None]
        facts["duration_seconds"] = sum(told) if told else None
        return mended(Audio.of(b"".join(self._kept), text=plan.text, **facts))


class SpeechStream(_Spoken, Stream[AudioChunk]):
    """Speech in pieces: iterate it for `AudioChunk`s, or ask for the whole; nothing is sent before the first one.

    Leaving it unread (`break`, `close`, the end of a `with` block, or dropping it) closes the connection. What has been
    read is kept for `audio()`.
    """

    def __init__(self, plan: SpeechPlan, legs: Sequence[Generator[AudioChunk]]) -> None:
        _Spoken.__init__(self, plan)
        Stream.__init__(self, to_the_end(legs, self._end))

    def audio(self) -> Audio:
        """Read what is left and return the whole speech.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
            InvalidParameterError: If the input held no text at all.
        """
        self._read_to_end()
        return self._whole()


class AsyncSpeechStream(_Spoken, AsyncStream[AudioChunk]):
    """Speech in pieces, asynchronously; see `SpeechStream`."""

    def __init__(self, plan: SpeechPlan, legs: Sequence[AsyncGenerator[AudioChunk]]) -> None:
        _Spoken.__init__(self, plan)
        AsyncStream.__init__(self, to_the_end_async(legs, self._end))

    async def audio(self) -> Audio:
        """Read what is left and return the whole speech; see `SpeechStream.audio`."""
        await self._read_to_end()
        return self._whole()


class Speech(Resource):
    """`client.speech`: a text spoken, whole or in pieces."""

    def create(
        self,
        *,
        model: str,
        input: str,  # noqa: A002 - the wire's name
        voice: str,
        progress: bool | None = None,
        **params: Unpack[SpeechParams],
    ) -> Audio:
        """Speak a text of any length.

        StepFun takes 1,000 characters a request. A longer text is split at the ends of sentences, never inside a
        direction in brackets or a number, spoken part after part, and joined to one file (wav, mp3, pcm).

        Args:
            model: A model id, e.g. `"stepaudio-2.5-tts"` or `"step-tts-2"`.
            input: What to say. With `stepaudio-2.5-tts`, text in `()` is a direction and not spoken.
            voice: An official voice's name, e.g. `"cixingnansheng"` (see `client.voices.official`), or the id of a
                cloned voice.
            progress: Whether to show a bar while a long text is spoken; None for where somebody is watching.
            **params: See `SpeechParams`.

        Returns:
            The audio. It plays inline in a notebook; `.content` are its bytes, `.save(path)` writes it.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: If the service refuses or fails.
            APIConnectionError: If it cannot be reached.

        Example:
            >>> audio = client.speech.create(
            ...     model="step-tts-2",
            ...     input="智能阶跃，十倍每一个人的可能",
            ...     voice="cixingnansheng",
            ...     response_format="wav",
            ... )
            >>> audio.format, audio.sample_rate, audio.duration_seconds > 1
            ('wav', 24000, True)
        """
        with _watched(model, input, wanted=progress) as bar:
            job = synthesize(model=model, text=input, voice=voice, params=params, advance=bar.update)
            return self._runner.run(job)

    def stream(
        self,
        *,
        model: str,
        input: str | Iterable[str],  # noqa: A002
        voice: str,
        **params: Unpack[StreamParams],
    ) -> SpeechStream:
        """Speak a text in pieces of sound, the first of which come while the rest is still being spoken.

        A string goes over HTTP. An iterable of texts, such as the tokens of a chat stream, goes over a WebSocket and is
        spoken while it is still being written; it is taken in a thread of its own, from the second piece on.

        Args:
            model: A model id, e.g. `"stepaudio-2.5-tts"` or `"step-tts-2"`.
            input: What to say: a string, of any length in pcm and mp3, or texts as they come. A generator is closed
                with the stream, and an error of its own comes out of it.
            voice: An official voice's name, or the id of a cloned voice.
            **params: See `StreamParams`. Players take `response_format="pcm"` (16 bit, mono) or `"mp3"`.

        Returns:
            A stream to iterate, whose `audio()` is the whole speech.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            StreamInterruptedError: While iterating, if the stream is cut; StepFun closes a WebSocket that is idle for
                60 s.

        Example:
            >>> tokens = iter(["Hello. ", "How are ", "you?"])
            >>> stream = client.speech.stream(
            ...     model="step-tts-2", input=tokens, voice="cixingnansheng", response_format="pcm"
            ... )
            >>> [piece.sentence.strip() for piece in stream][0]
            'Hello.'
            >>> stream.audio().duration_seconds > 1
            True
        """
        plan = SpeechPlan(model=model, voice=voice, text=input if isinstance(input, str) else None, params=params)
        return SpeechStream(plan, plan.legs(self._runner.events, self._runner.converse, input))


class AsyncSpeech(AsyncResource):
    """`client.speech` of the asynchronous client; see `Speech`."""

    async def create(
        self,
        *,
        model: str,
        input: str,  # noqa: A002
        voice: str,
        progress: bool | None = None,
        **params: Unpack[SpeechParams],
    ) -> Audio:
        """Speak a text of any length; see `Speech.create`."""
        with _watched(model, input, wanted=progress) as bar:
            job = synthesize(model=model, text=input, voice=voice, params=params, advance=bar.update)
            return await self._runner.run(job)

    def stream(
        self,
        *,
        model: str,
        input: str | Iterable[str] | AsyncIterable[str],  # noqa: A002
        voice: str,
        **params: Unpack[StreamParams],
    ) -> AsyncSpeechStream:
        """Speak a text in pieces, to iterate with `async for`; see `Speech.stream`.

        Texts are taken in a task of their own. What waits for them must be asynchronous: while an ordinary generator
        waits, so does the event loop.
        """
        plan = SpeechPlan(model=model, voice=voice, text=input if isinstance(input, str) else None, params=params)
        kinds = (Iterable, AsyncIterable)
        return AsyncSpeechStream(plan, plan.legs(self._runner.events, self._runner.converse, input, kinds))


def _watched(model: str, text: str, *, wanted: bool | None) -> AbstractContextManager[ProgressBar]:
    """Show a bar for a long text; what one request can do is over before a bar is read."""
    is_short = len(some_text(text, "input")) <= limit_of(some_text(model, "model"))
    shown = False if wanted is None and is_short else wanted
    return progress_bar(len(text), unit="character", description="speech", wanted=shown)
