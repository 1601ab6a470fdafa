"""What may be fetched from an address that somebody else wrote: a user, a document, or a model.

Such an address could name the machine's own services, its neighbours, or the cloud's metadata. So only public hosts
count: a name is resolved, every address it leads to is checked, and the connection goes to a checked address, not to
the name again, which may lead elsewhere by then. Each redirect is a new address. Here it is decided; `visits` does it.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urljoin, urlsplit

from stepfun_client.errors import APIResponseError, APITimeoutError, InvalidParameterError

MOST_REDIRECTS = 5
LONGEST_SECONDS = 600.0  # of one visit: a server that sends a byte now and then does not hold its caller for ever
DEFAULT_PORTS = {"http": 80, "https": 443}

_LOWEST_FREE_PORT = 1024  # below it are mail, shells and other services that are no web servers
_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
_UNSEEMLY = re.compile(r"[\x00-\x1f\x7f\\]")  # parsers disagree about what they mean
_SECRET = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)  # a user and a password, a signature

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))  # Teredo and 6to4 carry an IPv4 address of any kind
_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: how a network without IPv4 names an IPv4 host
_METADATA = (IPv4Address("168.63.129.16"),)  # Azure's, in a public range; the others' are in private ones


@dataclass(frozen=True)
class Place:
    """An address that has the right form; whether its host is public is another question.

    Attributes:
        scheme: `http` or `https`.
        host: The host's name in ASCII, or its IP address without brackets.
        port: The port, also where the URL leaves it out.
        target: The path and the query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a signature."""
        return self.url.partition("?")[0]

    def at(self, address: str) -> Place:
        """Return the same place by one of its host's IP addresses."""
        return Place(self.scheme, address, self.port, self.target)


def place_of(url: str) -> Place:
    """Read an address.

    Raises:
        InvalidParameterError: If it is no http(s) URL, holds a user or password, or a port of another service.
    """
    url = str(url).strip()
    try:
        if _UNSEEMLY.search(url):
            raise ValueError("it holds a control character or a backslash")  # noqa: TRY301 - one way to say it
        parts = urlsplit(url)
        scheme = _scheme(parts)
        host, port = _host(parts), parts.port or DEFAULT_PORTS[scheme]
        if port < _LOWEST_FREE_PORT and port not in DEFAULT_PORTS.values():
            raise ValueError(f"port {port} is not the web's; allowed are 80, 443, and those from 1024")  # noqa: TRY301
    except ValueError as error:
        raise refusal(url, str(error)) from None
    return Place(scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _scheme(parts: SplitResult) -> str:
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"its scheme is {parts.scheme or 'missing'}")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name or a password")
    return parts.scheme


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host and "%" not in host:  # a zone names an interface of this machine
        return str(IPv6Address(host))
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    if not _HOST_NAME.fullmatch(name.lower()):
        raise ValueError(f"{host[:80]!r} is no host")
    return name.lower()


def public_addresses(place: Place, resolved: Iterable[str]) -> list[str]:
    """Return what a host's name leads to, each address once.

    Raises:
        InvalidParameterError: If one of them is not public: a name with both kinds is a trap.
    """
    addresses = list(dict.fromkeys(resolved))
    for address in addresses:
        if not is_public(address):
            leads = f"{place.host} leads to {address}, which" if place.host != address else address
            raise refusal(place.shown, f"{leads} is no public address")
    if not addresses:
        raise refusal(place.shown, f"{place.host} has no address")
    return addresses


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the internet at large.

    >>> [is_public(address) for address in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe")]
    [True, False, False, False]
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None)
        if inner is None:
            return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in tunnel for tunnel in _TUNNELS)
        ip = inner
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and ip not in _METADATA


def plainly_public(url: str) -> Place:
    """Check what can be checked of an address that is not fetched here, but named to StepFun, which fetches it.

    Raises:
        InvalidParameterError: If it holds a user or password, another service's port, or a host that is plainly not
            public: a private address, or a name without a dot.
    """
    place = place_of(url)
    host = place.host.rstrip(".")
    is_number = ":" in host or host.rpartition(".")[2].isdecimal()
    is_inside = "." not in host or host.endswith((".localhost", ".internal"))
    if not is_public(host) if is_number else is_inside:
        raise refusal(place.shown, f"{host} is no public host")
    return place


def redirected(place: Place, status: int, headers: Mapping[str, str]) -> Place | None:
    """Return where a reply sends its reader; None where it does not.

    Raises:
        InvalidParameterError: If that is no address that may be fetched.
    """
    location = headers.get("location")
    return place_of(urljoin(place.url, location)) if location and status in (301, 302, 303, 307, 308) else None


def refusal(shown: str, reason: str) -> InvalidParameterError:
    """Build the error for an address that is not fetched, shown without what may be secret in it."""
    shown = _SECRET.sub("", shown)[:200]
    return InvalidParameterError(
        f"{shown!r} is not fetched: {reason}. Allowed are http and https URLs of public hosts, without a user or "
        "password",
        param="url",
        hint="Those of the service's own address (base_url) are allowed too. Pass a file of your own as "
        "pathlib.Path(...) or as bytes",
    )


class Intake:
    """Takes a reply's body piece by piece, unpacks it where it came packed, and stops before it is too much.

    Args:
        what: What is fetched, for messages.
        place: Where from.
        max_bytes: The most to take, unpacked.
        headers: The reply's headers.
        unpacked: Whether the pieces come unpacked already.
    """

    def __init__(
        self, what: str, place: Place, max_bytes: int, headers: Mapping[str, str], *, unpacked: bool = False
    ) -> None:
        self._name = f"{what} at {place.shown}"
        self._most = max_bytes
        self._taken = bytearray()
        self._end = time.monotonic() + LONGEST_SECONDS
        encoding = "" if unpacked else headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise APIResponseError(f"{self._name} comes packed as {encoding}, though it was asked for as it is")
        self._unpacker = zlib.decompressobj(wbits=47) if encoding not in ("", "identity") else None  # gzip or zlib
        declared = headers.get("content-length", "")
        if declared.isdecimal() and not unpacked:
            self._check(int(declared))

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            InvalidParameterError: If it is too much.
            APIResponseError: If it cannot be unpacked.
            APITimeoutError: If it takes too long.
        """
        if self._unpacker:
            try:
                piece = self._unpacker.decompress(piece, self._most - len(self._taken) + 1)
            except zlib.error as error:
                raise APIResponseError(f"{self._name} cannot be unpacked ({error})") from None
        self._check(len(self._taken) + len(piece))
        self._taken += piece
        if time.monotonic() > self._end:
            raise APITimeoutError(f"{self._name} was still coming after {LONGEST_SECONDS:.0f} s")

    def content(self) -> bytes:
        """Return what came.

        Raises:
            APIResponseError: If it came packed, and broken off or in several parts.
        """
        if self._unpacker and (not self._unpacker.eof or self._unpacker.unused_data):
            raise APIResponseError(f"{self._name} cannot be unpacked: its end is missing, or something follows it")
        return bytes(self._taken)

    def _check(self, size: int) -> None:
        if size > self._most:
            raise InvalidParameterError(
                f"{self._name} has more than {self._most:,} bytes, the most that is taken",
                param="url",
                hint="Fetch a smaller one, or allow more with max_bytes=... where the caller may choose it",
            )
