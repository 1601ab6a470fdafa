"""Does what `fetching` has decided: looks up a name, and reads what is at an address with a client it is given."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from stepfun_client.core.exchange import Answer, Failure, Resolve, Resolved, Visit
from stepfun_client.core.fetching import Intake
from stepfun_client.core.logs import logger
from stepfun_client.errors import APIConnectionError, StepFunError

if TYPE_CHECKING:
    from stepfun_client.core.transport import AsyncHTTPClient, HTTPClient


def resolve(wanted: Resolve) -> Resolved | Failure:
    """Look up a host's name."""
    try:
        return _resolved(socket.getaddrinfo(wanted.place.host, wanted.place.port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        return _unresolved(wanted, error)


async def resolve_async(wanted: Resolve) -> Resolved | Failure:
    """Look up a host's name asynchronously."""
    look_up = asyncio.get_running_loop().getaddrinfo
    try:
        return _resolved(await look_up(wanted.place.host, wanted.place.port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        return _unresolved(wanted, error)


def visit(client: HTTPClient, wanted: Visit, timeout: Any, *, user_agent: str) -> Answer | Failure:
    """Read what is at an address; a redirect is not followed, and what is too much is not read."""
    started = time.perf_counter()
    try:
        asked = client.send(_request(client, wanted, timeout, user_agent), stream=True, **_PLAINLY)
        with closing(asked) as response:
            intake = _intake(wanted, response)
            if intake and not response.is_stream_consumed:
                for piece in response.iter_raw():
                    intake.feed(piece)
            return _answer(wanted, response, intake, started)
    except StepFunError as error:
        return Failure(error, reached=True)


async def visit_async(client: AsyncHTTPClient, wanted: Visit, timeout: Any, *, user_agent: str) -> Answer | Failure:
    """Read what is at an address asynchronously; see `visit`."""
    started = time.perf_counter()
    try:
        asked = await client.send(_request(client, wanted, timeout, user_agent), stream=True, **_PLAINLY)
        async with aclosing(asked) as response:
            intake = _intake(wanted, response)
            if intake and not response.is_stream_consumed:
                async for piece in response.aiter_raw():
                    intake.feed(piece)
            return _answer(wanted, response, intake, started)
    except StepFunError as error:
        return Failure(error, reached=True)


_PLAINLY: dict[str, Any] = {"auth": None, "follow_redirects": False}  # whatever an injected client does otherwise


def _request(client: HTTPClient | AsyncHTTPClient, wanted: Visit, timeout: Any, user_agent: str) -> Any:
    """Build the request: to the checked address, by the host's name, with nothing of ours but that."""
    headers = {"Host": wanted.place.authority, "User-Agent": user_agent, "Accept-Encoding": "identity"}
    if wanted.address:
        place = wanted.place.at(wanted.address)
        extensions = {"sni_hostname": wanted.place.host}  # what TLS asks for, and checks the certificate against
        return client.build_request("GET", place.url, headers=headers, timeout=timeout, extensions=extensions)
    request = client.build_request("GET", wanted.place.url, headers=headers, timeout=timeout)
    request.headers.pop("Authorization", None)  # an injected client may bring one
    return request


def _intake(wanted: Visit, response: Any) -> Intake | None:
    """Prepare for the body of a good reply; a transport of the user's may have read it, and unpacked it, already."""
    if not response.is_success:
        return None
    fetch, read = wanted.fetch, response.is_stream_consumed
    intake = Intake(fetch.what, wanted.place, fetch.max_bytes, response.headers, unpacked=read)
    if read:
        intake.feed(response.content)
    return intake


def _answer(wanted: Visit, response: Any, intake: Intake | None, started: float) -> Answer:
    seconds = time.perf_counter() - started
    logger.debug("GET %s -> %d in %.3f s", wanted.place.shown, response.status_code, seconds)
    content = intake.content() if intake else b""
    return Answer(response.status_code, response.headers, wanted.place.url, content=content)


def _resolved(found: list[Any]) -> Resolved:
    return Resolved(tuple(str(entry[4][0]) for entry in found))


def _unresolved(wanted: Resolve, error: Exception) -> Failure:
    said = APIConnectionError(f"{wanted.place.shown}: the host's name leads nowhere ({error}); check the address")
    return Failure(said, reached=False)
