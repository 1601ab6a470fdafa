"""A realtime conversation as it stands: fed events, asked what to send; it does no I/O (WIRE.md section 12).

It knows which answer is being given, so that sound of one that was broken off is not played; which calls of functions
wait for their results, so that these are sent in order; and what has been said, so that a new session can go on.

One answer is given at a time. The client asks for one (`_is_asked`), or the service gives one by itself when the user's
turn has ended (`_is_expected`); results of functions, and further wishes for an answer, wait until nobody speaks.
"""

from __future__ import annotations

import base64
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from stepfun_client.api.realtime_events import (
    AudioDelta,
    Cleared,
    Committed,
    FunctionCall,
    Interrupted,
    PartEvent,
    Problem,
    RealtimeEvent,
    ResponseCreated,
    ResponseDone,
    SpeechStarted,
    TextDelta,
    ThinkingDelta,
    ToolAnswered,
    Transcribed,
    TranscriptDelta,
    event_of,
)
from stepfun_client.api.realtime_params import SAMPLE_RATE, RealtimeSettings, ToolResult, Turn
from stepfun_client.errors import InvalidParameterError

Event = dict[str, Any]

_MOST_BYTES = 1 << 20  # of sound in one event; StepFun takes 15 MB
_BYTES_PER_SECOND = 2 * SAMPLE_RATE


@dataclass
class _Call:
    name: str
    result: ToolResult | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class Beginning:
    """What a session that has just been set up knows, and what it does not.

    Attributes:
        turns: How many turns it has been told.
        lost_audio_seconds: How much sound of the user nobody heard.
        lost_calls: The ids of the calls that nobody waits for any more.
    """

    turns: int
    lost_audio_seconds: float
    lost_calls: list[str]


class Conversation:
    """What the session knows.

    Attributes:
        trace_id: The connection's.
        outbox: What is to be sent, in order; whoever sends takes it out.
    """

    def __init__(self, settings: RealtimeSettings) -> None:
        self.trace_id: str | None = None
        self.outbox: deque[Event] = deque()
        self._settings = settings
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._numbers = count()
        self._own: list[RealtimeEvent] = []
        self._is_ready = False  # a session is set up
        self._active: str | None = None  # the answer that is being given
        self._over: deque[str] = deque(maxlen=16)  # answers of which nothing more is passed on
        self._is_asked = False  # an answer was asked for and has not begun
        self._is_expected = False  # the service is about to give one by itself
        self._wants_answer = False  # one is to be asked for when nobody speaks
        self._is_unwanted = False  # the answer that has not begun is to be broken off
        self._is_spoken_to = False  # the user is speaking
        self._calls: OrderedDict[str, _Call] = OrderedDict()
        self._names: dict[str, str] = {}
        self._to_run: list[FunctionCall] = []
        self._unheard = 0  # bytes of sound that no turn has been made of
        self._committed = 0  # how many of them belong to a turn that has ended
        for turn in settings.history:
            self._note(f"before-{next(self._numbers)}", turn.role, turn.text)

    # --- What the user does ---------------------------------------------------------------------------------------

    def audio(self, samples: Any) -> None:
        """Say something aloud, in pieces of any size.

        Raises:
            InvalidParameterError: If these are no bytes, or a WAV file, whose header would be heard as noise.
        """
        if not isinstance(samples, (bytes, bytearray, memoryview)) or samples[:4] == b"RIFF":
            raise InvalidParameterError(
                f"{samples!r:.20}... is no sound of a session: it must be bare samples, 16 bit, 24 kHz, mono; of a WAV "
                "file take what wave.open(path).readframes gives",
                param="samples",
            )
        self._unheard += len(samples)
        for at in range(0, len(samples), _MOST_BYTES):
            encoded = base64.b64encode(samples[at : at + _MOST_BYTES]).decode("ascii")
            self._say({"type": "input_audio_buffer.append", "audio": encoded})

    def commit(self) -> None:
        """End the user's turn."""
        self._say({"type": "input_audio_buffer.commit"})

    def clear(self) -> None:
        """Take back the sound of a turn that has not ended."""
        self._unheard = self._committed
        self._say({"type": "input_audio_buffer.clear"})

    def text(self, text: str) -> None:
        """Say something in writing, and ask for an answer.

        Raises:
            InvalidParameterError: If it is blank.
        """
        if not text.strip():
            raise InvalidParameterError("text is blank: there is nothing to say", param="text")
        self._note(f"text-{next(self._numbers)}", "user", text)
        self._say(_message("user", text))
        self.respond()

    def respond(self) -> None:
        """Ask for an answer: now, or when the one that is being given is over."""
        if not self._is_ready or self._active or self._is_asked:
            self._wants_answer = True
        else:
            self._is_asked, self._is_unwanted = True, False
            self._say({"type": "response.create"})

    def cancel(self) -> None:
        """Break the answer off, also one that has not begun; nothing of it is passed on from now on."""
        if self._active is None:
            self._is_unwanted = self._is_asked or self._is_expected
        elif self._interrupt():
            self._say({"type": "response.cancel"})

    def answer(self, call_id: str, result: str | ToolResult, error: BaseException | None = None) -> None:
        """Take a function's result, to be told once it is its turn.

        Raises:
            InvalidParameterError: If nothing waits for it.
        """
        call = self._calls.get(call_id)
        if call is None or call.result is not None:
            raise InvalidParameterError(
                f"no call {call_id!r} waits for a result: it was answered, was broken off, or belongs to a session "
                "that is over",
                param="call_id",
            )
        call.result, call.error = result if isinstance(result, ToolResult) else ToolResult(result), error
        self._go_on()

    def raw(self, event: Event) -> None:
        """Send an event as it is."""
        self._say(event)

    # --- What the service says ------------------------------------------------------------------------------------

    def receive(self, event: Event) -> list[RealtimeEvent]:
        """Take an event and return what the user is told."""
        typed = event_of(event, trace_id=self.trace_id)
        if isinstance(typed, (AudioDelta, TranscriptDelta, TextDelta, ThinkingDelta)) and self._is_late(typed):
            return []  # a piece or two come after the end (WIRE.md section 12)
        told = self._understood(typed)
        given, self._own = self._own, []
        return told + given

    @property
    def is_owed(self) -> bool:
        """Whether the service is to speak: it gives an answer, or was asked for one."""
        return self._active is not None or self._is_asked

    def to_run(self) -> list[FunctionCall]:
        """Give, once, the calls of functions that were given as callables."""
        given, self._to_run = self._to_run, []
        return given

    def turns(self) -> list[Turn]:
        """What has been said so far, in order."""
        return [Turn(turn.role, turn.text) for turn in self._turns.values() if turn.text]

    # --- When sessions begin and end ------------------------------------------------------------------------------

    def opening(self) -> Event:
        """Give the event that sets the session up."""
        return {"type": "session.update", "session": dict(self._settings.session)}

    def begin(self) -> Beginning:
        """Go on in a session that has been set up: tell it what has been said, and ask for what was not answered."""
        turns = self.turns()
        beginning = Beginning(len(turns), self._unheard / _BYTES_PER_SECOND, list(self._calls))
        self._calls.clear()
        self._unheard = self._committed = 0
        self._is_ready = True
        self._say(*(_message(turn.role, turn.text) for turn in turns))
        self._go_on()
        return beginning

    def leave(self) -> None:
        """Send nothing until another session begins: this one is lost."""
        was_heard = self._is_expected and not self._committed
        self._wants_answer = self._wants_answer or self._is_asked or was_heard or self._is_speechless()
        if self._active:
            self._over.append(self._active)
        self._active = None
        self._is_ready = self._is_asked = self._is_expected = self._is_unwanted = self._is_spoken_to = False
        self._names.clear()
        self._to_run.clear()
        self.outbox.clear()

    # --- Inside ---------------------------------------------------------------------------------------------------

    def _say(self, *events: Event) -> None:
        if self._is_ready:
            self.outbox.extend(events)

    def _note(self, key: str, role: Literal["user", "assistant"], text: str = "") -> None:
        turn = self._turns.setdefault(key, Turn(role))
        turn.text += text
        while len(self._turns) > self._settings.remembered:
            self._turns.popitem(last=False)

    def _is_late(self, event: RealtimeEvent) -> bool:
        response_id = event.response_id or self._active
        return response_id is None or response_id in self._over or (self._active or response_id) != response_id

    def _is_speechless(self) -> bool:
        """Whether the answer that is being given is wanted and has neither said nor called anything."""
        turn = self._turns.get(self._active or "")
        return turn is not None and not turn.text and not self._calls and self._active not in self._over

    def _understood(self, typed: RealtimeEvent) -> list[RealtimeEvent]:
        match typed:
            case SpeechStarted():
                self._is_spoken_to, self._is_expected, self._is_unwanted = True, False, False
                self._interrupt()
            case Committed() | Cleared():
                self._heard_out(typed)
            case Transcribed():
                self._understood_sound()
                self._note(typed.item_id or f"turn-{next(self._numbers)}", "user", typed.transcript)
            case ResponseCreated():
                self._begin(str(typed.response.get("id") or typed.response_id or "response"))
            case TranscriptDelta() | TextDelta():
                self._note(self._active or typed.response_id or "response", "assistant", typed.delta)
            case PartEvent():
                self._note_name(typed)
            case FunctionCall():
                return self._called(typed)
            case ResponseDone():
                return [*self._end(typed), typed]
            case Problem():
                self._refused()
        return [typed]

    def _heard_out(self, typed: Committed | Cleared) -> None:
        self._is_spoken_to = False
        if isinstance(typed, Committed):
            self._committed = self._unheard
            self._is_expected = self._settings.session.get("turn_detection") is not None
            if typed.item_id:
                self._note(typed.item_id, "user")  # its place; the words come later
        self._go_on()

    def _understood_sound(self) -> None:
        self._unheard -= self._committed
        self._committed = 0

    def _begin(self, response_id: str) -> None:
        if self._is_expected:
            self._is_expected = False
        else:
            self._is_asked = False
        self._understood_sound()
        self._active = response_id
        self._note(response_id, "assistant")
        if self._is_unwanted:
            self._is_unwanted = False
            self.cancel()

    def _interrupt(self) -> bool:
        """Break off the answer that is being given; return whether there was one that had not been yet."""
        if self._active is None or self._active in self._over:
            return False
        self._over.append(self._active)
        self._own.append(Interrupted(response_id=self._active))
        return True

    def _end(self, done: ResponseDone) -> list[RealtimeEvent]:
        response_id = str(done.response.get("id") or done.response_id or self._active or "")
        if self._active in (None, response_id):
            if done.status == "cancelled":
                self._interrupt()
            self._active, self._is_asked = None, False
            if (turn := self._turns.get(response_id)) is not None and not turn.text:
                del self._turns[response_id]
        if response_id and response_id not in self._over:
            self._over.append(response_id)
        calls = [call for item in _function_calls(done) for call in self._called_at_last(item)]
        self._names.clear()
        self._go_on()
        return calls

    def _refused(self) -> None:
        if self._is_asked:  # an answer, most likely: where the service had begun one by itself
            self._is_asked = self._is_unwanted = False
            self._wants_answer = self._wants_answer or self._is_expected or self._active is not None
        self._go_on()

    def _note_name(self, part: PartEvent) -> None:
        """Note the name of a call: the event that ends its arguments may not repeat it."""
        item = (part.model_extra or {}).get("item")
        if isinstance(item, dict) and item.get("type") == "function_call" and item.get("name"):
            self._names[str(item.get("call_id"))] = str(item["name"])

    def _called(self, call: FunctionCall) -> list[RealtimeEvent]:
        if call.call_id in self._calls or not call.call_id:
            return []
        call.name = call.name or self._names.get(call.call_id, "")
        self._calls[call.call_id] = _Call(call.name)
        if call.name in self._settings.callables:
            self._to_run.append(call)
        return [call]

    def _called_at_last(self, item: Event) -> list[RealtimeEvent]:
        """Take a call as the end of its answer tells it: one that no other event told, or one that was broken off."""
        if item.get("status") in (None, "completed"):
            told = {name: str(item.get(name) or "") for name in ("call_id", "name", "arguments")}
            return self._called(
                FunctionCall(type="response.function_call_arguments.done", item_id=item.get("id"), **told)
            )
        self._calls.pop(str(item.get("call_id")), None)
        return []

    def _go_on(self) -> None:
        """Tell the results whose turn has come, in the order of the calls, and ask for an answer; if nobody speaks."""
        is_busy = self._active is not None or self._is_asked or self._is_expected or self._is_spoken_to
        if is_busy or not self._is_ready:
            return
        while self._calls:
            call_id, call = next(iter(self._calls.items()))
            if (result := call.result) is None:
                break
            del self._calls[call_id]
            self._say(_item({"type": "function_call_output", "call_id": call_id, "output": result.output}))
            told = {"output": result.output, "value": result.value, "error": call.error}
            self._own.append(ToolAnswered(call_id=call_id, name=call.name, **told))
            self._wants_answer = self._wants_answer or not self._calls
        if self._wants_answer:
            self._wants_answer = False
            self.respond()


def _function_calls(done: ResponseDone) -> list[Event]:
    output = done.response.get("output")
    items = output if isinstance(output, list) else []
    return [item for item in items if isinstance(item, dict) and item.get("type") == "function_call"]


def _item(item: Event) -> Event:
    return {"type": "conversation.item.create", "item": item}


def _message(role: str, text: str) -> Event:
    kind = "input_text" if role == "user" else "text"
    return _item({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})
