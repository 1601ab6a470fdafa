"""The two realtime sessions: they carry out the steps of `realtime_loop`, and say what the user wants said."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from stepfun_client.api.realtime_base import SessionBase
from stepfun_client.api.realtime_calls import called, called_async
from stepfun_client.api.realtime_loop import Open, Ready, Receive, Run, Say, Tell, Wait, session_steps
from stepfun_client.core.call import encode_json
from stepfun_client.core.discretion import Discretion
from stepfun_client.core.websocket import AsyncWebSocket, WebSocket, open_websocket, open_websocket_async
from stepfun_client.errors import StepFunError

if TYPE_CHECKING:
    from stepfun_client.api.realtime_events import FunctionCall, RealtimeEvent
    from stepfun_client.api.realtime_params import RealtimeSettings
    from stepfun_client.api.realtime_state import Event
    from stepfun_client.core.settings import Settings

_PATH = "/realtime"
_FAREWELL_SECONDS = 1.0  # what is being called may take so long to see that nobody waits


class RealtimeSession(SessionBase):
    """A conversation in realtime; made by `client.realtime.connect`.

    Iterate it for events. It may be spoken to from another thread meanwhile, as a microphone's does.
    """

    def __init__(self, settings: Settings, realtime: RealtimeSettings) -> None:
        super().__init__(settings, realtime)
        self._lock = threading.RLock()  # of what the conversation knows; nobody waits for the network with it
        self._line = threading.Lock()  # of who sends: one event after the other
        self._is_helped = False
        self._is_over = threading.Event()
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
        encode_json(event)
        self._say(self._conversation.raw, event)

    def run(self) -> None:
        """Handle events until the session ends, for those who work with `on` alone."""
        for _ in self:
            pass

    def close(self) -> None:
        """End the session; from another thread too, where the iteration ends then."""
        self._is_open = False
        self._is_over.set()
        try:
            self._events.close()
        except ValueError:  # another thread is in it
            if self._socket is not None:
                self._socket.close()

    def __enter__(self) -> Self:
        self._use()
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

    def _carry_out(self) -> Generator[RealtimeEvent | None]:
        """Carry out the steps; None stands for the moment from which on sound may be sent."""
        steps = session_steps(self._realtime, self._conversation)
        with Discretion(self._settings), ExitStack() as stack:
            outcome: Any = None
            problem: StepFunError | None = None
            while not self._is_over.is_set():
                with self._lock:  # the steps do no I/O, so whoever speaks meanwhile waits but for a moment
                    step = steps.throw(problem) if problem else steps.send(outcome)
                outcome = problem = None
                self._send_beside()
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
                return self._socket and self._socket.receive(step.timeout)
            case Say():
                if self._socket is not None:
                    self._socket.send(step.event)
            case Run():
                self._start(self._call, step.call)
            case Wait():
                self._is_over.wait(step.seconds)
        return None

    def _start(self, function: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=contextvars.copy_context().run, args=(function, *args), daemon=True).start()

    def _call(self, call: FunctionCall) -> None:
        output, error = called(self._realtime.callables[call.name], call)
        with suppress(StepFunError):  # the session is lost: whoever iterates is told
            self._say(self._conversation.answer, call.call_id, output, error)

    def _say(self, speak: Callable[..., None], *args: Any) -> None:
        self._check_open()
        with self._lock:
            speak(*args)
        with self._excused():
            self._send()

    def _send(self) -> None:
        """Send what is to be sent, in order."""
        outbox = self._conversation.outbox
        with self._line:
            while True:
                with self._lock:  # an event goes to the session that it was meant for, or nowhere
                    event, socket = outbox.popleft() if outbox else None, self._socket
                if event is None or socket is None:
                    return
                socket.send(event)

    def _send_beside(self) -> None:
        """Have a thread send, where there is something: whoever receives must not wait for who sends."""
        with self._lock:
            if not self._conversation.outbox or self._is_helped:
                return
            self._is_helped = True
        self._start(self._help)

    def _help(self) -> None:
        is_left = True
        while is_left:
            with suppress(StepFunError):  # whoever receives is told
                self._send()
            with self._lock:
                is_left = self._is_helped = bool(self._conversation.outbox) and self._is_open


class AsyncRealtimeSession(SessionBase):
    """A conversation in realtime, asynchronously; made by `client.realtime.connect`. Iterate it with `async for`.

    It may be spoken to from another task meanwhile, as a microphone's does.
    """

    def __init__(self, settings: Settings, realtime: RealtimeSettings) -> None:
        super().__init__(settings, realtime)
        self._socket: AsyncWebSocket | None = None
        self._line = asyncio.Lock()  # of who sends: one event after the other
        self._is_over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._helper: asyncio.Task[None] | None = None
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
        encode_json(event)
        await self._say(self._conversation.raw, event)

    async def run(self) -> None:
        """Handle events until the session ends, for those who work with `on` alone."""
        async for _ in self:
            pass

    async def close(self) -> None:
        """End the session; functions that are still being called are cancelled.

        Another task may do so too, and a function that is being called; the iteration ends then.
        """
        self._is_open = False
        self._is_over.set()
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        try:
            await self._events.aclose()
        except RuntimeError:  # another task is in it
            if self._socket is not None:
                await self._socket.close()
        if tasks:
            await asyncio.wait(tasks, timeout=_FAREWELL_SECONDS)

    async def __aenter__(self) -> Self:
        self._use()
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

    async def _carry_out(self) -> AsyncGenerator[RealtimeEvent | None]:
        """Carry out the steps; see the synchronous twin."""
        steps = session_steps(self._realtime, self._conversation)
        with Discretion(self._settings):
            async with AsyncExitStack() as stack:
                outcome: Any = None
                problem: StepFunError | None = None
                while not self._is_over.is_set():
                    step = steps.throw(problem) if problem else steps.send(outcome)
                    outcome = problem = None
                    self._send_beside()
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
                return self._socket and await self._socket.receive(step.timeout)
            case Say():
                if self._socket is not None:
                    await self._socket.send(step.event)
            case Run():
                self._start(self._call(step.call))
            case Wait():
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._is_over.wait(), step.seconds)
        return None

    def _start(self, working: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(working)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _call(self, call: FunctionCall) -> None:
        output, error = await called_async(self._realtime.callables[call.name], call)
        with suppress(StepFunError):  # the session is lost: whoever iterates is told
            await self._say(self._conversation.answer, call.call_id, output, error)

    async def _say(self, speak: Callable[..., None], *args: Any) -> None:
        self._check_open()
        speak(*args)
        with self._excused():
            await self._send()

    async def _send(self) -> None:
        """Send what is to be sent, in order."""
        async with self._line:
            while self._conversation.outbox and self._socket is not None:
                await self._socket.send(self._conversation.outbox.popleft())
                await asyncio.sleep(0)  # the socket may take all at once: who speaks without end must let others run

    def _send_beside(self) -> None:
        """Have a task send, where there is something: whoever receives must not wait for who sends."""
        if self._conversation.outbox and (self._helper is None or self._helper.done()):
            self._helper = self._start(self._help())

    async def _help(self) -> None:
        with suppress(StepFunError):  # whoever receives is told
            await self._send()
