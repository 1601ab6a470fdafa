"""A stream of typed JSON events, read: what speech, recognition and the response protocols have in common.

Bytes in, whatever the subclass makes of the events out. A reply that is a document and no stream, an event that cannot
be read and an end that comes too early are errors; `[DONE]` is taken where it comes, and not missed where it does not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import pydantic_core

from stepfun_client.core.call import unreadable
from stepfun_client.core.sse import ServerSentEvent, SSEDecoder
from stepfun_client.errors import StepFunError, StreamInterruptedError, stream_error, trace_id_of

T = TypeVar("T")


class EventReader(ABC, Generic[T]):
    """Reads one event stream.

    Attributes:
        trace_id: The stream's trace id, as soon as the service has answered.
        headers: The reply's headers, names in lower case.
    """

    kind: str
    """What is streamed, for messages, e.g. `"speech"`."""

    last_event: str
    """What comes at its end, for messages, e.g. `"speech.audio.done"`."""

    def __init__(self) -> None:
        self.trace_id: str | None = None
        self.headers: Mapping[str, str] = {}
        self._sse = SSEDecoder()
        self._document: list[bytes] | None = None  # a reply that is no event stream
        self._has_been_told = False  # that nothing more comes, by [DONE]

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether all that matters has come."""

    @property
    def done(self) -> bool:
        """Whether the service has said that nothing more comes."""
        return self._has_been_told

    @abstractmethod
    def _understood(self, body: Any, name: str) -> list[T]:
        """Take an event's JSON, and the name its frame gives it; return what it makes."""

    def _concluded(self) -> list[T]:
        """Return what the end of a whole stream makes."""
        return []

    def _problem(self, body: Mapping[str, Any]) -> StepFunError:
        """Make the error an event reports."""
        return stream_error(body.get("error") or dict(body), trace_id=self.trace_id)

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the reply's headers."""
        self.headers = headers
        self.trace_id = trace_id_of(headers)
        if not headers.get("content-type", "text/event-stream").startswith("text/event-stream"):
            self._document = []

    def feed(self, chunk: bytes) -> list[T]:
        """Take the next bytes and return what they complete.

        Raises:
            APIStatusError: If the service reports an error inside the stream.
            APIResponseError: If an event cannot be read.
        """
        if self._document is not None:
            self._document.append(chunk)
            return []
        return self._read(self._sse.feed(chunk))

    def finish(self) -> list[T]:
        """Take the end of the stream.

        Raises:
            StreamInterruptedError: If it came too early.
        """
        if self._document is not None:
            raise self._document_error(b"".join(self._document))
        rest = [] if self.complete else self._sse.finish()
        made = self._read([event for event in rest if _json_in(event.data) is not None])  # a fragment says nothing
        if not self.complete:
            raise StreamInterruptedError(
                f"the {self.kind} ended without {self.last_event}: it was cut, and what came is not the whole; send "
                "the request again",
                trace_id=self.trace_id,
            )
        return made + self._concluded()

    def _document_error(self, content: bytes) -> StepFunError:
        body = _json_in(content)
        if isinstance(body, dict) and (body.get("error") or body.get("type") == "error"):
            return self._problem(body)
        kind = self.headers.get("content-type", "")
        return unreadable(content, ValueError(f"{kind} and no event stream"), trace_id=self.trace_id)

    def _read(self, events: list[ServerSentEvent]) -> list[T]:
        made: list[T] = []
        for data, name in events:
            if self.done or not data:
                continue
            if data.strip() == b"[DONE]":
                self._has_been_told = True
                continue
            try:
                made += self._understood(pydantic_core.from_json(data), name)
            except (ValueError, TypeError, AttributeError) as error:  # no JSON, or not of the shape that was promised
                raise unreadable(data, error, trace_id=self.trace_id) from error
        return made


def _json_in(content: bytes) -> Any:
    try:
        return pydantic_core.from_json(content)
    except ValueError:
        return None
