"""The client's realtime session as LlamaIndex's websocket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llama_index.core.voice_agents import BaseVoiceAgentWebsocket

from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.api.realtime_session import AsyncRealtimeSession


class StepFunVoiceWebsocket(BaseVoiceAgentWebsocket):
    """A session on its way from `aconnect` to `close`. The connection itself is the client's: `ws` stays None.

    Args:
        uri: Where it leads.
        open_session: Makes the session, not open yet.
    """

    def __init__(self, uri: str, open_session: Callable[[], AsyncRealtimeSession]) -> None:
        super().__init__(uri)
        self._open_session = open_session
        self._session: AsyncRealtimeSession | None = None

    @property
    def session(self) -> AsyncRealtimeSession:
        """The open session.

        Raises:
            InvalidParameterError: If there is none.
        """
        if self._session is None:
            raise InvalidParameterError(
                "the conversation is not open: `await agent.start()`, or talk inside `async with agent:`"
            )
        return self._session

    def connect(self) -> None:
        """Refuse: an agent lives in an event loop.

        Raises:
            InvalidParameterError: Always.
        """
        raise InvalidParameterError("a voice agent's session is asynchronous: `await aconnect()`")

    async def aconnect(self) -> None:
        """Open a session and set it up."""
        session = self._open_session()
        await session.__aenter__()
        self._session = session

    async def send(self, data: bytes | Mapping[str, Any]) -> None:
        """Send sound, or an event as it is."""
        if isinstance(data, Mapping):
            await self.session.send(dict(data))
        else:
            await self.session.send_audio(data)

    async def close(self) -> None:
        """Close the session, if one is open."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
