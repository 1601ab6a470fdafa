"""Conversations in realtime: the WebSocket `/realtime` (WIRE.md section 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stepfun_client.api.realtime_params import SESSION_SECONDS, Tool, Turn, check_synchronous, realtime_settings
from stepfun_client.api.realtime_session import AsyncRealtimeSession, RealtimeSession
from stepfun_client.api.resource import AsyncResource, Resource

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.api.realtime_params import Conduct, RealtimeParams


class Realtime(Resource):
    """`client.realtime`: conversations by voice."""

    def connect(
        self,
        *,
        model: str,
        callables: Mapping[str, Tool] | None = None,
        reconnect: bool = False,
        ends_after: float = SESSION_SECONDS,
        warn_before: float = 60.0,
        remembered: int = 100,
        history: Sequence[Turn] = (),
        **params: Unpack[RealtimeParams],
    ) -> RealtimeSession:
        """Open a conversation; use it as a context manager.

        Sound is 16 bit, 24 kHz, mono, both ways. The session is set up before its `with` block begins. Iterate it for
        events: nothing is received, and no function called, while nobody does.

        Args:
            model: A model id, e.g. `"stepaudio-2.5-realtime"`.
            callables: What to call for a function of this name, beside the conversation; its result is sent back in the
                order of the calls. Each needs a function tool of its name in `tools`.
            reconnect: Whether a lost connection, or one whose time is over, is replaced by another that is told what
                has been said; a `Reconnected` event says so, and what was lost.
            ends_after: How many seconds a session lasts; StepFun ends one after 1,800.
            warn_before: How many seconds before that a `SessionEnding` event comes.
            remembered: How many turns are kept for the session's `history` and for another session.
            history: What was said before, by either side; the model is told of it.
            **params: See `RealtimeParams`.

        Returns:
            The session, not open yet.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: On entering the block, if the service refuses.
            StreamInterruptedError: While iterating, if the session is lost.

        Example:
            >>> said = []
            >>> with client.realtime.connect(model="stepaudio-2.5-realtime", voice="linjiajiejie") as session:
            ...     session.send_text("What is 6 * 7?")
            ...     for event in session:
            ...         if event.type == "response.audio_transcript.delta":
            ...             said.append(event.delta)
            ...         if event.type == "response.done":
            ...             break
            >>> print("".join(said))
            6 * 7 = 42
        """
        callables = callables or {}
        check_synchronous(callables)
        conduct: Conduct = {
            "reconnect": reconnect,
            "ends_after": ends_after,
            "warn_before": warn_before,
            "remembered": remembered,
            "history": tuple(history),
        }
        settings = realtime_settings(model, params, callables, **conduct)
        return RealtimeSession(self._runner.settings, settings)


class AsyncRealtime(AsyncResource):
    """`client.realtime` of the asynchronous client."""

    def connect(
        self,
        *,
        model: str,
        callables: Mapping[str, Tool] | None = None,
        reconnect: bool = False,
        ends_after: float = SESSION_SECONDS,
        warn_before: float = 60.0,
        remembered: int = 100,
        history: Sequence[Turn] = (),
        **params: Unpack[RealtimeParams],
    ) -> AsyncRealtimeSession:
        """Open a conversation; see `Realtime.connect`.

        Callables may be asynchronous, and should be where they take time: plain ones are called in the event loop.
        """
        conduct: Conduct = {
            "reconnect": reconnect,
            "ends_after": ends_after,
            "warn_before": warn_before,
            "remembered": remembered,
            "history": tuple(history),
        }
        settings = realtime_settings(model, params, callables or {}, **conduct)
        return AsyncRealtimeSession(self._runner.settings, settings)
