"""Recognition: `client.transcription` (WIRE.md section 8): files at once, as a stream, in the background; and live."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stepfun_client.api.live_events import (
    Committed,
    LiveCompleted,
    LiveDelta,
    LiveEvent,
    SpeechStarted,
    SpeechStopped,
    UnknownEvent,
)
from stepfun_client.api.live_params import MODEL_DEFAULT_LIVE, LiveParams, LiveSettings, live_settings
from stepfun_client.api.live_transcription import (
    COMMIT,
    AsyncLiveTranscription,
    Commit,
    LivePiece,
    LiveTranscription,
    in_pieces,
)
from stepfun_client.api.resource import AsyncResource, CallOptions, Resource
from stepfun_client.api.transcript import Segment, Transcript, Word
from stepfun_client.api.transcription_calls import Request, read_form_reply
from stepfun_client.api.transcription_input import AudioSource
from stepfun_client.api.transcription_params import (
    CreateParams,
    TaskParams,
    TranscriptionParams,
    checked_params,
    models_of,
    way_of,
)
from stepfun_client.api.transcription_stream import (
    AsyncTranscriptStream,
    TranscriptDelta,
    TranscriptStream,
    read_whole,
)
from stepfun_client.api.transcription_tasks import (
    DEADLINE_SECONDS,
    POLL_SECONDS,
    TranscriptionTask,
    looked_up,
    submission,
    submitted,
    waited_for,
)
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.core.call import Call, Flow

__all__ = [
    "COMMIT",
    "MODEL_DEFAULT_TASK",
    "AsyncLiveTranscription",
    "AsyncTranscriptStream",
    "AsyncTranscription",
    "AudioSource",
    "Commit",
    "Committed",
    "LiveCompleted",
    "LiveDelta",
    "LiveEvent",
    "LivePiece",
    "LiveTranscription",
    "Segment",
    "SpeechStarted",
    "SpeechStopped",
    "Transcript",
    "TranscriptDelta",
    "TranscriptStream",
    "Transcription",
    "TranscriptionTask",
    "UnknownEvent",
    "Word",
]

MODEL_DEFAULT_TASK = "step-asr-1.1"


def transcribing(file: AudioSource, *, model: str, **params: Unpack[CreateParams]) -> Flow[Transcript]:
    """Check what can be checked before anything is sent, and return the job that transcribes."""
    way = way_of(model, params.get("transport"))
    given = checked_params(way, params)
    progress = given.pop("progress", None)
    if way == "async":
        deadline, poll = given.pop("deadline", DEADLINE_SECONDS), given.pop("poll", POLL_SECONDS)
        call = submission(file, model=model, params=given)
        options: CallOptions = {"timeout": given.get("timeout"), "extra_headers": given.get("extra_headers")}
        return _in_background(call, model, deadline=deadline, poll=poll, progress=progress, options=options)
    request = Request.of(file, model=model, way=way, params=given)
    return read_whole(request) if way == "sse" else _over_form(request)


def _in_background(
    call: Call, model: str, *, deadline: float, poll: float, progress: bool | None, options: CallOptions
) -> Flow[Transcript]:
    task = yield from submitted(call, model=model)
    return (yield from waited_for(task, deadline=deadline, poll=poll, progress=progress, **options))


def _over_form(request: Request) -> Flow[Transcript]:
    call, known = yield from request.described()
    reply = yield call
    return read_form_reply(reply, request, known)


def streaming(file: AudioSource, *, model: str, params: Mapping[str, Any]) -> Request:
    """Check what can be checked before anything is sent, and return what is to be streamed."""
    way = way_of(model, params.get("transport"))
    if way != "sse":
        raise InvalidParameterError(
            f"{model} does not stream; these do: {', '.join(models_of('sse'))}. Or ask it for the whole with "
            "client.transcription.create",
            param="model",
        )
    return Request.of(file, model=model, way=way, params=checked_params(way, params))


def listening(
    audio: Any,
    *,
    model: str,
    format: str,  # noqa: A002 - the public parameter's name
    sample_rate: int,
    bits: int,
    channels: int,
    turn_detection: str | Mapping[str, Any] | None,
    params: Mapping[str, Any],
    kinds: tuple[type, ...] = (Iterable,),
) -> tuple[LiveSettings, Any]:
    """Check what a session is to be, and give the pieces of its sound."""
    if isinstance(audio, (bytes, bytearray, memoryview)):
        audio = in_pieces(audio)
    elif isinstance(audio, str) or not isinstance(audio, kinds):
        way = "an iterable of bytes. For a file use client.transcription.create"
        if isinstance(audio, AsyncIterable):
            way = "an iterable of bytes. This one is asynchronous: use AsyncStepFunClient"
        raise InvalidParameterError(
            f"audio is of type {type(audio).__name__}; it must be pieces of sound: {way}", param="audio"
        )
    settings = live_settings(
        model=model,
        format=format,
        sample_rate=sample_rate,
        bits=bits,
        channels=channels,
        turn_detection=turn_detection,
        params=params,
    )
    return settings, audio


class Transcription(Resource):
    """`client.transcription`: files in one call, as a stream or in the background; and live."""

    def create(self, file: AudioSource, *, model: str, **params: Unpack[CreateParams]) -> Transcript:
        """Transcribe a file. How it is sent follows from the model: as a form, an event stream, or a background task.

        Args:
            file: A `pathlib.Path`, bytes, a file open for reading in binary mode (read from where it stands, not
                closed), an `Audio`, a `data:` URI, or an http(s) URL of a public address; under 100 MB. A URL is
                fetched here, except for the asynchronous service (`step-asr-1.1`), which takes nothing else and fetches
                it itself. `step-asr` takes mp3, wav, ogg, pcm and flac, and a path is read in pieces; models over SSE
                take pcm, wav, mp3 and ogg.
            model: A model such as `"stepaudio-2.5-asr"`; one that is not known here is reached over SSE.
            **params: See `CreateParams`. One that this way does not know is refused, not dropped.

        Returns:
            The transcript; with `timestamps=True` its segments and words have times, and it writes subtitles.

        Raises:
            InvalidParameterError: If the file or a parameter breaks a rule; nothing is sent then.
            APIStatusError: If the service refuses or fails.
            StreamInterruptedError: If the answer was cut.
            APITimeoutError: If the asynchronous service is not done by the deadline; the message names the task.

        Example:
            >>> speech = client.speech.create(
            ...     model="step-tts-2", voice="cixingnansheng", input="Hello there.", response_format="wav"
            ... )
            >>> transcript = client.transcription.create(speech, model="stepaudio-2.5-asr", timestamps=True)
            >>> transcript.text
            'Hello there.'
            >>> print(transcript.to_srt().splitlines()[2])
            Hello there.
        """
        return self._runner.run(transcribing(file, model=model, **params))

    def stream(self, file: AudioSource, *, model: str, **params: Unpack[TranscriptionParams]) -> TranscriptStream:
        """Transcribe a file over SSE, piece by piece.

        Args:
            file: See `create`; pcm, wav, mp3 or ogg.
            model: A model that is reached over SSE.
            **params: See `TranscriptionParams`.

        Returns:
            An iterator of `TranscriptDelta`; `.transcript()` reads the rest and returns the whole.

        Raises:
            InvalidParameterError: If the file or a parameter breaks a rule; nothing is sent then.

        While iterating:
            StreamInterruptedError: If the stream ends before the service has said that it is whole.
            APIStatusError: If the service refuses or fails, in the stream's middle too.

        Example:
            >>> speech = client.speech.create(
            ...     model="step-tts-2", voice="cixingnansheng", input="Hello there.", response_format="wav"
            ... )
            >>> with client.transcription.stream(speech, model="stepaudio-2.5-asr") as stream:
            ...     "".join(delta.text for delta in stream)
            'Hello there.'
        """
        return TranscriptStream(self._runner, streaming(file, model=model, params=params))

    def live(
        self,
        audio: Iterable[LivePiece],
        *,
        model: str = MODEL_DEFAULT_LIVE,
        format: str = "pcm",  # noqa: A002 - the wire's own name
        sample_rate: int = 16000,
        bits: int = 16,
        channels: int = 1,
        turn_detection: str | Mapping[str, Any] | None = "server_vad",
        **params: Unpack[LiveParams],
    ) -> LiveTranscription:
        """Transcribe sound while it comes, over the WebSocket.

        The session is opened when the first piece of sound has come. All but that are taken from `audio` in a thread of
        their own, and sent in events of about 200 ms, whatever their size.

        Args:
            audio: Pieces of sound, e.g. from a microphone, of any size; whole bytes too. With `turn_detection=None`,
                `COMMIT` among them ends an utterance, and so does the end of the input.
            model: A model that listens live.
            format: What the sound is.
            sample_rate: Samples a second, per channel.
            bits: Bits of one sample of one channel.
            channels: 1 is mono.
            turn_detection: `"server_vad"`, where the service finds the ends of utterances; an object with
                `silence_duration_ms` and `threshold`; or None. With it, silence is appended at the end so that the
                service closes the last utterance; say `silence_duration_ms`, and the end is found sooner.
            **params: See `LiveParams`.

        Returns:
            An iterator of events: `SpeechStarted`, `SpeechStopped`, `Committed`, `LiveDelta`, `LiveCompleted`, and
            `UnknownEvent` for what is not known here. `.transcript()` reads the rest and returns all that was said.

        Raises:
            InvalidParameterError: If a parameter breaks a rule; nothing is sent then.

        While iterating:
            StreamInterruptedError: If the session ended before all utterances had their transcripts.
            APIStatusError: If the service reports an error.

        Example:
            >>> speech = client.speech.create(
            ...     model="step-tts-2", voice="cixingnansheng", input="Hello there.", response_format="pcm",
            ...     sample_rate=16000,
            ... )
            >>> with client.transcription.live([speech.content], turn_detection=None) as events:
            ...     [event.transcript for event in events if event.type == "completed"]
            ['Hello there.']
        """
        settings, pieces = listening(
            audio,
            model=model,
            format=format,
            sample_rate=sample_rate,
            bits=bits,
            channels=channels,
            turn_detection=turn_detection,
            params=params,
        )
        return LiveTranscription(self._runner, settings, pieces)

    def submit(self, url: str, *, model: str = MODEL_DEFAULT_TASK, **params: Unpack[TaskParams]) -> TranscriptionTask:
        """Begin to transcribe a file in the background.

        A task is charged, so one whose fate is unknown is not begun a second time by itself.

        Args:
            url: An http(s) URL that StepFun can reach; under 100 MB.
            model: A model of the asynchronous service.
            **params: See `TaskParams`.

        Returns:
            The task; `task_id` is all that is needed to `wait` for it.

        Raises:
            InvalidParameterError: If it is no URL, or a parameter breaks a rule; nothing is sent then.
            APIStatusError: If the service refuses or fails.
        """
        return self._runner.run(submitted(submission(url, model=model, params=params), model=model))

    def retrieve(self, task: TranscriptionTask | str, **options: Unpack[CallOptions]) -> TranscriptionTask:
        """Look at a task once: `status`, and `transcript` when it is done.

        Raises:
            APIStatusError: If there is no such task, or it failed.
        """
        return self._runner.run(looked_up(task, **options))

    def wait(
        self,
        task: TranscriptionTask | str,
        *,
        deadline: float = DEADLINE_SECONDS,
        poll: float = POLL_SECONDS,
        progress: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Transcript:
        """Wait until a task is done.

        Args:
            task: What `submit` returned, or its `task_id`.
            deadline: After how many seconds to give up.
            poll: Seconds between two looks; StepFun asks for 1 to 3.
            progress: Whether to show a bar; by default where somebody can see one.
            **options: `timeout` and `extra_headers` of each call.

        Returns:
            The transcript.

        Raises:
            APITimeoutError: If it is not done by the deadline. It goes on, and can be waited for again.
            APIStatusError: If there is no such task, or it failed.
        """
        return self._runner.run(waited_for(task, deadline=deadline, poll=poll, progress=progress, **options))


class AsyncTranscription(AsyncResource):
    """`client.transcription` of the asynchronous client; see `Transcription`."""

    async def create(self, file: AudioSource, *, model: str, **params: Unpack[CreateParams]) -> Transcript:
        """Transcribe a file; see `Transcription.create`."""
        return await self._runner.run(transcribing(file, model=model, **params))

    def stream(self, file: AudioSource, *, model: str, **params: Unpack[TranscriptionParams]) -> AsyncTranscriptStream:
        """Transcribe a file piece by piece, to iterate with `async for`; see `Transcription.stream`."""
        return AsyncTranscriptStream(self._runner, streaming(file, model=model, params=params))

    def live(
        self,
        audio: Iterable[LivePiece] | AsyncIterable[LivePiece],
        *,
        model: str = MODEL_DEFAULT_LIVE,
        format: str = "pcm",  # noqa: A002 - the wire's own name
        sample_rate: int = 16000,
        bits: int = 16,
        channels: int = 1,
        turn_detection: str | Mapping[str, Any] | None = "server_vad",
        **params: Unpack[LiveParams],
    ) -> AsyncLiveTranscription:
        """Transcribe sound while it comes; see `Transcription.live`."""
        settings, pieces = listening(
            audio,
            model=model,
            format=format,
            sample_rate=sample_rate,
            bits=bits,
            channels=channels,
            turn_detection=turn_detection,
            params=params,
            kinds=(Iterable, AsyncIterable),
        )
        return AsyncLiveTranscription(self._runner, settings, pieces)

    async def submit(
        self, url: str, *, model: str = MODEL_DEFAULT_TASK, **params: Unpack[TaskParams]
    ) -> TranscriptionTask:
        """Begin to transcribe a file in the background; see `Transcription.submit`."""
        return await self._runner.run(submitted(submission(url, model=model, params=params), model=model))

    async def retrieve(self, task: TranscriptionTask | str, **options: Unpack[CallOptions]) -> TranscriptionTask:
        """Look at a task once; see `Transcription.retrieve`."""
        return await self._runner.run(looked_up(task, **options))

    async def wait(
        self,
        task: TranscriptionTask | str,
        *,
        deadline: float = DEADLINE_SECONDS,
        poll: float = POLL_SECONDS,
        progress: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Transcript:
        """Wait until a task is done; see `Transcription.wait`."""
        return await self._runner.run(waited_for(task, deadline=deadline, poll=poll, progress=progress, **options))
