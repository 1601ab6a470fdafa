"""The app: which path is answered by what.

A later family of endpoints (speech, images, the WebSockets) is a module of its own and one line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute

from stepfun_emulator import account, knowledge, uploads, voices
from stepfun_emulator.breaking import Breaker
from stepfun_emulator.chat import endpoint as chat
from stepfun_emulator.errors import wrong_path
from stepfun_emulator.faults import find_fault
from stepfun_emulator.images import endpoint as images
from stepfun_emulator.images import hostile, modelverse
from stepfun_emulator.journal import Recorder
from stepfun_emulator.messages import endpoint as messages
from stepfun_emulator.realtime.socket import realtime
from stepfun_emulator.recognition import socket as recognition
from stepfun_emulator.recognition import sse, tasks, transcriptions
from stepfun_emulator.replies import PLAN_PREFIX, Handler, guarded
from stepfun_emulator.responses import endpoint as responses
from stepfun_emulator.service import Service
from stepfun_emulator.speech import endpoint as speech
from stepfun_emulator.speech.talking import talking

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from stepfun_emulator.sockets import SocketEndpoint

_PLAN: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/chat/completions", chat.create),
    ("POST", "/audio/speech", speech.create),
    ("POST", "/audio/asr/sse", sse.create),
    ("POST", "/images/generations", images.generate),
    ("POST", "/images/edits", images.edit),
    ("GET", "/audio/voices", voices.list_cloned),
    ("POST", "/audio/voices", voices.create),
    ("POST", "/audio/voices/preview", voices.preview),
)
_MESSAGES: tuple[tuple[str, str, Handler], ...] = (  # of Anthropic's shape, errors and keys too
    ("POST", "/messages", messages.create),
    ("POST", "/messages/count_tokens", messages.count_tokens),
)
_SOCKETS: tuple[tuple[str, SocketEndpoint], ...] = (
    ("/realtime/asr/stream", recognition.stream),
    ("/audio/asr/stream", recognition.stream),
)
_PLAN_SOCKETS: tuple[tuple[str, SocketEndpoint], ...] = (("/realtime/audio", talking), ("/realtime", realtime))
_REST: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/responses", responses.create),
    ("GET", "/models", account.list_models),
    ("GET", "/models/{model:path}", account.retrieve_model),
    ("GET", "/accounts", account.retrieve_account),
    ("POST", "/token/count", account.count_tokens),
    ("POST", "/files", uploads.create),
    ("GET", "/files", uploads.list_all),
    ("GET", "/files/{id}", uploads.retrieve),
    ("GET", "/files/{id}/content", uploads.content),
    ("DELETE", "/files/{id}", uploads.delete),
    ("POST", "/vector_stores", knowledge.create_store),
    ("GET", "/vector_stores", knowledge.list_stores),
    ("GET", "/vector_stores/{id}", knowledge.retrieve_store),
    ("DELETE", "/vector_stores/{id}", knowledge.delete_store),
    ("POST", "/vector_stores/{id}/files", knowledge.add_files),
    ("GET", "/vector_stores/{id}/files", knowledge.list_files),
    ("DELETE", "/vector_stores/{id}/files/{file_id}", knowledge.take_out),
    ("POST", "/search", knowledge.search),
    ("GET", "/audio/system_voices", voices.list_official),
    ("POST", "/images/image2image", images.transform),
    ("POST", "/audio/transcriptions", transcriptions.create),
    ("POST", "/audio/asr/file/submit", tasks.submit),
    ("POST", "/audio/asr/file/query", tasks.query),
)


def create_app(
    *,
    fault: str | None = None,
    lenient: bool = False,
    delay: float = 0.0,
    idle_seconds: float = 60.0,
    session_seconds: float = 1800.0,
) -> Starlette:
    """Make an emulator as an ASGI app; each has a memory of its own.

    Args:
        fault: The name of a fault that befalls every request.
        lenient: Ignore undocumented parameters as the service does, instead of refusing them.
        delay: Seconds between the events of a stream, and the pause of the slow faults.
        idle_seconds: After how long a client that says nothing over a WebSocket is closed.
        session_seconds: How long a realtime session lasts at most.

    Raises:
        ValueError: There is no such fault.
    """
    service = Service(lenient=lenient, delay=delay, idle_seconds=idle_seconds, session_seconds=session_seconds)
    app = Starlette(
        routes=[
            *(_route("/v1", *one) for one in (*_PLAN, *_REST)),
            *(_route(PLAN_PREFIX, *one) for one in _PLAN),
            *(_route(prefix, *one, anthropic=True) for prefix in ("/v1", PLAN_PREFIX) for one in _MESSAGES),
            Route("/spoken/{name}", speech.spoken, name="spoken"),
            Route("/generated/{name}", images.generated, name="generated"),
            Route(modelverse.PREFIX + "/images/generations", modelverse.edit, methods=["POST"]),
            *hostile.ROUTES,
            *(WebSocketRoute("/v1" + path, talk) for path, talk in (*_PLAN_SOCKETS, *_SOCKETS)),
            *(WebSocketRoute(PLAN_PREFIX + path, talk) for path, talk in _PLAN_SOCKETS),
        ],
        middleware=[
            Middleware(Recorder, journal=service.journal),
            Middleware(Breaker, fault=find_fault(fault), journal=service.journal, delay=service.pause),
        ],
        exception_handlers={HTTPException: _nowhere},
    )
    app.router.redirect_slashes = False
    app.router.default = wrong_path()  # over a WebSocket too
    app.state.service = service
    return app


def _route(prefix: str, method: str, path: str, handler: Handler, *, anthropic: bool = False) -> Route:
    return Route(prefix + path, guarded(handler, anthropic=anthropic), methods=[method])


async def _nowhere(request: Request, error: Exception) -> Response:
    """An unknown path, or a known one with another method."""
    del request, error
    return wrong_path()
