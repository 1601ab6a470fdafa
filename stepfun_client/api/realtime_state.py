"""A realtime conversation as it stands: fed events, asked what to send; it does no I/O (WIRE.md section 12).

It knows which answer is being given, so that sound of one that was broken off is not played; which calls of functions
wait for their results, so that these are sent in order; and what has been said, so that a new session can go on.
"""

from __future__ import annotations

import base64
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stepfun_client.api.realtime_events import (
    AudioDelta,
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


class Conversation:
    """What the session knows. Methods that speak return the events to send."""

    def __init__(self, settings: RealtimeSettings) -> None:
        self.trace_id: str | None = None
        self._settings = settings
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._outgoing: list[Event] = []
        self._own: list[RealtimeEvent] = []
        self._active: str | None = None  # the answer that is being given
        self._silenced: deque[str] = deque(maxlen=16)  # answers that were broken off
        self._is_awaited = False  # an answer was asked for and has not begun
        self._wants_answer = False  # one is to be asked for when the present one is over
        self._calls: OrderedDict[str, _Call] = OrderedDict()
        self._names: dict[str, str] = {}
        self._to_run: list[FunctionCall] = []
        self._unheard = 0  # bytes of sound since the last turn's end
        for number, turn in enumerate(settings.history):
            self._note(f"before-{number}", turn.role, turn.text)

    # --- What the user does ---------------------------------------------------------------------------------------

    def opening(self) -> Event:
        """Give the event that sets the session up."""
        return {"type": "session.update", "session": dict(self._settings.session)}

    def audio(self, samples: bytes) -> list[Event]:
        """Give the events that carry sound."""
        self._unheard += len(samples)
        pieces = [samples[at : at + _MOST_BYTES] for at in range(0, len(samples), _MOST_BYTES)]
        return [
            {"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode("ascii")} for piece in pieces
        ]

    def commit(self) -> list[Event]:
        """Give the event that ends the user's turn."""
        return [{"type": "input_audio_buffer.commit"}]

    def clear(self) -> list[Event]:
        """Give the event that takes back the sound of a turn that has not ended."""
        self._unheard = 0
        return [{"type": "input_audio_buffer.clear"}]

    def text(self, text: str) -> list[Event]:
        """Give the events that say something in writing, and ask for an answer."""
        if not text.strip():
            raise InvalidParameterError("text is blank: there is nothing to say", param="text")
        self._note(f"text-{len(self._turns)}-{id(text)}", "user", text)
        return [_message("user", text), *self.respond()]

    def respond(self) -> list[Event]:
        """Give the event that asks for an answer: now, or when the one that is being given is over."""
        if self._active or self._is_awaited:
            self._wants_answer = True
            return []
        self._is_awaited = True
        return [{"type": "response.create"}]

    def cancel(self) -> list[Event]:
        """Give the event that breaks the answer off; nothing of it is passed on from now on."""
        if self._active is None:
            return []
        self._interrupt()
        return [{"type": "response.cancel"}]

    def answer(self, call_id: str, result: str | ToolResult, error: BaseException | None = None) -> list[Event]:
        """Take a function's result; give the events that tell it, once it is its turn.

        Raises:
            InvalidParameterError: If nothing waits for it.
        """
        call = self._calls.get(call_id)
        if call is None or call.result is not None:
            raise InvalidParameterError(
                f"no call {call_id!r} waits for a result: it was answered, or belongs to a session that is over",
                param="call_id",
            )
        call.result, call.error = result if isinstance(result, ToolResult) else ToolResult(result), error
        return self._released()

    # --- What the service says ------------------------------------------------------------------------------------

    def receive(self, event: Event) -> list[RealtimeEvent]:
        """Take an event and return what the user is told."""
        typed = event_of(event, trace_id=self.trace_id)
        if isinstance(typed, (AudioDelta, TranscriptDelta, TextDelta)) and self._is_late(typed):
            return []  # a piece or two come after the end (WIRE.md section 12)
        return self._understood(typed) + self.own()

    def own(self) -> list[RealtimeEvent]:
        """Give, once, the session's own events."""
        given, self._own = self._own, []
        return given

    def _understood(self, typed: RealtimeEvent) -> list[RealtimeEvent]:
        match typed:
            case SpeechStarted():
                self._interrupt()
            case Committed():
                self._unheard = 0
                self._note(typed.item_id or f"turn-{len(self._turns)}", "user")
            case Transcribed():
                self._note(typed.item_id or f"turn-{len(self._turns)}", "user", typed.transcript)
            case ResponseCreated():
                self._begin(str(typed.response.get("id") or typed.response_id or ""))
            case TranscriptDelta() | TextDelta():
                self._note(self._active or "", "assistant", typed.delta)
            case PartEvent():
                self._note_name(typed)
            case FunctionCall():
                return self._called(typed)
            case ResponseDone():
                self._end(typed)
            case Problem():
                self._is_awaited = False
        return [typed]

    def outgoing(self) -> list[Event]:
        """Give, once, what is to be sent in answer to what has been received."""
        given, self._outgoing = self._outgoing, []
        return given

    def to_run(self) -> list[FunctionCall]:
        """Give, once, the calls of functions that were given as callables."""
        given, self._to_run = self._to_run, []
        return given

    def told(self) -> list[Event]:
        """Give the events that tell a new session what has been said so far."""
        return [_message(turn.role, turn.text) for turn in self.turns()]

    def turns(self) -> list[Turn]:
        """What has been said so far, in order."""
        return [Turn(turn.role, turn.text) for turn in self._turns.values() if turn.text]

    # --- When a session takes another's place ---------------------------------------------------------------------

    def restart(self) -> tuple[float, list[str]]:
        """Forget what belonged to the old session.

        Returns:
            The seconds of sound that nobody heard, and the ids of the calls that nobody waits for any more.
        """
        lost = self._unheard / _BYTES_PER_SECOND
        calls = list(self._calls)
        if self._active:
            self._silenced.append(self._active)
        self._active, self._is_awaited, self._wants_answer, self._unheard = None, False, False, 0
        self._calls.clear()
        self._to_run.clear()
        self._outgoing.clear()
        return lost, calls

    # --- Inside ---------------------------------------------------------------------------------------------------

    def _note(self, key: str, role: Literal["user", "assistant"], text: str = "") -> None:
        turn = self._turns.setdefault(key, Turn(role))
        turn.text += text
        while len(self._turns) > self._settings.remembered:
            self._turns.popitem(last=False)

    def _is_late(self, event: RealtimeEvent) -> bool:
        if event.response_id is None:
            return self._active is None
        return event.response_id in self._silenced or (self._active is not None and event.response_id != self._active)

    def _begin(self, response_id: str) -> None:
        self._is_awaited = False
        self._active = response_id or "response"
        self._note(self._active, "assistant")

    def _interrupt(self) -> None:
        if self._active is not None and self._active not in self._silenced:
            self._silenced.append(self._active)
            self._own.append(Interrupted(response_id=self._active))

    def _end(self, done: ResponseDone) -> None:
        self._active = None
        for item in done.response.get("output") or ():
            if item.get("type") == "function_call":
                self._called(FunctionCall.model_validate({**item, "type": "function_call", "item_id": item.get("id")}))
        self._outgoing += self._released()
        if self._wants_answer and not self._calls:
            self._wants_answer = False
            self._outgoing += self.respond()

    def _note_name(self, part: PartEvent) -> None:
        """Note the name of a call: the event that ends its arguments may not repeat it."""
        item = (part.model_extra or {}).get("item") or {}
        if item.get("type") == "function_call" and item.get("name"):
            self._names[str(item.get("call_id"))] = str(item["name"])

    def _called(self, call: FunctionCall) -> list[RealtimeEvent]:
        if call.call_id in self._calls or not call.call_id:
            return []
        call.name = call.name or self._names.pop(call.call_id, "")
        self._names.pop(call.call_id, None)
        self._calls[call.call_id] = _Call(call.name)
        if call.name in self._settings.callables:
            self._to_run.append(call)
        return [call]

    def _released(self) -> list[Event]:
        """Give the results whose turn has come: in the order of the calls, and not inside an answer."""
        if self._active is not None:
            return []
        events: list[Event] = []
        while self._calls:
            call_id, call = next(iter(self._calls.items()))
            if (result := call.result) is None:
                return events
            del self._calls[call_id]
            events.append(_item({"type": "function_call_output", "call_id": call_id, "output": result.output}))
            told = {"output": result.output, "value": result.value, "error": call.error}
            self._own.append(ToolAnswered(call_id=call_id, name=call.name, **told))
            if not self._calls:
                events += self.respond()
        return events


def _item(item: Event) -> Event:
    return {"type": "conversation.item.create", "item": item}


def _message(role: str, text: str) -> Event:
    kind = "input_text" if role == "user" else "text"
    return _item({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})


def seconds_of(samples: Sequence[int] | bytes) -> float:
    """How long 16-bit samples of a session play."""
    return len(samples) / _BYTES_PER_SECOND
