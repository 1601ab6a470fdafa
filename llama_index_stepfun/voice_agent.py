"""`StepFunVoiceAgent`: an agent that is talked with, in realtime (WIRE.md section 12)."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.voice_agents import BaseVoiceAgent, BaseVoiceAgentEvent, BaseVoiceAgentInterface
from typing_extensions import Self

from llama_index_stepfun.connection import Connected
from llama_index_stepfun.voice_course import Course, beside
from llama_index_stepfun.voice_events import recorded
from llama_index_stepfun.voice_interface import Sound, samples_of
from llama_index_stepfun.voice_socket import StepFunVoiceWebsocket
from llama_index_stepfun.voice_tools import VoiceTool, VoiceTools
from llama_index_stepfun.voice_turns import Floor, Transcript, told_before
from stepfun_client.api.realtime_events import AudioDelta, Committed, Interrupted, Problem, SpeechStarted, event_of
from stepfun_client.api.realtime_params import realtime_settings
from stepfun_client.errors import InvalidParameterError, StreamInterruptedError

if TYPE_CHECKING:
    from stepfun_client.api.realtime_events import RealtimeEvent
    from stepfun_client.api.realtime_session import AsyncRealtimeSession

DEFAULT_MODEL = "stepaudio-2.5-realtime"

Messages = list[ChatMessage]
Events = list[BaseVoiceAgentEvent]


class StepFunVoiceAgent(BaseVoiceAgent):
    """An agent that listens, speaks and calls LlamaIndex's tools, while it is being spoken to.

    Use it in `async with`, or `start` and `stop` it. What the user says comes from the interface or by `send`; what it
    says itself is played by the interface. Tools run beside the conversation, and their answers are spoken. When the
    user speaks, or `interrupt` is called, the answer is broken off, and what is still to be played is thrown away.
    Stopped and started again, it goes on with the conversation.

    Args:
        model: A realtime model's id.
        voice: An official voice's name, or a cloned voice's id.
        instructions: What the model is and how it speaks.
        tools: LlamaIndex's tools, functions, and wire objects of the tools StepFun runs by itself.
        turn_detection: `"server_vad"`, its settings, or `"manual"`: then `end_turn` ends the user's turn.
        modalities: `["text", "audio"]`, or `["text"]` for written answers.
        interface: What hears the user and plays the answers, e.g. `MemoryInterface` or `DeviceInterface`. Without one,
            `send` says something, and handlers (`on`) get the sound.
        chat_history: What was said before, e.g. to a chat model: the words of the user and of the assistant.
        reconnect: Whether a lost session, or one whose 30 minutes are over, is replaced by one that goes on with it.
        keep_events: How many events are kept for `export_events`; the oldest go first.
        extra_session: Anything else, laid over the session's settings unchecked.
        **connection: `StepFun`'s: api_key, region, plan, base_url, timeout, max_retries, default_headers.

    Raises:
        InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.

    Example:
        >>> def multiply(a: int, b: int) -> int:
        ...     '''Multiply two numbers.'''
        ...     return a * b
        >>> async def talk():
        ...     agent = StepFunVoiceAgent(voice="linjiajiejie", tools=[multiply])
        ...     async with agent:
        ...         await agent.send_text("Multiply 6 and 7")
        ...         await agent.answered()
        ...     return [message.role.value for message in agent.export_messages()]
        >>> asyncio.run(talk())
        ['user', 'assistant', 'tool', 'assistant']
    """

    def __init__(
        self,
        *,
        model: str = DEFAULT_MODEL,
        voice: str | None = None,
        instructions: str | None = None,
        tools: Sequence[VoiceTool] = (),
        turn_detection: Literal["server_vad", "manual"] | Mapping[str, Any] = "server_vad",
        modalities: Sequence[Literal["text", "audio"]] | None = None,
        interface: BaseVoiceAgentInterface | None = None,
        chat_history: Sequence[ChatMessage] = (),
        reconnect: bool = False,
        keep_events: int = 1000,
        extra_session: Mapping[str, Any] | None = None,
        **connection: Any,
    ) -> None:
        self._connection = Connected(**connection)
        self._tools = VoiceTools(tools)
        address = re.sub("^http", "ws", self._connection.async_client.settings.address) + "/realtime"
        super().__init__(interface=interface, ws_url=address, tools=[*self._tools.own])  # no key: it would be shown
        self.model = model
        self._setup: dict[str, Any] = {
            "voice": voice,
            "instructions": instructions,
            "turn_detection": turn_detection,
            "modalities": modalities,
            "tools": self._tools.wire or None,
            "extra_session": extra_session,
        }
        self._reconnect = reconnect
        self._keep_events = keep_events
        realtime_settings(model, self._setup, self._tools.callables())  # refused here, not at the start
        told_before(chat_history)
        self._messages.extend(message.model_copy(deep=True) for message in chat_history)
        self._handlers: list[tuple[type[RealtimeEvent] | str, Callable[[Any], Any]]] = []
        self._course: Course | None = None
        self._begin()

    def __repr__(self) -> str:
        voice, tools = self._setup["voice"], self._tools.names
        return f"{type(self).__name__}(model={self.model!r}, voice={voice!r}, tools={tools}, running={self.is_running})"

    def __getstate__(self) -> dict[str, Any]:
        """Leave the key and the open conversation out of pickles and copies; what was said is in them."""
        parts = ("ws", "_course", "_quiet", "_floor", "_transcript")
        return {name: value for name, value in vars(self).items() if name not in parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, ws=None, _course=None)
        self._begin()

    @property
    def is_running(self) -> bool:
        """Whether the conversation is open."""
        return self._course is not None and not self._course.is_over

    # --- From start to stop ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the session and the interface.

        Raises:
            InvalidParameterError: If it was started, and not stopped since.
            APIStatusError: If the service refuses.
            APIConnectionError: If it cannot be reached.
        """
        if self._course is not None:
            raise InvalidParameterError("the agent was started before: `await agent.stop()` it first")
        self._begin()
        self.ws = socket = StepFunVoiceWebsocket(self.ws_url or "", self._session)
        ready = asyncio.Event()
        self._course = course = Course(self._converse(socket, ready))
        try:
            await course.until(ready)
        except asyncio.CancelledError:
            await self.stop()
            raise
        if course.is_over:
            await self.stop()  # which raises what went wrong

    async def stop(self) -> None:
        """End the conversation; functions that are still being called are cancelled. Nothing happens the second time.

        Raises:
            StreamInterruptedError: If the session was lost before, and nothing else has said so.
            Exception: Likewise, what a handler or the interface raised.
        """
        course, self._course = self._course, None
        if course is not None:
            await course.end()

    async def wait(self) -> None:
        """Wait until the conversation ends, for those who work with the interface and with handlers alone.

        Raises:
            StreamInterruptedError: If the session was lost.
            Exception: What a handler or the interface raised.
        """
        await self._running().wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- What the user says ---------------------------------------------------------------------------------------

    async def send(self, audio: Sound) -> None:
        """Say something, where no interface hears it. Waits while the line is busy.

        Args:
            audio: 24 kHz, mono, 16 bit: bare samples, a WAV file's content or path, or an `Audio`. The service knows a
                turn by the silence after it; send that too, or call `end_turn` where turns are ended by hand.

        Raises:
            InvalidParameterError: If it is another kind of sound, or the agent was not started.
        """
        samples = samples_of(audio)
        await self._open_session().send_audio(samples)

    async def send_text(self, text: str) -> None:
        """Say something in writing, and ask for an answer.

        Raises:
            InvalidParameterError: If it is blank, or the agent was not started.
        """
        session = self._open_session()
        if not text.strip():
            raise InvalidParameterError("text is blank: there is nothing to say", param="text")
        self._transcript.say(text)
        self._messages[:] = self._transcript.messages()
        self._ask()
        await session.send_text(text)

    async def end_turn(self) -> None:
        """End the user's turn and ask for an answer, with `turn_detection="manual"`."""
        session = self._open_session()
        self._ask()
        self._ends_turn = True  # an answer is asked for when the service has taken the turn
        await session.commit()

    async def interrupt(self) -> None:
        """Break the answer off, and throw away what is still to be played."""
        session = self._open_session()
        self._hush()
        await session.cancel()

    async def answered(self) -> ChatMessage:
        """Wait until the agent has answered all that was said, its tools' work included.

        Each answer is waited for once: one that has been given and not been waited for is returned at once. The wait
        may be long, as when nobody speaks: put it in `asyncio.wait_for(...)`.

        Returns:
            The last answer; one that was broken off ends there.

        Raises:
            APIStatusError: If the service refused to answer.
            StreamInterruptedError: If the session was lost, or ended by `stop`.
        """
        course = self._running()
        while not self._quiet.is_set():
            if course.is_over:
                course.check()
                raise StreamInterruptedError("the conversation was ended before an answer was given")
            await course.until(self._quiet)
        self._quiet.clear()
        problem, self._floor.problem = self._floor.problem, None
        if problem is not None:
            raise problem
        return self._transcript.answer.model_copy(deep=True)

    # --- What happens ---------------------------------------------------------------------------------------------

    def on(self, what: type[RealtimeEvent] | str, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Have a handler called with each event of a class, or of a name.

        Args:
            what: A class of `stepfun_client.api.realtime_events`, or the service's name, e.g. `"response.done"`.
            handler: Called with the event; it may be asynchronous. What it raises ends the conversation, and is raised
                by `wait` or `stop`.

        Returns:
            The handler.
        """
        self._handlers.append((what, handler))
        return handler

    async def handle_message(self, message: RealtimeEvent | Mapping[str, Any]) -> None:
        """Take an event of the session: note it, play it, hand it to the handlers.

        Args:
            message: The event, typed or as it came from the service.
        """
        event = event_of(message, trace_id=None) if isinstance(message, Mapping) else message
        if isinstance(event, Problem):
            event.error.redact(self._connection.async_client.settings.redact)
        self._events.append(recorded(event))
        del self._events[: max(0, len(self._events) - self._keep_events)]
        if isinstance(event, (SpeechStarted, Interrupted)):
            self._hush()
        elif isinstance(event, AudioDelta) and self.interface is not None:
            await _settled(self.interface.receive(event.audio))
        await self._note(event)
        for what, handler in self._handlers:
            if event.type == what if isinstance(what, str) else isinstance(event, what):
                await _settled(handler(event))

    def export_messages(
        self,
        limit: int | None = None,
        filter: Callable[[Messages], Messages] | None = None,  # noqa: A002 - core's name
    ) -> Messages:
        """Give what has been said, a message a turn, in order: a `chat_history` for any LLM.

        A function that was called is in its answer's message as a block, followed by a tool message of what it gave. An
        answer that was broken off ends there, and says so: `additional_kwargs["interrupted"]`.

        Args:
            limit: The first so many only.
            filter: Chooses among them.
        """
        copied = [message.model_copy(deep=True) for message in super().export_messages(limit)]
        return filter(copied) if filter else copied

    def export_events(
        self,
        limit: int | None = None,
        filter: Callable[[Events], Events] | None = None,  # noqa: A002 - core's name
    ) -> Events:
        """Give what has happened, the last `keep_events` of it, as `StepFunVoiceAgentEvent`s.

        Args:
            limit: The first so many only.
            filter: Chooses among them.
        """
        return list(super().export_events(limit, filter))

    # --- Inside ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._transcript = Transcript(self._messages)
        self._floor = Floor(self._transcript)
        self._ends_turn = False
        self._quiet = asyncio.Event()  # an answer has been given, and nobody has waited for it yet

    def _session(self) -> AsyncRealtimeSession:
        """Make a session that is told what has been said so far."""
        history = told_before(self._messages)
        conduct: dict[str, Any] = {"reconnect": self._reconnect, "history": history, **self._setup}
        callables = self._tools.callables()
        return self._connection.async_client.realtime.connect(model=self.model, callables=callables, **conduct)

    def _running(self) -> Course:
        if self._course is None:
            raise InvalidParameterError(
                "the agent was not started: `await agent.start()`, or talk inside `async with agent:`"
            )
        return self._course

    def _open_session(self) -> AsyncRealtimeSession:
        self._running().check()
        return cast("StepFunVoiceWebsocket", self.ws).session

    async def _converse(self, socket: StepFunVoiceWebsocket, ready: asyncio.Event) -> None:
        """Hold the conversation: all that belongs to it begins and ends here."""
        try:
            await socket.aconnect()
            if self.interface is not None:
                await _settled(self.interface.start())
            async with beside(self._listen(socket)):
                ready.set()
                async for event in socket.session:
                    await self.handle_message(event)
        finally:
            await socket.close()
            if self.interface is not None:
                await _settled(self.interface.stop())

    async def _listen(self, socket: StepFunVoiceWebsocket) -> None:
        """Send what the interface hears, where it gives that as it comes."""
        heard: Any = self.interface.output() if self.interface is not None else None
        if hasattr(heard, "__aiter__"):
            async for samples in heard:
                await socket.send(samples)

    async def _note(self, event: RealtimeEvent) -> None:
        was_busy = self._floor.is_busy
        calls = self._transcript.note(event)
        if not isinstance(event, AudioDelta):
            self._messages[:] = self._transcript.messages()
        self._floor.note(event)
        for call in calls:
            if call.name not in self._tools.names:
                await self._open_session().send_tool_result(call.call_id, self._tools.unknown(call.name))
        if self._ends_turn and isinstance(event, (Committed, Problem)):
            self._ends_turn = False
            if isinstance(event, Committed):
                await self._open_session().respond()
        if self._floor.is_busy:
            self._quiet.clear()
        elif was_busy:
            self._quiet.set()

    def _ask(self) -> None:
        self._floor.ask()
        self._quiet.clear()

    def _hush(self) -> None:
        if self.interface is not None:
            self.interface.interrupt()


async def _settled(result: Any) -> None:
    """Wait for what an interface or a handler has begun, where it is asynchronous."""
    if inspect.isawaitable(result):
        await result
