"""Fetching audio and pictures by their URLs: from the loopback alone, whatever the service could reach."""

from __future__ import annotations

import http.client
import ipaddress
from urllib.parse import SplitResult, urlsplit

from stepfun_emulator.errors import Refusal, invalid, unfetchable
from stepfun_emulator.recognition.audio import LARGEST

_SECONDS = 10.0
_OK = 200


def fetch(url: str, param: str, *, kind: str = "audio", largest: int | None = None) -> bytes:
    """Read a URL of this machine. Redirects are not followed, proxies are not asked.

    Args:
        url: What was sent.
        param: Where it stood.
        kind: What it is to be, for the refusal.
        largest: What is read of it must be smaller, in bytes; where nothing is said, as small as audio must be.

    Raises:
        Refusal: It is no URL of the loopback, nothing answers there, or it is too large.
    """
    largest = LARGEST if largest is None else largest
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or http.client.HTTP_PORT
    except ValueError:
        raise unfetchable(url) from None
    if parts.scheme != "http" or not _is_loopback(host):
        raise unfetchable(url)
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", _target(parts))
        with connection.getresponse() as response:
            status, content = response.status, response.read(largest)
    except (OSError, ValueError, http.client.HTTPException):
        raise unfetchable(url) from None
    finally:
        connection.close()
    if status != _OK:
        raise unfetchable(url)
    if not content:
        raise Refusal(400, "input_invalid", f"there is nothing at {url}", param=param)
    if len(content) == largest:
        raise invalid(param, f"the {kind} is too large: it must be smaller than {largest} bytes")
    return content


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
