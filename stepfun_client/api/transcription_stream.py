"""Recognition over SSE, read: bytes in, pieces of text out, and the transcript they make (WIRE.md section 8).

There is no `[DONE]`: a stream is whole when `transcript.text.done` has come, and only then.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_client.api.event_reader import EventReader
from stepfun_client.api.resource import AsyncRunner, Runner, validated
from stepfun_client.api.streams import AsyncStream, Stream
from stepfun_client.api.transcript import Transcript
from stepfun_client.api.transcript_timing import Piece, segments_of, times_of
from stepfun_client.errors import StepFunError, StreamInterruptedError, stream_error

if TYPE_CHECKING:
    from stepfun_client.api.transcription_calls import Request
    from stepfun_client.core.call import Flow

_TRACE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """A piece of a transcript.

    Attributes:
        text: What it adds, with its blanks.
        start: When it begins, in seconds; None unless `timestamps=True`.
        end: When it ends.
    """

    text: str
    start: float | None = None
    end: float | None = None


class TranscriptReader(EventReader[TranscriptDelta]):
    """Reads one recognition's event stream; an end that comes too early is an error.

    Args:
        facts: What is known about the transcript beforehand: its model, language and length.
    """

    kind = "recognition"
    last_event = "transcript.text.done"

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.facts = dict(facts or {})
        self._pieces: list[Piece] = []
        self._last: dict[str, Any] | None = None  # transcript.text.done

    @property
    def done(self) -> bool:
        """Whether `transcript.text.done` has come."""
        return self._last is not None

    complete = done

    def transcript(self) -> Transcript:
        """Make the whole of what has been read.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
        """
        if self._last is None:
            raise StreamInterruptedError(
                "the stream was closed or broke before its end, so there is no whole transcript", trace_id=self.trace_id
            )
        known = {*Transcript.model_fields, "type", "meta"}
        body = {name: value for name, value in self._last.items() if name not in known}
        text = self._last.get("text")  # where the deltas say otherwise, the service has thought again
        body["text"] = "".join(piece.text for piece in self._pieces) if text is None else text
        body |= {"usage": self._last.get("usage"), "segments": segments_of(self._pieces), **self.facts}
        made = validated(Transcript, body, headers=self.headers)
        made.trace_id = self.trace_id
        return made

    def _understood(self, body: Any, name: str) -> list[TranscriptDelta]:
        if self.trace_id is None:
            self.trace_id = _trace_in(body.get("meta"))
        kind = body.get("type") or name
        if kind == "error" or body.get("error"):
            raise self._problem(body)
        if kind == "transcript.text.done":
            self._last = body
        if kind != "transcript.text.delta":
            return []
        piece = Piece("".join((body.get("delta") or "",)), *times_of(body))
        self._pieces.append(piece)
        return [TranscriptDelta(piece.text, piece.start, piece.end)]

    def _problem(self, body: Mapping[str, Any]) -> StepFunError:
        """Make the error: its own type is in `error` or beside the message, where `type` is only the event's name."""
        problem = body.get("error") or {name: value for name, value in body.items() if name not in ("type", "meta")}
        return stream_error(problem, trace_id=self.trace_id)


def _trace_in(meta: Any) -> str | None:
    session = meta.get("session_id") if isinstance(meta, dict) else None
    return session if isinstance(session, str) and _TRACE.fullmatch(session) else None


def read_whole(request: Request) -> Flow[Transcript]:
    """Transcribe over SSE, and return the whole."""
    reader = TranscriptReader()
    call = yield from opened(request, reader)
    reply = yield call
    reader.begin(reply.headers)
    reader.feed(reply.content)
    reader.finish()
    return reader.transcript()


def opened(request: Request, reader: TranscriptReader) -> Flow[Any]:
    """Fetch what is to be fetched, tell the reader what is known, and describe the call."""
    call, known = yield from request.described()
    reader.facts = {"model": request.model, "language": request.params.get("language")}
    reader.facts["duration_seconds"] = known.duration_seconds
    return call


def _deltas(runner: Runner, request: Request, reader: TranscriptReader) -> Generator[TranscriptDelta]:
    with closing(runner.events(runner.run(opened(request, reader)), reader)) as deltas:
        yield from deltas


async def _deltas_async(
    runner: AsyncRunner, request: Request, reader: TranscriptReader
) -> AsyncGenerator[TranscriptDelta]:
    async with aclosing(runner.events(await runner.run(opened(request, reader)), reader)) as deltas:
        async for delta in deltas:
            yield delta


class TranscriptStream(Stream[TranscriptDelta]):
    """A transcript in pieces: iterate it for `TranscriptDelta`s, or ask for the whole."""

    def __init__(self, runner: Runner, request: Request) -> None:
        self._reader = TranscriptReader()
        super().__init__(_deltas(runner, request, self._reader))

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id, as soon as the service has answered."""
        return self._reader.trace_id

    def transcript(self) -> Transcript:
        """Read what is left and return the whole.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
        """
        self._read_to_end()
        return self._reader.transcript()


class AsyncTranscriptStream(AsyncStream[TranscriptDelta]):
    """A transcript in pieces, asynchronously; see `TranscriptStream`."""

    def __init__(self, runner: AsyncRunner, request: Request) -> None:
        self._reader = TranscriptReader()
        super().__init__(_deltas_async(runner, request, self._reader))

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id, as soon as the service has answered."""
        return self._reader.trace_id

    async def transcript(self) -> Transcript:
        """Read what is left and return the whole; see `TranscriptStream.transcript`."""
        await self._read_to_end()
        return self._reader.transcript()
