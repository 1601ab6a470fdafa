"""What the two realtime sessions share: the conversation, who wants to know of what, and when one may speak."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from stepfun_client.api.realtime_state import Conversation
from stepfun_client.errors import InvalidParameterError, StreamInterruptedError

if TYPE_CHECKING:
    from stepfun_client.api.realtime_events import RealtimeEvent
    from stepfun_client.api.realtime_params import RealtimeSettings, Turn
    from stepfun_client.core.settings import Settings

Handler: TypeAlias = "Callable[[Any], Any]"


class SessionBase:
    """What both sessions share: what is to be said, the conversation, and who wants to know of what."""

    def __init__(self, settings: Settings, realtime: RealtimeSettings) -> None:
        self._settings = settings
        self._realtime = realtime
        self._conversation = Conversation(realtime)
        self._handlers: list[tuple[type[RealtimeEvent] | str, Handler]] = []
        self._early: deque[RealtimeEvent] = deque()  # what came while the session was set up
        self._is_open = self._is_used = False

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

    def _use(self) -> None:
        if self._is_used:
            raise InvalidParameterError("a session is opened once; ask `connect` for another one")
        self._is_used = True

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
