"""An exchange described, not made: `Call` is one request, a `Flow` is a job of several.

A flow is a generator. It yields calls, fetches and pauses, is sent replies, and returns its result; the synchronous and
the asynchronous driver in `transport` run the same generator, so nothing about a job is written twice.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import pydantic_core

from stepfun_client.core.files import Watched, Window
from stepfun_client.errors import APIResponseError, InvalidParameterError, trace_id_of

if TYPE_CHECKING:
    from typing import TypeAlias

    from stepfun_client.core.settings import Settings

Source: TypeAlias = "os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

MOST_FETCHED_BYTES = 100 * 1024 * 1024

Kind = Literal["chat", "image", "audio", "file", "plain"]

T = TypeVar("T")


@dataclass(frozen=True)
class Upload:
    """A file on its way into a multipart form, opened anew for each attempt.

    Attributes:
        source: A path, bytes (copied where they may change), or a binary file object (sent from its current position,
            not closed).
        filename: The name the service is told.
        media_type: The MIME type the service is told.
        report: Is told how many bytes have been read; from none again where a second attempt is made.
    """

    source: Source = field(repr=False)
    filename: str
    media_type: str = "application/octet-stream"
    report: Callable[[int], object] | None = field(default=None, repr=False)
    start: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if isinstance(self.source, (bytearray, memoryview)):
            object.__setattr__(self, "source", bytes(self.source))
        elif not isinstance(self.source, (bytes, os.PathLike)) and self.source.seekable():
            object.__setattr__(self, "start", self.source.tell())

    @property
    def rewindable(self) -> bool:
        """Whether a second attempt can send the same bytes."""
        return isinstance(self.source, (bytes, os.PathLike)) or self.start is not None

    @contextmanager
    def open(self) -> Iterator[bytes | IO[bytes] | Window]:
        """Give what is to be read, at its beginning."""
        if isinstance(self.source, os.PathLike):
            with Path(self.source).open("rb") as file:
                yield Watched(file, 0, self.report) if self.report else file
        elif isinstance(self.source, (bytes, bytearray, memoryview)):
            content = bytes(self.source)
            yield Watched(io.BytesIO(content), 0, self.report) if self.report else content
        elif self.report:
            yield Watched(self.source, self.start, self.report)
        else:
            yield Window(self.source, self.start)


@dataclass(frozen=True)
class Call:
    """One request, described.

    Attributes:
        method: The HTTP method.
        path: The path below the base URL, with its leading slash.
        content: The body, encoded; None where there is none or where `upload` holds one.
        query: Query parameters; None values are left out.
        form: Fields of a multipart form, beside `upload`.
        upload: The form's file and the name of its field.
        kind: Which default timeouts fit.
        model: The model that is asked for, where it may be one that only Step Plan serves, or that it does not.
        headers: Headers of this call only; they win over the client's.
        timeout: Seconds between bytes, for this call only.
        repeatable: False for what costs money each time, such as a voice clone: it is sent again only where it
            certainly did not reach the server.
        settings: Another company's service, where it goes to one, with that one's key; see `Settings.beside`.
    """

    method: str
    path: str
    content: bytes | None = field(default=None, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    upload: tuple[str, Upload] | None = None
    kind: Kind = "plain"
    model: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    repeatable: bool = True
    settings: Settings | None = field(default=None, repr=False)

    @property
    def may_be_sent_again(self) -> bool:
        """Whether a request that may have reached the server can be sent a second time."""
        return self.repeatable and (self.upload is None or self.upload[1].rewindable)


@dataclass(frozen=True)
class Pause:
    """A wait inside a flow, in seconds."""

    seconds: float


@dataclass(frozen=True)
class Fetch:
    """A file to fetch from a public address, whoever wrote that; the rules are those of `fetching`.

    The key is not sent. The service's own address is allowed wherever it is.

    Attributes:
        url: The address, http or https.
        max_bytes: The most to read, unpacked; a larger file is an error.
        timeout: Seconds between bytes; the client's, else 60, where it is None.
        what: What it is, for messages.
    """

    url: str
    max_bytes: int
    timeout: float | None = None
    what: str = "the file"

    def __post_init__(self) -> None:
        for name in ("max_bytes", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InvalidParameterError(f"{name} is {value!r}; it must be above 0", param=name)


@dataclass(frozen=True)
class Fetched:
    """What came of a `Fetch`.

    Attributes:
        content: The whole file.
        media_type: What the server calls it, without parameters and in lower case; None where it does not say.
        url: Where it came from after redirects.
    """

    content: bytes = field(repr=False)
    media_type: str | None
    url: str


@dataclass(frozen=True)
class Reply:
    """A whole reply with a good status.

    Attributes:
        status: The HTTP status.
        headers: The reply's headers, names in lower case.
        content: The body.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def trace_id(self) -> str | None:
        """The exchange's trace id, from the header."""
        return trace_id_of(self.headers)

    def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            APIResponseError: If it is none.
        """
        try:
            return pydantic_core.from_json(self.content)
        except ValueError as error:
            raise unreadable(self.content, error, trace_id=self.trace_id) from error


Step: TypeAlias = "Call | Fetch | Pause"
Flow: TypeAlias = "Generator[Step, Any, T]"


def fetch(
    url: str, *, max_bytes: int = MOST_FETCHED_BYTES, timeout: float | None = None, what: str = "the file"
) -> Flow[Fetched]:
    """Fetch a file from a public address."""
    fetched: Fetched = yield Fetch(url, max_bytes, timeout, what)
    return fetched


class StreamReader(Protocol[T]):
    """What a streamed call is read with: told of the reply's head, fed bytes, asked at the end whether it was whole."""

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the reply's headers."""

    def feed(self, chunk: bytes) -> list[T]:
        """Take the next bytes and return what they complete."""

    def finish(self) -> list[T]:
        """Take the end of the stream; raise StreamInterruptedError if it came too early."""

    @property
    def done(self) -> bool:
        """Whether the service has said that nothing more comes, so that nothing is waited for."""

    @property
    def complete(self) -> bool:
        """Whether all that matters has come, so that a connection which breaks now takes nothing away."""


def encode_json(body: Mapping[str, Any], *, extra_body: Mapping[str, Any] | None = None) -> bytes:
    """Encode a request's body, `extra_body` laid over it unchecked.

    Raises:
        InvalidParameterError: If a value is not JSON.
    """
    whole = {**body, **extra_body} if extra_body else body
    try:
        return _JSON.encode(whole).encode()
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"the request cannot be written as JSON: {error}") from error


def unreadable(content: bytes, error: Exception, *, trace_id: str | None) -> APIResponseError:
    """Build the error for a good status with a body that is not what was promised."""
    excerpt = content[:300].decode("utf-8", "replace")
    return APIResponseError(
        f"the service answered with something that cannot be read ({error}); it began with {excerpt!r}",
        trace_id=trace_id,
        body=excerpt,
    )
