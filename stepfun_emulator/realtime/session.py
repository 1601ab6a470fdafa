"""The realtime session: client events in, server events out, nothing else.

An answer is given piece by piece: whoever carries the events asks for the next one when there is time for it, and tells
meanwhile what the user says.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.conversation import current_turn
from stepfun_emulator.answerer.rules import Task, answer
from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.realtime.creating import read_item, sound_of
from stepfun_emulator.realtime.ears import Ears, Ended, Started
from stepfun_emulator.realtime.items import History, Item, Part
from stepfun_emulator.realtime.response import Response
from stepfun_emulator.realtime.settings import Settings, updated
from stepfun_emulator.speech.manner import MODERATED, moderated
from stepfun_emulator.tokens import count

if TYPE_CHECKING:
    from stepfun_emulator.answerer.answer import Answer
    from stepfun_emulator.catalogue import Model
    from stepfun_emulator.service import Service

Event = dict[str, Any]


class Session:
    """One connection.

    Args:
        session_id: How it is called.
        model: Who answers.
        service: What it belongs to.
    """

    def __init__(self, session_id: str, model: Model, service: Service) -> None:
        self._id = session_id
        self._model = model
        self._service = service
        self._settings = Settings()
        self._ears: Ears | None = None  # until session.updated
        self._history = History()
        self._response: Response | None = None
        self._reactions: dict[str, Callable[[Event], Iterator[Event]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create,
            "conversation.item.delete": self._delete,
            "response.create": self._respond,
            "response.cancel": self._cancel,
        }

    def open(self) -> Event:
        """What the server says first."""
        return _event({"type": "session.created", "session": self._shown()})

    def receive(self, event: Event) -> Iterator[Event]:
        """Answer one client event; what is wrong with it is said by an ``error`` event."""
        try:
            reaction = self._reactions.get(event["type"])
            if reaction is None:
                raise invalid("type", f"unknown event type {event['type']!r}, there are: {', '.join(self._reactions)}")
            for one in reaction(event):
                yield _event(one)
        except Refusal as refusal:
            yield self.refuse(refusal, event.get("event_id"))

    def refuse(self, refusal: Refusal, event_id: Any = None) -> Event:
        """A refusal as an event; it quotes the ``event_id`` of what was refused."""
        kind, message = refusal.kind, refusal.message
        error = {"type": kind, "code": refusal.code or kind, "message": message, "param": refusal.param}
        return _event({"type": "error", "error": error | ({} if event_id is None else {"event_id": event_id})})

    @property
    def is_responding(self) -> bool:
        """Whether a response is being given."""
        return self._response is not None and self._response.is_running

    def step(self) -> Event | None:
        """The next event of the response that is being given; None where there is none."""
        if self._response is None or not self._response.is_running:
            return None
        return _event(self._response.step())

    # --- Settings ------------------------------------------------------------------------------------------------

    def _shown(self) -> Event:
        return {"id": self._id, "object": "realtime.session", "model": self._model.id, **self._settings.shown()}

    def _update(self, event: Event) -> Iterator[Event]:
        self._fields(event, "session")
        settings = updated(self._settings, event.get("session"), self._model, self._service)
        if self._ears is None:
            self._ears = Ears(settings.turns)
        elif settings.turns != self._settings.turns:
            self._ears.detect(settings.turns)
        self._settings = settings
        yield {"type": "session.updated", "session": self._shown()}

    # --- What the user says --------------------------------------------------------------------------------------

    def _append(self, event: Event) -> Iterator[Event]:
        for heard in self._open_ears(event).append(sound_of(self._fields(event, "audio"))):
            yield from self._started(heard) if isinstance(heard, Started) else self._ended(heard)

    def _commit(self, event: Event) -> Iterator[Event]:
        self._fields(event)
        ended = self._open_ears(event).commit()
        if ended is None:
            raise invalid("type", "input_audio_buffer.commit: the buffer is empty, append audio first")
        yield from self._ended(ended)

    def _clear(self, event: Event) -> Iterator[Event]:
        self._fields(event)
        self._open_ears(event).clear()
        yield {"type": "input_audio_buffer.cleared"}

    def _open_ears(self, event: Event) -> Ears:
        if self._ears is None:
            raise invalid("type", f"{event['type']} before session.updated: send session.update and wait for it")
        return self._ears

    def _started(self, started: Started) -> Iterator[Event]:
        yield {"type": "input_audio_buffer.speech_started", "audio_start_ms": started.at, "item_id": started.turn}
        yield from self._broken_off("turn_detected")

    def _ended(self, ended: Ended) -> Iterator[Event]:
        if ended.at is not None:
            yield {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": ended.at, "item_id": ended.turn}
        item = Item("message", ended.turn, role="user", parts=[Part("input_audio", ended.text, ended.seconds)])
        before = self._history.last
        yield {"type": "input_audio_buffer.committed", "previous_item_id": before, "item_id": item.id}
        yield from self._added(item)
        if self._settings.turns is not None:
            yield from self._broken_off("turn_detected")  # one that the client asked for meanwhile
            self._begin()

    # --- The conversation ----------------------------------------------------------------------------------------

    def _create(self, event: Event) -> Iterator[Event]:
        self._fields(event, "item")
        yield from self._added(read_item(event.get("item"), self._history, lenient=self._service.lenient))

    def _added(self, item: Item) -> Iterator[Event]:
        before = self._history.add(item)
        yield {"type": "conversation.item.created", "previous_item_id": before, "item": item.shown()}
        for at, part in enumerate(item.parts):
            if part.type == "input_audio":
                where = {"item_id": item.id, "content_index": at}
                completed = "conversation.item.input_audio_transcription.completed"
                yield {"type": completed, **where, "transcript": part.text}

    def _delete(self, event: Event) -> Iterator[Event]:
        item_id = self._fields(event, "item_id").text("item_id")
        self._history.delete(item_id)
        yield {"type": "conversation.item.deleted", "item_id": item_id}

    # --- Responses -----------------------------------------------------------------------------------------------

    def _respond(self, event: Event) -> Iterator[Event]:
        self._fields(event)
        if self.is_responding:
            message = "response.create: a response is being given, cancel it or wait for its response.done"
            raise Refusal(400, "request_params_invalid", message, param="type", code="response_already_active")
        self._begin()
        return iter(())

    def _cancel(self, event: Event) -> Iterator[Event]:
        self._fields(event)
        if not self.is_responding:
            message = "response.cancel: no response is being given"
            raise Refusal(400, "request_params_invalid", message, param="type", code="response_not_active")
        return self._broken_off("client_cancelled")

    def _broken_off(self, reason: str) -> Iterator[Event]:
        if self._response is not None and self._response.is_running:
            yield from self._response.cancel(reason)

    def _begin(self) -> None:
        settings = self._settings
        instructed = count(settings.instructions)
        instructed += sum(count(json.dumps(tool, ensure_ascii=False)) for tool in settings.wire_tools)
        self._response = Response(self._think, self._history, speaks=settings.speaks, instructed=instructed)

    def _think(self) -> Answer:
        settings, said = self._settings, self._history.said(self._settings.instructions)
        if MODERATED in current_turn(said).question:
            raise moderated()
        return answer(
            Task(
                said,
                tools=settings.tools,
                web_search=settings.web_search,
                knowledge=settings.knowledge,
                effort="medium" if self._model.reasons else "",
            )
        )

    def _fields(self, event: Event, *documented: str) -> Fields:
        fields = Fields(event, "", ("type", "event_id", *documented), lenient=self._service.lenient)
        fields.text("event_id", "")
        return fields


def _event(event: Event) -> Event:
    return {"event_id": f"event_{secrets.token_hex(10)}", **event}
