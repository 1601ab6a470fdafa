"""A dialogue over a WebSocket, described and not held, and the two drivers that hold it.

A `Dialogue` is a small state machine: it says what to send for each piece of input, and what each event of the service
means. The drivers send while they listen: synchronously a thread sends, asynchronously a task does. Nothing is
connected before the first piece of input has come, because StepFun closes a session that is idle for 60 s (WIRE.md
section 6), and a model may think for longer than that before it says its first word.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from contextlib import aclosing, closing, contextmanager, nullcontext
from inspect import GEN_RUNNING, getgeneratorstate
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from stepfun_client.core.discretion import Discretion
from stepfun_client.core.patience import ENOUGH, NOT_YET, Waiting
from stepfun_client.core.websocket import AsyncWebSocket, Event, WebSocket, open_websocket, open_websocket_async
from stepfun_client.errors import APITimeoutError, StreamInterruptedError

if TYPE_CHECKING:
    from stepfun_client.core.settings import Settings

InT = TypeVar("InT")
OutT = TypeVar("OutT")
InT_contra = TypeVar("InT_contra", contravariant=True)
OutT_co = TypeVar("OutT_co", covariant=True)

_STUCK_SECONDS = 1.0  # a single event that takes longer to send than this is no longer waited for at the end


class Dialogue(Protocol[InT_contra, OutT_co]):
    """What is said in a session, and what is made of the answers; fed events, it does no I/O."""

    @property
    def path(self) -> str:
        """Where it is held: the path below the base URL."""

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters of the handshake, such as the model."""

    @property
    def ready(self) -> bool:
        """Whether the service has said that input may come."""

    @property
    def done(self) -> bool:
        """Whether the service has said all."""

    def begin(self, trace_id: str | None) -> None:
        """Take the trace id of the handshake."""

    def receive(self, event: Event) -> Sequence[OutT_co]:
        """Take an event and return what it means to the caller; raise the error it reports."""

    def answers(self) -> list[Event]:
        """Give, once, what is to be sent in answer to what has been received."""

    def send(self, piece: InT_contra) -> list[Event]:
        """Give the events that carry a piece of input."""

    def end(self) -> list[Event]:
        """Give the events that say that no more input comes."""


def converse(
    settings: Settings, dialogue: Dialogue[InT, OutT], pieces: Iterable[InT], *, timeout: float | None = None
) -> Generator[OutT]:
    """Hold a dialogue synchronously: send the pieces, yield what comes back; dropping the generator closes the session.

    Args:
        settings: Where and with which key.
        dialogue: What to say.
        pieces: The input; empty pieces are passed over. All but the first are taken from it in a thread of their own. A
            generator is closed at the end.
        timeout: Seconds to wait for an event where the service is expected to speak; None for the default of audio.

    Raises:
        StreamInterruptedError: If the service or the network ended the session before its end.
        APITimeoutError: If the service fell silent.
    """
    seconds = settings.read_timeout("audio", timeout)
    with _released(_worth_sending(pieces)) as rest:
        first = next(rest, None)
        if first is None:
            return
        with Discretion(settings), open_websocket(settings, dialogue.path, dialogue.query) as socket:
            dialogue.begin(socket.trace_id)
            sender = _Sender(socket, dialogue, first, rest)
            try:
                while not dialogue.done:
                    if (event := sender.receive(seconds)) is ENOUGH:
                        break
                    outputs = _heard(dialogue, event, socket.trace_id)
                    for answer in dialogue.answers():
                        socket.send(answer)
                    if dialogue.ready:
                        sender.start()
                    yield from outputs
            finally:
                sender.stop()


async def converse_async(
    settings: Settings,
    dialogue: Dialogue[InT, OutT],
    pieces: Iterable[InT] | AsyncIterable[InT],
    *,
    timeout: float | None = None,
) -> AsyncGenerator[OutT]:
    """Hold a dialogue asynchronously; see `converse`. The pieces are taken in a task of their own."""
    seconds = settings.read_timeout("audio", timeout)
    async with aclosing(_worth_sending_async(pieces)) as rest:
        first = await anext(rest, None)
        if first is None:
            return
        with Discretion(settings):
            async with open_websocket_async(settings, dialogue.path, dialogue.query) as socket:
                dialogue.begin(socket.trace_id)
                sender = _AsyncSender(socket, dialogue, first, rest)
                try:
                    while not dialogue.done:
                        if (event := await sender.receive(seconds)) is ENOUGH:
                            break
                        outputs = _heard(dialogue, event, socket.trace_id)
                        for answer in dialogue.answers():
                            await socket.send(answer)
                        if dialogue.ready:
                            sender.start()
                        for output in outputs:
                            yield output
                finally:
                    await sender.stop()


def _heard(dialogue: Dialogue[Any, OutT], event: Event | None, trace_id: str | None) -> Sequence[OutT]:
    if event is None:
        raise StreamInterruptedError(
            "the service closed the session before it had said all: what came so far is not the whole; StepFun closes "
            "one that is idle for 60 s, and none lasts longer than its limit",
            trace_id=trace_id,
        )
    return dialogue.receive(event)


class _Sender:
    """Sends the input from a thread of its own, with the caller's context; its errors come out of `receive`."""

    def __init__(self, socket: WebSocket, dialogue: Dialogue[InT, Any], first: InT, rest: Generator[InT]) -> None:
        self._socket, self._dialogue, self._first, self._rest = socket, dialogue, first, rest
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._sending = threading.Lock()  # held while something is being sent, not while the source is waited for
        self._sent = 0

    def start(self) -> None:
        if self._thread is None:
            context = contextvars.copy_context()
            # A daemon: a source that never gives its next piece must not keep the interpreter from ending.
            self._thread = threading.Thread(target=context.run, args=(self._run,), name="stepfun-sender", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped = True  # a sender that waits for its source ends with the next piece
        if self._sending.acquire(timeout=_STUCK_SECONDS):
            self._sending.release()
        else:
            self._socket.abort()  # the service has stopped reading; closing in good order would wait for it

    def receive(self, seconds: float) -> Event | None:
        while (event := self._receive(seconds)) is NOT_YET:
            pass
        return event

    def _receive(self, seconds: float) -> Event | None:
        sent = self._sent
        try:
            event = self._hear(Waiting(self._dialogue, seconds))
        except APITimeoutError:
            is_stuck = self._sending.locked() and sent == self._sent
            if self._thread is not None and self._thread.is_alive() and not is_stuck:
                return NOT_YET  # there may be nothing to say to what has been sent so far
            raise
        except StreamInterruptedError:
            self._raise_own()
            raise
        if event is None:
            self._raise_own()
        return event

    def _hear(self, waiting: Waiting) -> Event | None:
        while (event := self._look(waiting)) is NOT_YET:
            pass
        return event

    def _look(self, waiting: Waiting) -> Event | None:
        try:
            event = self._socket.receive(waiting.seconds())
        except APITimeoutError as error:
            return waiting.unless_long(error)
        return waiting.closed() if event is None else event

    def _raise_own(self) -> None:
        if self._error is not None:
            raise self._error from None

    def _run(self) -> None:
        try:
            with _released(self._rest):
                is_open = self._send(self._dialogue.send(self._first))
                while is_open and (piece := next(self._rest, None)) is not None:
                    is_open = self._send(self._dialogue.send(piece))
                if is_open:
                    self._send(self._dialogue.end())
        except BaseException as error:  # noqa: BLE001 - raised again by the listener
            self._error = error
            self._socket.abort()

    def _send(self, events: list[Event]) -> bool:
        """Send events; False once nothing more is to be sent, which the listener knows or will hear by itself."""
        with self._sending:
            for event in events:
                if self._stopped:
                    return False
                try:
                    self._socket.send(event)
                except StreamInterruptedError:
                    return False
                self._sent += 1
        return True


class _AsyncSender:
    """Sends the input from a task of its own; its errors come out of `receive`."""

    def __init__(
        self, socket: AsyncWebSocket, dialogue: Dialogue[InT, Any], first: InT, rest: AsyncIterator[InT]
    ) -> None:
        self._socket, self._dialogue, self._first, self._rest = socket, dialogue, first, rest
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._stopped = False
        self._is_sending = False
        self._sent = 0

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="stepfun-sender")

    async def stop(self) -> None:
        self._stopped = True
        if self._task is None:
            return
        if self._is_sending:
            await asyncio.wait([self._task], timeout=_STUCK_SECONDS)
            if self._is_sending:
                self._socket.abort()  # see `_Sender.stop`
        self._task.cancel()
        await asyncio.wait([self._task])

    async def receive(self, seconds: float) -> Event | None:
        while (event := await self._receive(seconds)) is NOT_YET:
            pass
        return event

    async def _receive(self, seconds: float) -> Event | None:
        sent = self._sent
        try:
            event = await self._hear(Waiting(self._dialogue, seconds))
        except APITimeoutError:
            is_stuck = self._is_sending and sent == self._sent
            if self._task is not None and not self._task.done() and not is_stuck:
                return NOT_YET
            raise
        except StreamInterruptedError:
            self._raise_own()
            raise
        if event is None:
            self._raise_own()
        return event

    async def _hear(self, waiting: Waiting) -> Event | None:
        while (event := await self._look(waiting)) is NOT_YET:
            pass
        return event

    async def _look(self, waiting: Waiting) -> Event | None:
        try:
            event = await self._socket.receive(waiting.seconds())
        except APITimeoutError as error:
            return waiting.unless_long(error)
        return waiting.closed() if event is None else event

    def _raise_own(self) -> None:
        if self._error is not None:
            raise self._error from None

    async def _run(self) -> None:
        try:
            is_open = await self._send(self._dialogue.send(self._first))
            while is_open and (piece := await anext(self._rest, None)) is not None:
                is_open = await self._send(self._dialogue.send(piece))
            if is_open:
                await self._send(self._dialogue.end())
        except BaseException as error:
            if self._stopped:
                raise
            self._error = error
            self._socket.abort()

    async def _send(self, events: list[Event]) -> bool:
        self._is_sending = True
        try:
            for event in events:
                if self._stopped:
                    return False
                await self._socket.send(event)
                self._sent += 1
        except StreamInterruptedError:
            return False
        finally:
            self._is_sending = False
        return True


def _worth_sending(pieces: Iterable[InT]) -> Generator[InT]:
    with closing(pieces) if isinstance(pieces, Generator) else nullcontext():
        for piece in pieces:
            if _says_something(piece):
                yield piece


async def _worth_sending_async(pieces: Iterable[InT] | AsyncIterable[InT]) -> AsyncGenerator[InT]:
    if isinstance(pieces, AsyncIterable):
        async with aclosing(pieces) if isinstance(pieces, AsyncGenerator) else nullcontext():
            async for piece in pieces:
                if _says_something(piece):
                    yield piece
    else:
        for piece in _worth_sending(pieces):
            yield piece
            await asyncio.sleep(0)  # a list or a generator gives the listener no chance by itself


def _says_something(piece: object) -> bool:
    """Whether it is not empty. Its truth is not asked for: an array has none, and a 0 is a mistake to be told."""
    return len(piece) > 0 if isinstance(piece, Sized) else piece is not None


@contextmanager
def _released(source: Generator[InT]) -> Iterator[Generator[InT]]:
    """Close a source at the end; where the sender is in it just now, the sender does so when it comes back."""
    try:
        yield source
    finally:
        try:
            source.close()
        except ValueError:
            if getgeneratorstate(source) != GEN_RUNNING:
                raise
