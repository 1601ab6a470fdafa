"""Results that a client must survive, under ``/hostile``: the URLs that the faults ``hostile-...`` hand out.

========================== ==========================================================================================
``/hostile/redirect``      a redirect to the metadata service of clouds, or to wherever ``?to=`` says
``/hostile/svg.png``       an SVG with a script, said to be a PNG
``/hostile/html.png``      a page that asks to log in, said to be a PNG
``/hostile/endless.png``   begins as a PNG does and never ends
``/hostile/huge.png``      says it has 1 GiB, and has
========================== ==========================================================================================
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from stepfun_emulator.breaking import hang_up_of
from stepfun_emulator.delivery import deliver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

_METADATA = "http://169.254.169.254/latest/meta-data/"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>'
_HTML = b"<!doctype html><title>Log in</title><form method=post><input name=password type=password></form>"
_BEGINNING = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\4\0\0\0\4\0\x08\2\0\0\0"
_BLOCK = bytes(64 * 1024)
_GIBIBYTE = 1024**3


class Flood(Response):
    """A PNG's beginning and then zeros, until so many bytes are said or the client goes away."""

    media_type = "image/png"

    def __init__(self, size: int | None = None) -> None:
        super().__init__(headers={} if size is None else {"content-length": str(size)})
        if size is None:
            del self.headers["content-length"]
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pour."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await deliver(self._blocks(), receive, send, hang_up_of(scope))

    def _blocks(self) -> Iterable[bytes]:
        first = _BEGINNING + _BLOCK[len(_BEGINNING) :]
        count = itertools.count(1) if self._size is None else range(1, self._size // len(_BLOCK))
        return itertools.chain([first], (_BLOCK for _ in count))


async def _redirect(request: Request) -> Response:
    return RedirectResponse(request.query_params.get("to", _METADATA), 302)


async def _svg(request: Request) -> Response:
    del request
    return Response(_SVG, media_type="image/png")


async def _html(request: Request) -> Response:
    del request
    return Response(_HTML, media_type="image/png")


async def _endless(request: Request) -> Response:
    del request
    return Flood()


async def _huge(request: Request) -> Response:
    del request
    return Flood(_GIBIBYTE)


ROUTES = (
    Route("/hostile/redirect", _redirect),
    Route("/hostile/svg.png", _svg),
    Route("/hostile/html.png", _html),
    Route("/hostile/endless.png", _endless),
    Route("/hostile/huge.png", _huge),
)
