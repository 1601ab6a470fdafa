"""What is said in a voice agent's conversation, a message a turn, and who is to speak: fed events, without I/O."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ThinkingBlock, ToolCallBlock

from stepfun_client.api.realtime_events import (
    Committed,
    FunctionCall,
    Interrupted,
    Problem,
    RealtimeEvent,
    Reconnected,
    ResponseCreated,
    ResponseDone,
    SpeechStarted,
    TextDelta,
    ThinkingDelta,
    ToolAnswered,
    Transcribed,
    TranscriptDelta,
)
from stepfun_client.api.realtime_params import Turn
from stepfun_client.errors import InvalidParameterError, StepFunError, StreamInterruptedError, stream_error

_SAID_BY: dict[MessageRole, Literal["user", "assistant"]] = {
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
}
_TOOLS = (MessageRole.TOOL, MessageRole.FUNCTION)
_SILENT = (ThinkingBlock, ToolCallBlock)


class Transcript:
    """The conversation as messages, in the order of its turns, whatever order they are written down in.

    A call of a function is in it once it has been answered, its result right behind it: chat models take no other.

    Args:
        before: What was said before.

    Attributes:
        calls: The calls that have not been answered, by id.
    """

    def __init__(self, before: Iterable[ChatMessage] = ()) -> None:
        self.calls: dict[str, FunctionCall] = {}
        self._turns: dict[str, list[ChatMessage]] = {"before": list(before)}
        self._callers: dict[str, str] = {}  # which answer a call is part of
        self._answer = "before"
        self._thoughts = ""

    def messages(self) -> list[ChatMessage]:
        """All messages; the one of an answer that is being given grows."""
        return [message for turn in self._turns.values() for message in turn]

    @property
    def answer(self) -> ChatMessage:
        """The last answer; without words where it has none."""
        given = self._turns[self._answer] if self._answer != "before" else []
        return given[0] if given else ChatMessage(role=MessageRole.ASSISTANT, blocks=[])

    def say(self, text: str) -> None:
        """Note what the user says in writing."""
        self._turns[f"text-{len(self._turns)}"] = [_message(MessageRole.USER, text)]

    def note(self, event: RealtimeEvent) -> list[FunctionCall]:
        """Note an event; return the calls that are new with it."""
        match event:
            case Committed():
                self._turns.setdefault(event.item_id or f"turn-{len(self._turns)}", [])
            case Transcribed() if event.transcript.strip():
                turn = self._turns.setdefault(event.item_id or f"turn-{len(self._turns)}", [])
                turn[:] = [_message(MessageRole.USER, event.transcript)]
            case ResponseCreated():
                self._answer = str(event.response.get("id") or event.response_id or f"answer-{len(self._turns)}")
                self._turns.setdefault(self._answer, [])
                self._thoughts = ""
            case ThinkingDelta():
                self._thoughts += event.delta
            case TranscriptDelta() | TextDelta():
                self._write(event.delta)
            case Interrupted():
                for message in self._turns.get(event.response_id or "", [])[:1]:
                    message.additional_kwargs["interrupted"] = True
        return self._note_calls(event)

    def _note_calls(self, event: RealtimeEvent) -> list[FunctionCall]:
        match event:
            case FunctionCall() if event.call_id and event.call_id not in self._callers:
                self._callers[event.call_id] = self._answer
                self.calls[event.call_id] = event
                return [event]
            case ToolAnswered():
                self._answered(event)
            case Reconnected():
                self._forget(event.lost_calls)
            case ResponseDone():
                self._forget(_broken_off(event))
        return []

    def _forget(self, calls: Iterable[str]) -> None:
        for call_id in calls:
            self.calls.pop(call_id, None)

    def _said(self, turn: list[ChatMessage]) -> ChatMessage:
        """The message of an answer, made when there is something to put into it."""
        if not turn:
            thought = [ThinkingBlock(content=self._thoughts)] if self._thoughts else []
            turn.append(ChatMessage(role=MessageRole.ASSISTANT, blocks=thought))
        return turn[0]

    def _write(self, delta: str) -> None:
        message = self._said(self._turns.setdefault(self._answer, []))
        last = message.blocks[-1] if message.blocks else None
        if isinstance(last, TextBlock):
            last.text += delta
        else:
            message.blocks.append(TextBlock(text=delta))

    def _answered(self, event: ToolAnswered) -> None:
        call = self.calls.pop(event.call_id, None)
        turn = self._turns.setdefault(self._callers.get(event.call_id, self._answer), [])
        given = call.arguments if call is not None else "{}"
        block = ToolCallBlock(tool_call_id=event.call_id, tool_name=event.name, tool_kwargs=given)
        self._said(turn).blocks.append(block)
        answer = _message(MessageRole.TOOL, event.output)
        answer.additional_kwargs.update(tool_call_id=event.call_id, name=event.name)
        turn.append(answer)


class Floor:
    """Who is to speak: whether the agent owes an answer, gives one, or has given it.

    Attributes:
        is_busy: Whether the user speaks, an answer is awaited or given, or a function is being called.
        problem: Why the last answer was none.
    """

    def __init__(self, transcript: Transcript) -> None:
        self.problem: StepFunError | None = None
        self._transcript = transcript
        self._is_heard = self._is_awaited = self._is_answering = False
        self._is_known = False  # what an answer is awaited to: another session would be asked for it too

    @property
    def is_busy(self) -> bool:
        """See above."""
        return self._is_heard or self._is_awaited or self._is_answering or bool(self._transcript.calls)

    def ask(self) -> None:
        """Note that an answer was asked for."""
        self._is_awaited, self._is_known, self.problem = True, True, None

    def note(self, event: RealtimeEvent) -> None:
        """Note an event, after the transcript has."""
        match event:
            case SpeechStarted():
                self._is_heard, self.problem = True, None
            case Committed():
                self._is_known = self._is_known and self._is_awaited
                self._is_heard, self._is_awaited, self.problem = False, True, None
            case Transcribed():
                self._is_known = True
            case ResponseCreated():
                self._is_awaited, self._is_answering, self.problem = False, True, None
            case ResponseDone():
                self._is_answering = False
                self.problem = _failure(event)
            case ToolAnswered():
                if not self._is_answering:
                    self.ask()
            case Problem() if self._is_awaited and not _came_too_late(event):
                self._is_awaited, self.problem = False, event.error
            case Reconnected():
                self._lost(event)

    def _lost(self, event: Reconnected) -> None:
        """What was being said is lost with the session; an answer to what was understood is asked for once more."""
        self._is_awaited = self._is_awaited and self._is_known
        if (self._is_heard or self._is_answering or event.lost_calls) and not self._is_awaited:
            self.problem = StreamInterruptedError(
                f"the answer was lost with the session ({event.reason}); a new one goes on with the conversation: ask "
                "again"
            )
        self._is_heard = self._is_answering = False


def told_before(messages: Sequence[ChatMessage]) -> list[Turn]:
    """Give what a session is told of what was said before: the words of the user and of the assistant.

    Raises:
        InvalidParameterError: If a message is neither theirs nor a tool's.
    """
    turns = []
    for message in messages:
        role = _SAID_BY.get(message.role)
        if role is None and message.role not in _TOOLS:
            raise InvalidParameterError(
                f"a voice agent is told of user and assistant messages, not of a {message.role.value} one; say what "
                "it is with instructions='...'",
                param="chat_history",
            )
        if role is not None and (text := _words(message, role)):
            turns.append(Turn(role, text))
    return turns


def _words(message: ChatMessage, role: str) -> str:
    if any(not isinstance(block, (TextBlock, *_SILENT)) for block in message.blocks):
        warnings.warn(f"a voice agent is told the words of the {role} message only", stacklevel=4)
    return "\n".join(block.text for block in message.blocks if isinstance(block, TextBlock) and block.text.strip())


def _message(role: MessageRole, text: str) -> ChatMessage:
    return ChatMessage(role=role, blocks=[TextBlock(text=text)])


def _broken_off(done: ResponseDone) -> list[str]:
    """The calls that were not told to their end."""
    items: list[dict[str, Any]] = [item for item in done.response.get("output") or () if isinstance(item, dict)]
    calls = [item for item in items if item.get("type") == "function_call"]
    return [str(item.get("call_id")) for item in calls if item.get("status") not in (None, "completed")]


def _came_too_late(problem: Problem) -> bool:
    """Whether an interruption is refused: the answer had just ended by itself, and the next one is not concerned."""
    return "cancel" in f"{problem.error.code} {problem.error.message}".lower()


def _failure(done: ResponseDone) -> StepFunError | None:
    if done.status != "failed":
        return None
    details = done.response.get("status_details") or {}
    return stream_error(details.get("error") or details or "the answer failed", trace_id=None)
