"""Conversations in realtime: the WebSocket `/realtime` (WIRE.md section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepfun_client.api.realtime_params import Tool, check_synchronous, realtime_settings
from stepfun_client.api.realtime_session import AsyncRealtimeSession, RealtimeSession
from stepfun_client.api.resource import AsyncResource, Resource

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.api.realtime_params import RealtimeParams
    from stepfun_client.api.resource import AsyncRunner, Runner


class Realtime(Resource):
    """`client.realtime`: conversations by voice."""

    def connect(
        self,
        *,
        model: str,
        callables: Mapping[str, Tool] | None = None,
        **params: Unpack[RealtimeParams],
    ) -> RealtimeSession:
        """Open a conversation; use it as a context manager.

        Sound is 16 bit, 24 kHz, mono, both ways. The session is set up before its `with` block begins. Iterate it for
        events: nothing is received, and no function called, while nobody does.

        Args:
            model: A model id, e.g. `"stepaudio-2.5-realtime"`.
            callables: What to call for a function of this name, beside the conversation; its result is sent back in the
                order of the calls. Each needs a function tool of its name in `tools`.
            **params: See `RealtimeParams`: voice, instructions, modalities, turn_detection, tools; and how the session
                behaves: reconnect, ends_after, warn_before, remembered, history, timeout.

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
        settings = realtime_settings(model, _patient(self._runner, params), callables)
        return RealtimeSession(self._runner.settings, settings)


class AsyncRealtime(AsyncResource):
    """`client.realtime` of the asynchronous client."""

    def connect(
        self,
        *,
        model: str,
        callables: Mapping[str, Tool] | None = None,
        **params: Unpack[RealtimeParams],
    ) -> AsyncRealtimeSession:
        """Open a conversation; see `Realtime.connect`.

        Callables may be asynchronous, and should be where they take time: plain ones are called in the event loop.
        """
        settings = realtime_settings(model, _patient(self._runner, params), callables or {})
        return AsyncRealtimeSession(self._runner.settings, settings)


def _patient(runner: Runner | AsyncRunner, params: RealtimeParams) -> dict[str, Any]:
    """Fill in the client's patience with silence."""
    given = params.get("timeout")
    return {**params, "timeout": runner.settings.read_timeout("audio", None) if given is None else given}
