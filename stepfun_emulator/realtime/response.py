"""One response: the events that give it, made one at a time, and those that break it off."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stepfun_emulator import sound
from stepfun_emulator.answerer.conversation import Call
from stepfun_emulator.errors import Refusal
from stepfun_emulator.realtime.items import History, Item, Part, new_id
from stepfun_emulator.realtime.voicing import pieces_of, words_of
from stepfun_emulator.tokens import count, pieces

if TYPE_CHECKING:
    from stepfun_emulator.answerer.answer import Answer
    from stepfun_emulator.realtime.voicing import Piece

Event = dict[str, Any]

_LATE = 2  # pieces of sound that still come after a response was broken off (WIRE.md section 12)
_WORDS_AT_ONCE = 4
_TOKENS_AT_ONCE = 8


class Response:
    """One response.

    Args:
        think: Finds the answer, when the response begins.
        history: Where its items go.
        speaks: Whether it is spoken, or written.
        instructed: How many tokens the instructions and tools count.

    Attributes:
        is_running: Whether it has more to say.
    """

    def __init__(self, think: Callable[[], Answer], history: History, *, speaks: bool, instructed: int) -> None:
        self.id = new_id("resp")
        self._status = "in_progress"
        self._think = think
        self._history = history
        self._speaks = speaks
        self._question = history.question
        history.ask(self.id)
        words, heard = history.tokens()
        self._given = (words + instructed, heard)
        self._items: list[Item] = []
        self._reasoning = 0  # tokens
        self._voice: Iterator[Piece] | None = None
        self._events = self._all()
        self.is_running = True

    def step(self) -> Event:
        """The next event; ``response.done`` is the last."""
        try:
            event = next(self._events)
        except Refusal as refusal:
            error = {"type": refusal.kind, "code": refusal.code or refusal.kind, "message": refusal.message}
            self._events = iter(self._broken("failed", {"type": "failed", "error": error}))
            event = next(self._events)
        self.is_running = event["type"] != "response.done"
        return event

    def cancel(self, reason: str) -> Iterator[Event]:
        """Break it off: what has been said stays in the conversation, and a piece or two of sound come late.

        Args:
            reason: ``client_cancelled`` or ``turn_detected``.
        """
        self.is_running = False
        yield from self._broken("cancelled", {"type": "cancelled", "reason": reason})
        if self._voice is not None:
            for piece in itertools.islice(self._voice, _LATE):
                yield self._sound(self._items[-1], piece)

    # --- The whole of it -----------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Event]:
        yield {"type": "response.created", "response": self._shown()}
        answer = self._think()
        if answer.calls:
            for call in answer.calls:
                yield from self._call(call, answer.reasoning if call is answer.calls[0] else "")
        else:
            yield from self._message(answer)
        self._status = "completed"
        yield {"type": "response.done", "response": self._shown()}

    def _broken(self, status: str, details: Event) -> list[Event]:
        self._status = status
        events: list[Event] = []
        for item in self._items:
            if item.status == "in_progress":
                item.status = "incomplete"
                events.append({"type": "response.output_item.done", **self._place(), "item": item.shown()})
        return [*events, {"type": "response.done", "response": {**self._shown(), "status_details": details}}]

    def _shown(self) -> Event:
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": self._status,
            "output": [item.shown() for item in self._items],
            "usage": None if self._status == "in_progress" else self._usage(),
        }

    def _usage(self) -> Event:
        (words, heard), each = self._given, [item.tokens for item in self._items]
        said = sum(one for one, _ in each) + self._reasoning
        spoken = sum(one for _, one in each)
        return {
            "total_tokens": words + heard + said + spoken,
            "input_tokens": words + heard,
            "output_tokens": said + spoken,
            "input_token_details": {"text_tokens": words, "audio_tokens": heard, "cached_tokens": 0},
            "output_token_details": {"text_tokens": said, "audio_tokens": spoken},
        }

    # --- Its items -----------------------------------------------------------------------------------------------

    def _item(self, item: Item, reasoning: str) -> Iterator[Event]:
        item.status = "in_progress"
        self._items.append(item)
        self._history.add(item)
        yield {"type": "response.output_item.added", **self._place(), "item": item.shown()}
        if reasoning:
            for words in _groups(words_of(reasoning), _WORDS_AT_ONCE):
                self._reasoning += count(words)
                yield {"type": "response.thinking.delta", **self._here(item), "delta": words}
            yield {"type": "response.thinking.done", **self._here(item), "thinking": reasoning}

    def _done(self, item: Item) -> Event:
        item.status = "completed"
        return {"type": "response.output_item.done", **self._place(), "item": item.shown()}

    def _call(self, call: Call, reasoning: str) -> Iterator[Event]:
        written = Call(call.name, "", new_id("call"))
        item = Item("function_call", call=written, question=self._question)
        yield from self._item(item, reasoning)
        for words in _groups(pieces(call.arguments), _TOKENS_AT_ONCE):
            item.call = written = replace(written, arguments=written.arguments + words)
            called = {"call_id": written.id, "delta": words}
            yield {"type": "response.function_call_arguments.delta", **self._here(item), **called}
        told = {"call_id": written.id, "name": written.name, "arguments": written.arguments}
        yield {"type": "response.function_call_arguments.done", **self._here(item), **told}
        yield self._done(item)

    def _message(self, answer: Answer) -> Iterator[Event]:
        item = Item("message", role="assistant")
        yield from self._item(item, answer.reasoning)
        part = Part("audio" if self._speaks else "text")
        yield {"type": "response.content_part.added", **self._part(item), "part": part.shown()}
        item.parts.append(part)
        yield from self._spoken(item, part, answer.content) if self._speaks else self._written(item, part, answer)
        yield {"type": "response.content_part.done", **self._part(item), "part": part.shown()}
        yield self._done(item)

    def _spoken(self, item: Item, part: Part, text: str) -> Iterator[Event]:
        voice = pieces_of(text)
        for piece in voice:
            if piece.words:
                part.text += piece.words
                yield {"type": "response.audio_transcript.delta", **self._part(item), "delta": piece.words}
            self._voice = voice
            part.seconds += len(piece.sound) / 2 / sound.RATE
            yield self._sound(item, piece)
        self._voice = None
        yield {"type": "response.audio.done", **self._part(item)}
        yield {"type": "response.audio_transcript.done", **self._part(item), "transcript": part.text}

    def _written(self, item: Item, part: Part, answer: Answer) -> Iterator[Event]:
        for words in _groups(words_of(answer.content), _WORDS_AT_ONCE):
            part.text += words
            yield {"type": "response.text.delta", **self._part(item), "delta": words}
        yield {"type": "response.text.done", **self._part(item), "text": part.text}

    def _sound(self, item: Item, piece: Piece) -> Event:
        return {"type": "response.audio.delta", **self._part(item), "delta": base64.b64encode(piece.sound).decode()}

    # --- Where an event belongs ----------------------------------------------------------------------------------

    def _place(self) -> Event:
        return {"response_id": self.id, "output_index": len(self._items) - 1}

    def _here(self, item: Item) -> Event:
        return {"response_id": self.id, "item_id": item.id, "output_index": len(self._items) - 1}

    def _part(self, item: Item) -> Event:
        return {**self._here(item), "content_index": 0}


def _groups(words: list[str], size: int) -> list[str]:
    return ["".join(words[at : at + size]) for at in range(0, len(words), size)]
