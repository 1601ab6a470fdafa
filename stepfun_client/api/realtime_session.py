"""The two realtime sessions: they carry out the steps of `realtime_loop`, and say what the user wants said."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import Self

from stepfun_client.api.realtime_loop import Open, Ready, Receive, Run, Say, Tell, Wait, session_steps
from stepfun_client.api.realtime_params import ToolResult, Turn
from stepfun_client.api.realtime_state import Conversation, Event
from stepfun_client.core.discretion import Discretion
from stepfun_client.core.websocket import AsyncWebSocket, WebSocket, open_websocket, open_websocket_async
from stepfun_client.errors import InvalidParameterError, StepFunError, StreamInterruptedError

if TYPE_CHECKING:
    from stepfun_client.api.realtime_events import FunctionCall, RealtimeEvent
    from stepfun_client.api.realtime_params import RealtimeSettings
    from stepfun_client.core.settings import Settings

Handler: TypeAlias = "Callable[[Any], Any]"

_PATH = "/realtime"


class _Session:
    """What both sessions share: what is to be said, the conversation, and who wants to know of what."""

    def __init__(self, settings: Settings, realtime: RealtimeSettings) -> None:
        self._settings = settings
        self._realtime = realtime
        self._conversation = Conversation(realtime)
        self._handlers: list[tuple[type[RealtimeEvent] | str, Handler]] = []
        self._early: deque[RealtimeEvent] = deque()  # what came while the session was set up
        self._is_open = False

    @property
    def trace_id(self) -> str | None:
        """The trace id of the connection; quote it to StepFun's support."""
        return self._conversation.trace_id

    @property
    def history(self) -> list[Turn]:
        """What has been said so far, in order."""
        return self._conversation.turns()

    def on(self, what: type[RealtimeEvent] | str, handler: Handler) -> Handler:
        """Have a handler called with each event of a class, or of a name; it is called as the events are iterated.

        Args:
            what: A class of `stepfun_client.api.realtime_events`, or the service's name, e.g. `"response.done"`.
            handler: Called with the event; in an asynchronous session it may be asynchronous.

        Returns:
            The handler.
        """
        self._handlers.append((what, handler))
        return handler

    def _handlers_of(self, event: RealtimeEvent) -> list[Handler]:
        return [
            handler
            for what, handler in self._handlers
            if (event.type == what if isinstance(what, str) else isinstance(event, what))
        ]

    def _query(self) -> dict[str, str]:
        return {"model": self._realtime.model}

    @contextmanager
    def _excused(self) -> Iterator[None]:
        """Let what cannot be sent be lost where another session will take this one's place; that one says what was."""
        try:
            yield
        except StreamInterruptedError:
            if not self._realtime.reconnect:
                raise

    def _check_open(self) -> None:
        if not self._is_open:
            raise InvalidParameterError("the session is not open; use it inside its `with` block")


class RealtimeSession(_Session):
    """A conversation in realtime; made by `client.realtime.connect`.

    Iterate it for events. It may be spoken to from another thread meanwhile, as a microphone's does.
    """

    def __init__(self, settings: Settings, realtime: RealtimeSettings) -> None:
        super().__init__(settings, realtime)
        self._lock = threading.RLock()
        self._socket: WebSocket | None = None
        self._events = self._carry_out()

    def send_audio(self, samples: bytes) -> None:
        """Send what the user says: 16 bit, 24 kHz, mono, in pieces of any size. Waits while the line is busy."""
        self._say(self._conversation.audio, samples)

    def send_text(self, text: str) -> None:
        """Say something in writing, and ask for an answer."""
        self._say(self._conversation.text, text)

    def commit(self) -> None:
        """End the user's turn, where the service does not look for its end by itself."""
        self._say(self._conversation.commit)

    def clear(self) -> None:
        """Take back the sound of the turn that has not ended."""
        self._say(self._conversation.clear)

    def respond(self) -> None:
        """Ask for an answer: now, or when the one that is being given is over."""
        self._say(self._conversation.respond)

    def cancel(self) -> None:
        """Break the answer off; no sound of it comes after this."""
        self._say(self._conversation.cancel)

    def send_tool_result(self, call_id: str, output: str) -> None:
        """Tell a function's result, where the session does not call it by itself; an answer follows."""
        self._say(self._conversation.answer, call_id, output)

    def send(self, event: Event) -> None:
        """Send any event as it is, such as `conversation.item.delete`."""
        self._check_open()
        self._send([event])

    def run(self) -> None:
        """Handle events until the session ends, for those who work with `on` alone."""
        for _ in self:
            pass

    def close(self) -> None:
        """End the session."""
        self._is_open = False
        self._events.close()

    def __enter__(self) -> Self:
        for event in self._events:
            if event is None:
                self._is_open = True
                break
            self._early.append(event)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[RealtimeEvent]:
        self._check_open()
        return self

    def __next__(self) -> RealtimeEvent:
        event = self._early.popleft() if self._early else next(self._events)
        if event is None:
            raise StopIteration
        for handler in self._handlers_of(event):
            handler(event)
        return event

    @property
    def _connection(self) -> WebSocket:
        if self._socket is None:
            raise StreamInterruptedError("the session was never opened", trace_id=self.trace_id)
        return self._socket

    def _carry_out(self) -> Generator[RealtimeEvent | None]:
        """Carry out the steps; None stands for the moment from which on sound may be sent."""
        steps = session_steps(self._realtime, self._conversation)
        with Discretion(self._settings), ExitStack() as stack:
            outcome: Any = None
            problem: StepFunError | None = None
            while True:
                with self._lock:  # the steps do no I/O, so whoever speaks meanwhile waits but for a moment
                    step = steps.throw(problem) if problem else steps.send(outcome)
                outcome = problem = None
                if isinstance(step, Tell):
                    yield step.event
                elif isinstance(step, Ready):
                    yield None
                else:
                    try:
                        outcome = self._perform(step, stack)
                    except StepFunError as error:
                        problem = error

    def _perform(self, step: Any, stack: ExitStack) -> Any:
        match step:
            case Open():
                stack.close()
                self._socket = stack.enter_context(open_websocket(self._settings, _PATH, self._query()))
                return self._socket.trace_id
            case Receive():
                return self._connection.receive(step.timeout)
            case Say():
                self._send(step.events)
            case Run():
                context = contextvars.copy_context()
                threading.Thread(target=context.run, args=(self._call, step.call), daemon=True).start()
            case Wait():
                time.sleep(step.seconds)
        return None

    def _call(self, call: FunctionCall) -> None:
        function = self._realtime.callables[call.name]
        try:
            output, error = _written(function(**_arguments(call))), None
        except Exception as raised:  # noqa: BLE001 - the model is told of it
            output, error = _failed(raised), raised
        if self._is_open:
            self._say(self._conversation.answer, call.call_id, output, error)

    def _say(self, speak: Callable[..., list[Event]], *args: Any) -> None:
        self._check_open()
        with self._lock:
            events = speak(*args)
        self._send(events)

    def _send(self, events: list[Event]) -> None:
        with self._excused():
            for event in events:
                self._connection.send(event)


class AsyncRealtimeSession(_Session):
    """A conversation in realtime, asynchronously; made by `client.realtime.connect`. Iterate it with `async for`.

    It may be spoken to from another task meanwhile, as a microphone's does.
    """

    def __init__(self, settings: Settings, realtime: RealtimeSettings) -> None:
        super().__init__(settings, realtime)
        self._socket: AsyncWebSocket | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._events = self._carry_out()

    async def send_audio(self, samples: bytes) -> None:
        """Send what the user says; see `RealtimeSession.send_audio`."""
        await self._say(self._conversation.audio, samples)

    async def send_text(self, text: str) -> None:
        """Say something in writing, and ask for an answer."""
        await self._say(self._conversation.text, text)

    async def commit(self) -> None:
        """End the user's turn, where the service does not look for its end by itself."""
        await self._say(self._conversation.commit)

    async def clear(self) -> None:
        """Take back the sound of the turn that has not ended."""
        await self._say(self._conversation.clear)

    async def respond(self) -> None:
        """Ask for an answer: now, or when the one that is being given is over."""
        await self._say(self._conversation.respond)

    async def cancel(self) -> None:
        """Break the answer off; no sound of it comes after this."""
        await self._say(self._conversation.cancel)

    async def send_tool_result(self, call_id: str, output: str) -> None:
        """Tell a function's result, where the session does not call it by itself; an answer follows."""
        await self._say(self._conversation.answer, call_id, output)

    async def send(self, event: Event) -> None:
        """Send any event as it is, such as `conversation.item.delete`."""
        self._check_open()
        await self._send([event])

    async def run(self) -> None:
        """Handle events until the session ends, for those who work with `on` alone."""
        async for _ in self:
            pass

    async def close(self) -> None:
        """End the session; functions that are still being called are cancelled."""
        self._is_open = False
        for call in self._calls:
            call.cancel()
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        async for event in self._events:
            if event is None:
                self._is_open = True
                break
            self._early.append(event)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[RealtimeEvent]:
        self._check_open()
        return self

    async def __anext__(self) -> RealtimeEvent:
        event = self._early.popleft() if self._early else await anext(self._events)
        if event is None:
            raise StopAsyncIteration
        for handler in self._handlers_of(event):
            if inspect.isawaitable(answer := handler(event)):
                await answer
        return event

    @property
    def _connection(self) -> AsyncWebSocket:
        if self._socket is None:
            raise StreamInterruptedError("the session was never opened", trace_id=self.trace_id)
        return self._socket

    async def _carry_out(self) -> AsyncGenerator[RealtimeEvent | None]:
        """Carry out the steps; see the synchronous twin."""
        steps = session_steps(self._realtime, self._conversation)
        with Discretion(self._settings):
            async with AsyncExitStack() as stack:
                outcome: Any = None
                problem: StepFunError | None = None
                while True:
                    step = steps.throw(problem) if problem else steps.send(outcome)
                    outcome = problem = None
                    if isinstance(step, Tell):
                        yield step.event
                    elif isinstance(step, Ready):
                        yield None
                    else:
                        try:
                            outcome = await self._perform(step, stack)
                        except StepFunError as error:
                            problem = error

    async def _perform(self, step: Any, stack: AsyncExitStack) -> Any:
        match step:
            case Open():
                await stack.aclose()
                opening = open_websocket_async(self._settings, _PATH, self._query())
                self._socket = await stack.enter_async_context(opening)
                return self._socket.trace_id
            case Receive():
                return await self._connection.receive(step.timeout)
            case Say():
                await self._send(step.events)
            case Run():
                task = asyncio.create_task(self._call(step.call))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)
            case Wait():
                await asyncio.sleep(step.seconds)
        return None

    async def _call(self, call: FunctionCall) -> None:
        function = self._realtime.callables[call.name]
        try:
            arguments = _arguments(call)
            result = function(**arguments)
            if inspect.isawaitable(result):
                result = await result
            output, error = _written(result), None
        except Exception as raised:  # noqa: BLE001 - the model is told of it
            output, error = _failed(raised), raised
        if self._is_open:
            await self._say(self._conversation.answer, call.call_id, output, error)

    async def _say(self, speak: Callable[..., list[Event]], *args: Any) -> None:
        self._check_open()
        await self._send(speak(*args))

    async def _send(self, events: list[Event]) -> None:
        with self._excused():
            for event in events:
                await self._connection.send(event)


def _arguments(call: FunctionCall) -> dict[str, Any]:
    arguments = json.loads(call.arguments or "{}", strict=False)
    if not isinstance(arguments, dict):
        raise TypeError(f"the arguments of {call.name} are no object: {call.arguments[:200]}")
    return arguments


def _written(result: Any) -> str | ToolResult:
    if isinstance(result, (str, ToolResult)):
        return result
    return json.dumps(result, ensure_ascii=False, default=str)


def _failed(error: Exception) -> str:
    return json.dumps({"error": f"{type(error).__name__}: {error}"}, ensure_ascii=False)
