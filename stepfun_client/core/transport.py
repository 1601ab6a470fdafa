"""Makes calls: the synchronous and the asynchronous driver. The only module that touches httpx.

What to send and what follows an outcome is decided in `exchange`; here it is done.
"""

from __future__ import annotations

import asyncio
import functools
import os
import platform
import ssl
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, closing, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from stepfun_client import __version__
from stepfun_client.core.call import Pause
from stepfun_client.core.discretion import Discretion
from stepfun_client.core.exchange import Action, Answer, Failure, Outcome, Resolve, Send, Steps, Visit, exchange, unfold
from stepfun_client.core.logs import logger
from stepfun_client.core.settings import CONNECT_TIMEOUT_SECONDS, Settings
from stepfun_client.core.visits import resolve, resolve_async, visit, visit_async
from stepfun_client.errors import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    InvalidParameterError,
    StepFunError,
    StreamInterruptedError,
    StreamTimeoutError,
    trace_id_of,
    without_frames,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from stepfun_client.core.call import Call, Flow, Kind, StreamReader

T = TypeVar("T")

HTTPClient = httpx.Client
AsyncHTTPClient = httpx.AsyncClient

USER_AGENT = f"stepfun-integrations/{__version__} python/{platform.python_version()}"

# A concurrency slot is held until a stream ends, so the account's tier is the limit (up to 10,000), not the pool.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)
_DRAIN_SECONDS = 0.2
_HTTPX_DEFAULT_TIMEOUT = httpx.Timeout(5.0)

# The request certainly did not reach the server: no connection was made for it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@functools.cache
def _tls() -> ssl.SSLContext:
    """One context for all clients: reading the certificates takes longer than a call."""
    return httpx.create_ssl_context()


def _alone() -> dict[str, Any]:
    """Set up a client for one visit: without another host's cookies, or a proxy, which would look up the name again."""
    return {"verify": _tls(), "trust_env": False}


@functools.lru_cache(maxsize=64)
def _url(address: str) -> httpx.URL:
    """Parse an address once: a program calls few, and parsing one takes a third of building a request."""
    return httpx.URL(address)


class _BearerAuth(httpx.Auth):
    """Writes the key into the request at the last moment, so that no frame of ours holds a header with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._settings.key()}"
        yield request


def _fields(call: Call, files: ExitStack) -> Iterator[tuple[str, tuple[str | None, Any] | tuple[str, Any, str]]]:
    """Give the fields of the call's multipart form; its file is opened here and closed by `files`."""
    for name, value in call.form.items():
        yield name, (None, value)
    if call.upload:
        name, upload = call.upload
        yield name, (upload.filename, files.enter_context(upload.open()), upload.media_type)


class _Wire:
    """What both drivers know: how a `Call` becomes an httpx request, and a reply or an error an outcome."""

    def __init__(self, settings: Settings, *, injected: bool, injected_timeout: httpx.Timeout | None) -> None:
        self._settings = settings
        self._discretion = Discretion(settings)
        # A client that the user gave with timeouts of its own keeps them, unless told otherwise here.
        self._own_timeout = injected and injected_timeout != _HTTPX_DEFAULT_TIMEOUT

    def _request(self, client: httpx.Client | httpx.AsyncClient, sent: Send, files: ExitStack) -> httpx.Request:
        call, settings = sent.call, sent.settings
        settings.key()  # a missing key is said before a connection is made
        options: dict[str, Any] = {}
        if call.content is not None:
            options["content"] = call.content
        if fields := list(_fields(call, files)):
            options["files"] = fields
        if query := {name: value for name, value in call.query.items() if value is not None}:
            options["params"] = query
        if call.timeout or settings.timeout or not self._own_timeout:
            options["timeout"] = self._timeout(call.kind, call.timeout)
        try:
            headers = httpx.Headers({"User-Agent": USER_AGENT})
            if call.content is not None:
                headers["Content-Type"] = "application/json"
            headers.update(settings.default_headers)
            headers.update(call.headers)
            request = client.build_request(call.method, _url(settings.root + call.path), headers=headers, **options)
        except (httpx.InvalidURL, UnicodeError, TypeError) as error:
            raise InvalidParameterError(f"base_url or a header cannot be sent: {error}") from None
        if settings is not self._settings:  # another company's: what an injected client brings along is not for it
            for name in {"cookie", *client.headers} - set(headers):
                request.headers.pop(name, None)
        return request

    def _timeout(self, kind: Kind, wanted: float | None) -> httpx.Timeout:
        seconds = self._settings.read_timeout(kind, wanted)
        return httpx.Timeout(seconds, connect=min(CONNECT_TIMEOUT_SECONDS, seconds))

    def _answer(self, sent: Send, response: httpx.Response, started: float) -> Answer:
        seconds = time.perf_counter() - started
        path = response.request.url.path
        trace_id = trace_id_of(response.headers)
        logger.debug(
            "%s %s -> %d in %.3f s, trace id %s", sent.call.method, path, response.status_code, seconds, trace_id
        )
        unread = sent.stream and response.is_success
        return Answer(
            response.status_code,
            response.headers,
            str(response.request.url),
            content=b"" if unread else response.content,
            response=response if unread else None,
        )

    def _failure(self, action: Send | Visit, error: httpx.HTTPError | httpx.InvalidURL, started: float) -> Failure:
        seconds = time.perf_counter() - started
        if isinstance(action, Send):
            root = action.settings.root
            request = f"{action.call.method} {root}{action.call.path}"
            advice = ("or stream, so that the answer's beginning counts", "the proxy settings and base_url")
            logged = f"{action.call.method} {httpx.URL(root).path}{action.call.path}"
        else:
            request = logged = f"GET {action.place.shown}"
            advice = ("or pass the file itself", "the address, and that it is reached without a proxy")
        logger.debug("%s -> %s in %.3f s", logged, type(error).__name__, seconds)
        reason = str(error) or type(error).__name__
        said: StepFunError
        if isinstance(error, httpx.TimeoutException):
            said = APITimeoutError(
                f"{request}: nothing came within the timeout after {seconds:.1f} s ({reason})",
                hint=f"Raise timeout=..., {advice[0]}",
            )
        elif isinstance(error, (httpx.LocalProtocolError, httpx.InvalidURL)):
            said = InvalidParameterError(f"{request}: this cannot be sent over HTTP ({reason})")
        elif isinstance(error, httpx.DecodingError):
            said = APIResponseError(f"{request}: the reply's encoding is broken ({reason})")
        else:
            said = APIConnectionError(
                f"{request}: the connection failed ({reason})", hint=f"Check the network, {advice[1]}"
            )
        said.__cause__ = without_frames(error)
        return Failure(said, reached=not isinstance(error, _NEVER_SENT))

    def _cut(self, error: httpx.HTTPError, trace_id: str | None) -> StreamInterruptedError:
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.TimeoutException):
            return StreamTimeoutError(
                "the stream fell silent for longer than the timeout; what came so far is not the whole answer",
                trace_id=trace_id,
            )
        return StreamInterruptedError(
            f"the connection broke inside the stream ({reason}); what came so far is not the whole answer",
            trace_id=trace_id,
        )


def _hurry(response: httpx.Response) -> None:
    """Wait but briefly for the end of a stream that has said all: with it, the connection can be used again.

    httpx takes a read's timeout from the request, once; its network stream is asked for the bytes with it. As soon as
    the response is closed, whoever gets the connection next is as patient as he wants.
    """
    network = response.extensions.get("network_stream")
    if network is None:
        return
    patient = network.read

    def read(size: int, timeout: float | None = None) -> Any:
        return patient(size, timeout if response.is_closed else _DRAIN_SECONDS)

    network.read = read


class Driver(_Wire):
    """Runs flows and streams synchronously. Safe to share between threads."""

    def __init__(self, settings: Settings, client: httpx.Client | None = None) -> None:
        self._made: dict[int, httpx.Client] = {}  # by process: a fork must not share its parent's sockets
        super().__init__(settings, injected=client is not None, injected_timeout=client.timeout if client else None)
        self._injected = client

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        with self._discretion:
            return self._drive(unfold(flow, self._settings))

    def stream(self, call: Call, reader: StreamReader[T]) -> Generator[T]:
        """Open a stream and yield what the reader makes of it; whoever drops the generator closes the connection."""
        with self._discretion:
            answer = self._drive(exchange(call, self._settings, stream=True))
            response: httpx.Response = answer.response
            chunk = b""
            try:
                reader.begin(answer.headers)
                for chunk in response.iter_bytes():
                    if reader.done:  # and still no end: whatever keeps the connection open, nothing is waited for
                        break
                    yield from reader.feed(chunk)
                    if reader.done:
                        _hurry(response)
            except httpx.HTTPError as error:
                if not reader.complete:
                    raise self._cut(error, trace_id_of(answer.headers)) from without_frames(error)
            finally:
                del chunk  # a traceback that shows this frame's locals must not show what the service said
                if (
                    not sys.is_finalizing()
                ):  # at the interpreter's end httpx is half gone, and the socket goes by itself
                    response.close()
            yield from reader.finish()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections this driver made in this process; an injected client stays open."""
        if made := self._made.pop(os.getpid(), None):
            made.close()

    def _drive(self, steps: Steps[T]) -> T:
        outcome: Outcome = None
        with closing(steps):
            while True:
                try:
                    action = steps.send(outcome)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                outcome = self._perform(action)

    def _perform(self, action: Action) -> Outcome:
        if isinstance(action, Pause):
            time.sleep(action.seconds)
            return None
        if isinstance(action, Resolve):
            return resolve(action)
        started = time.perf_counter()
        try:
            if isinstance(action, Visit):
                patience = self._timeout("file", action.fetch.timeout)
                with httpx.Client(**_alone()) if action.address else nullcontext(self._client()) as own:
                    return visit(own, action, patience, user_agent=USER_AGENT)
            with ExitStack() as files:
                client = self._client()
                request = self._request(client, action, files)
                response = client.send(request, auth=_BearerAuth(action.settings), stream=True)
                if not (action.stream and response.is_success):
                    try:
                        response.read()
                    finally:
                        response.close()
            return self._answer(action, response, started)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self._failure(action, error, started)

    def _client(self) -> httpx.Client:
        if self._injected is not None:
            return self._injected
        process = os.getpid()
        client = self._made.get(process)
        if client is None:  # no lock, which a fork might copy while it is held; of two threads, the second one's yields
            client = self._made.setdefault(process, httpx.Client(verify=_tls(), limits=_LIMITS))
        return client


class AsyncDriver(_Wire):
    """Runs flows and streams asynchronously, with one httpx client for each event loop."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings, injected=client is not None, injected_timeout=client.timeout if client else None)
        self._injected = client
        self._made: dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]] = {}

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        with self._discretion:
            return await self._drive(unfold(flow, self._settings))

    async def stream(self, call: Call, reader: StreamReader[T]) -> AsyncGenerator[T]:
        """Open a stream and yield what the reader makes of it; whoever drops the generator closes the connection."""
        with self._discretion:
            answer = await self._drive(exchange(call, self._settings, stream=True))
            response: httpx.Response = answer.response
            chunk = b""
            try:
                reader.begin(answer.headers)
                async for chunk in response.aiter_bytes():
                    if reader.done:  # see the synchronous twin
                        break
                    for item in reader.feed(chunk):
                        yield item
                    if reader.done:
                        _hurry(response)
            except httpx.HTTPError as error:
                if not reader.complete:
                    raise self._cut(error, trace_id_of(answer.headers)) from without_frames(error)
            finally:
                del chunk  # a traceback that shows this frame's locals must not show what the service said
                await response.aclose()
            for item in reader.finish():
                yield item

    async def aclose(self) -> None:
        """Close the connections made in this event loop; an injected client stays open."""
        if made := self._made.pop(asyncio.get_running_loop(), None):
            await made[1].aclose()

    async def _drive(self, steps: Steps[T]) -> T:
        outcome: Outcome = None
        with closing(steps):
            while True:
                try:
                    action = steps.send(outcome)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                outcome = await self._perform(action)

    async def _perform(self, action: Action) -> Outcome:
        if isinstance(action, Pause):
            await asyncio.sleep(action.seconds)
            return None
        if isinstance(action, Resolve):
            return await resolve_async(action)
        started = time.perf_counter()
        try:
            if isinstance(action, Visit):
                patience = self._timeout("file", action.fetch.timeout)
                async with (
                    httpx.AsyncClient(**_alone()) if action.address else nullcontext(await self._client()) as own
                ):
                    return await visit_async(own, action, patience, user_agent=USER_AGENT)
            with ExitStack() as files:
                client = await self._client()
                request = self._request(client, action, files)
                response = await client.send(request, auth=_BearerAuth(action.settings), stream=True)
                if not (action.stream and response.is_success):
                    try:
                        await response.aread()
                    finally:
                        await response.aclose()
            return self._answer(action, response, started)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self._failure(action, error, started)

    async def _client(self) -> httpx.AsyncClient:
        if self._injected is not None:
            return self._injected
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            for ended in [known for known in list(self._made) if known.is_closed()]:
                self._made.pop(ended, None)
            client = httpx.AsyncClient(verify=_tls(), limits=_LIMITS)
            keeper = _kept_open(client)
            await anext(keeper)
            self._made[loop] = client, keeper
        return self._made[loop][0]


async def _kept_open(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Close the client when its event loop ends or nobody holds it: a loop finishes generators, not objects."""
    async with client:
        yield
