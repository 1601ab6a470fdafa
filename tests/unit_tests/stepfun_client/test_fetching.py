"""Fetching from addresses somebody else wrote: what is refused, what is connected to, and how much is read.

The internet is the loopback: names and public addresses are the tests' own, and who dials one reaches `server`.
"""

from __future__ import annotations

import gzip
import itertools
import socket
import ssl
import subprocess
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    InvalidParameterError,
)
from stepfun_client.core import fetching, transport
from stepfun_client.core.fetching import is_public

PUBLIC, OTHER = "93.184.216.34", "151.101.1.69"
MB = 1024 * 1024


@dataclass
class Internet:
    """Where names lead, one answer after the other, and who was dialled."""

    port: int
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)

    def name(self, host, *answers):
        self.names[host] = [list(answer) for answer in answers]

    def url(self, host, path="/a.wav"):
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def internet(server, monkeypatch):
    internet = Internet(int(server.base_url.split(":")[2].partition("/")[0]))
    internet.name("example.com", [PUBLIC])
    internet.name("localhost", ["127.0.0.1"])
    internet.name("localhost.", ["127.0.0.1", "::1"])
    look_up, dial = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host, port, *_args, **_options):
        if host not in internet.names:
            return look_up(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        internet.looked_up.append(host)
        answers = internet.names[host]
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in now]

    def connect(self, address):
        internet.dialled.append(address[:2])
        if address[0] in internet.dead:
            raise ConnectionRefusedError(111, "refused")
        return dial(self, ("127.0.0.1", *address[1:]) if address[0] in (PUBLIC, OTHER) else address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return internet


@pytest.fixture
def fetch(both, internet):
    """Fetches with a client of the real service, so that nothing on the loopback is its own."""

    async def fetch(url, *, client=None, **options):
        return await both.get((client or both.client(region="cn")).fetch(url, **options))

    return fetch


# --- What is refused ------------------------------------------------------------------------------------------------

HOSTILE = [
    "file:///etc/passwd",
    "ftp://example.com/a",
    "gopher://example.com/",
    "data:text/plain,hello",
    "//example.com/a",
    "/etc/passwd",
    "",
    "http://",
    "http:///a",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[not-an-address]/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://１２７.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://168.63.129.16/",
    "http://100.100.100.200/",
    "http://10.0.0.5/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://user:secret@example.com/",
    "http://user@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com:22/",
    "http://example.com:0x50/",
    "http://example.com:99999/",
    "http://exa mple.com/",
    "http://example.com/a\r\nHost: b",
    "http://" + "a" * 70 + "é.com/",
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_nothing_is_connected_to_for_a_hostile_address(url, fetch, internet, server):
    with pytest.raises(InvalidParameterError, match="Allowed are http and https URLs of public hosts") as refused:
        await fetch(url)

    assert refused.value.param == "url"
    assert "secret" not in str(refused.value)
    assert internet.dialled == []
    assert server.requests == []


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.5"], [PUBLIC, "10.0.0.5"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, "fe80::1%lo"], []],
)
async def test_one_private_address_among_several_refuses_a_name(addresses, fetch, internet):
    internet.name("trap.example", addresses)

    with pytest.raises(InvalidParameterError, match=r"trap\.example") as refused:
        await fetch(internet.url("trap.example", "/a?signature=hidden"))

    assert "hidden" not in str(refused.value)
    assert internet.dialled == []


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/secret",
        "http://localhost:{port}/",
        "//169.254.169.254/latest",
        "http://rebound.example/",
        "file:///etc/passwd",
        "http://user:pass@example.com/",
        "http://[::1]:{port}/",
    ],
)
async def test_a_redirect_is_checked_like_any_address(location, fetch, internet, server, wire):
    internet.name("rebound.example", [PUBLIC, "192.168.0.1"])
    server.answers(wire.reply(b"", 302, location=location.format(port=internet.port)))

    with pytest.raises(InvalidParameterError, match="not fetched"):
        await fetch(internet.url("example.com"))

    assert internet.dialled == [(PUBLIC, internet.port)]


async def test_a_redirect_loop_ends_after_five(fetch, internet, server, wire):
    server.answers(wire.reply(b"", 307, location="/again"))

    with pytest.raises(InvalidParameterError, match="redirected more than 5 times"):
        await fetch(internet.url("example.com"))

    assert len(server.requests) == 6


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_inside_ipv6_as_alone(address):
    assert is_public(f"::ffff:{address}") == is_public(f"64:ff9b::{address}") == is_public(str(address))
    assert not is_public(f"::{address}")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8", PUBLIC])
def test_the_internet_is_public(address):
    assert is_public(address)


def test_what_is_no_address_is_not_public():
    assert not is_public("example.com")


# --- What is fetched, and how -----------------------------------------------------------------------------------------


async def test_a_file_comes_with_its_type_and_its_last_address(fetch, internet, server, wire):
    internet.name("cdn.example", [OTHER])
    server.answers(
        wire.reply(b"", 301, location=internet.url("cdn.example", "/b c.wav?x=声")),
        wire.reply(b"RIFF", content_type="Audio/WAV; rate=8000"),
    )

    fetched = await fetch(internet.url("example.com"))

    assert (fetched.content, fetched.media_type) == (b"RIFF", "audio/wav")
    assert fetched.url == internet.url("cdn.example", "/b c.wav?x=声")
    assert [request.path for request in server.requests] == ["/a.wav", "/b%20c.wav?x=%E5%A3%B0"]
    assert [request.headers["host"] for request in server.requests] == [
        f"example.com:{internet.port}",
        f"cdn.example:{internet.port}",
    ]
    assert internet.dialled == [(PUBLIC, internet.port), (OTHER, internet.port)]


async def test_a_server_that_names_no_type_gives_none(fetch, internet, server):
    server.answers(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")

    assert (await fetch(internet.url("example.com"))).media_type is None


async def test_neither_key_nor_headers_of_the_client_are_sent(both, fetch, internet, server, wire):
    server.answers(wire.reply(b"", 302, location="/b", set_cookie="track=1"), wire.reply(b"x"))
    client = both.client(default_headers={"X-Tenant": "acme"})

    await fetch(internet.url("example.com"), client=client)

    for request in server.requests:
        assert wire.key not in str(request)
        assert set(request.headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}


async def test_a_proxy_of_the_environment_is_not_used(fetch, internet, server, wire, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.answers(wire.reply(b"x"))

    assert (await fetch(internet.url("example.com"))).content == b"x"


async def test_no_key_is_needed(fetch, internet, server, wire, both):
    server.answers(wire.reply(b"x"))

    assert (await fetch(internet.url("example.com"), client=both.client(api_key=None))).content == b"x"


async def test_a_name_that_leads_elsewhere_after_the_check_is_not_asked_again(fetch, internet, server, wire):
    internet.name("rebinding.example", [PUBLIC], ["127.0.0.1"])
    server.answers(wire.reply(b"x"))

    await fetch(internet.url("rebinding.example"))

    assert internet.looked_up == ["rebinding.example"]
    assert internet.dialled == [(PUBLIC, internet.port)]


@pytest.mark.usefixtures("naps")
async def test_another_address_is_tried_where_one_is_dead(fetch, internet, server, wire):
    internet.name("two.example", [OTHER, PUBLIC])
    internet.dead = {OTHER}
    server.answers(wire.reply(b"x"))

    assert (await fetch(internet.url("two.example"))).content == b"x"


async def test_a_name_that_leads_nowhere_is_said(fetch):
    with pytest.raises(APIConnectionError, match="leads nowhere"):
        await fetch("http://none.invalid/")


async def test_a_failing_server_is_asked_again(fetch, internet, server, wire, naps):
    server.answers(wire.error(503), [server.drop], wire.reply(b"x"))

    assert (await fetch(internet.url("example.com"))).content == b"x"
    assert len(naps) == 2


@pytest.mark.parametrize("status", [304, 401, 403, 404, 410])
async def test_a_refusal_of_another_server_speaks_of_no_key(status, fetch, internet, server, wire):
    server.answers(wire.reply(b"<h1>no</h1>", status))

    with pytest.raises(APIStatusError) as refused:
        await fetch(internet.url("example.com", "/a.wav?signature=hidden"))

    assert type(refused.value) is APIStatusError
    assert refused.value.status_code == status
    assert "could not be fetched" in str(refused.value)
    assert "key" not in str(refused.value)
    assert "hidden" not in str(refused.value)


async def test_a_server_that_falls_silent_is_a_timeout(fetch, internet, server, both):
    server.answers([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", server.stall])

    with pytest.raises(APITimeoutError, match="pass the file itself"):
        await fetch(internet.url("example.com"), timeout=0.1, client=both.client(max_retries=0))


async def test_a_server_that_drips_is_left(fetch, internet, server, monkeypatch, both):
    monkeypatch.setattr(fetching, "LONGEST_SECONDS", 0.05)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    server.answers(itertools.chain([head], *([b".", 0.02] for _ in range(500))))

    with pytest.raises(APITimeoutError, match="still coming"):
        await fetch(internet.url("example.com"), client=both.client(max_retries=0))


async def test_a_file_that_breaks_off_is_none(fetch, internet, server, both):
    server.answers([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", server.drop])

    with pytest.raises(APIConnectionError):
        await fetch(internet.url("example.com"), client=both.client(max_retries=0))


@pytest.mark.parametrize("option", ["max_bytes", "timeout"])
async def test_limits_are_above_zero(option, fetch, internet):
    with pytest.raises(InvalidParameterError, match="above 0") as refused:
        await fetch(internet.url("example.com"), **{option: 0})

    assert refused.value.param == option


# --- How much is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [True, False])
async def test_a_gigabyte_is_not_read(declared, fetch, internet, server):
    sent = []

    def gigabyte():
        yield b"HTTP/1.1 200 OK\r\n" + (b"content-length: %d\r\n\r\n" % 2**30 if declared else b"\r\n")
        for _ in range(2**14):
            sent.append(1)
            yield bytes(2**16)

    server.answers(gigabyte())

    with pytest.raises(InvalidParameterError, match="more than 1,000,000 bytes") as refused:
        await fetch(internet.url("example.com"), max_bytes=1_000_000)

    assert refused.value.param == "url"
    assert len(server.requests) == 1
    server.wait_for(lambda: not server.open)
    assert len(sent) * 2**16 < 64 * MB


async def test_exactly_as_much_as_allowed_is_read(fetch, internet, server, wire):
    server.answers(wire.reply(bytes(1000)))

    assert len((await fetch(internet.url("example.com"), max_bytes=1000)).content) == 1000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_small_file_that_unpacks_to_much_is_not_unpacked(encoding, fetch, internet, server, wire):
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    server.answers(wire.reply(pack(bytes(100 * MB)), content_encoding=encoding))

    with pytest.raises(InvalidParameterError, match="more than"):
        await fetch(internet.url("example.com"), max_bytes=MB)


async def test_what_comes_packed_unasked_is_unpacked(fetch, internet, server, wire):
    server.answers(wire.reply(gzip.compress(b"hello" * 100), content_encoding="gzip"))

    assert (await fetch(internet.url("example.com"))).content == b"hello" * 100
    assert server.requests[0].headers["accept-encoding"] == "identity"


PACKED = gzip.compress(b"hello")
BADLY_PACKED = [("gzip", b"no gzip"), ("gzip", PACKED[:-4]), ("gzip", PACKED * 2), ("gzip", b""), ("br", b"x")]


@pytest.mark.parametrize("packed", BADLY_PACKED)
async def test_what_is_packed_badly_is_said(packed, fetch, internet, server, wire):
    encoding, content = packed
    server.answers(wire.reply(content, content_encoding=encoding))

    with pytest.raises(APIResponseError, match="packed"):
        await fetch(internet.url("example.com"))


# --- The service's own address ----------------------------------------------------------------------------------------


async def test_the_services_own_address_is_fetched_from_the_loopback(both, server, wire):
    server.answers(wire.reply(b"", 302, location="/b.png"), wire.reply(b"png", content_type="image/png"))
    own = server.base_url.removesuffix("/v1")

    fetched = await both.get(both.client(server).fetch(f"{own}/a.png"))

    assert (fetched.content, fetched.media_type, fetched.url) == (b"png", "image/png", f"{own}/b.png")
    assert all("authorization" not in request.headers for request in server.requests)


async def test_another_port_of_the_loopback_is_not_the_services_own(both, server):
    with pytest.raises(InvalidParameterError, match="no public address"):
        await both.get(both.client(server).fetch("http://127.0.0.1:1025/"))


async def test_the_services_own_address_leads_to_no_other_private_one(both, server, wire):
    server.answers(wire.reply(b"", 302, location="http://127.0.0.1:1025/"))

    with pytest.raises(InvalidParameterError, match="no public address"):
        await both.get(both.client(server).fetch(server.base_url))

    assert len(server.requests) == 1


async def test_nobody_else_leads_to_the_services_own_address(both, internet, server, wire):
    server.answers(wire.reply(b"", 302, location=f"{server.base_url}/secret"))

    with pytest.raises(InvalidParameterError, match="no public address"):
        await both.get(both.client(server).fetch(internet.url("example.com")))

    assert len(server.requests) == 1


async def test_an_injected_client_is_used_for_the_services_own_address_alone(both, internet, server, wire):
    asked = []

    def handler(request):
        asked.append(request)
        return httpx.Response(200, content=gzip.compress(b"own"), headers={"content-encoding": "gzip"})

    server.answers(wire.reply(b"foreign"))
    http = both.http(transport=httpx.MockTransport(handler), headers={"Authorization": f"Bearer {wire.key}"})
    client = both.client(server, http_client=http)

    own = await both.get(client.fetch(f"{server.base_url}/a"))
    foreign = await both.get(client.fetch(internet.url("example.com")))

    assert (own.content, foreign.content) == (b"own", b"foreign")
    assert len(asked) == 1
    assert wire.key not in str(asked[0].headers.raw)
    assert wire.key not in str(server.requests)


async def test_a_base_url_without_a_port_that_is_one_is_refused(both):
    with pytest.raises(InvalidParameterError) as refused:
        await both.get(both.client(base_url="http://localhost:port/v1").fetch("http://8.8.8.8/"))

    assert refused.value.param == "base_url"


async def test_an_address_that_cannot_be_sent_is_refused(fetch, internet):
    with pytest.raises(InvalidParameterError, match="cannot be sent"):
        await fetch(internet.url("example.com", "/" + "a" * 70_000))


# --- TLS --------------------------------------------------------------------------------------------------------------


_OPENSSL = [
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=example.com",
    "-addext",
    "subjectAltName=DNS:example.com",
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of `example.com`, trusted by nobody."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [*_OPENSSL, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def tls(certificate, internet):
    """A server with that certificate; the names it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve():
        while not ended.is_set():
            connection, _ = listening.accept()
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    thread = threading.Thread(target=serve)
    thread.start()
    internet.port = listening.getsockname()[1]
    yield asked_for
    ended.set()
    socket.create_connection(("127.0.0.1", internet.port)).close()
    thread.join()
    listening.close()


def trusting(folder: Path):
    context = httpx.create_ssl_context()
    context.load_verify_locations(folder / "cert.pem")
    return context


async def test_tls_asks_for_the_hosts_name_at_the_checked_address(fetch, internet, tls, certificate, monkeypatch):
    monkeypatch.setattr(transport, "_tls", lambda: trusting(certificate))

    fetched = await fetch(f"https://example.com:{internet.port}/")

    assert fetched.content == b"ok"
    assert tls == ["example.com"]
    assert internet.dialled == [(PUBLIC, internet.port)]


@pytest.mark.usefixtures("tls", "naps")
async def test_a_certificate_of_another_name_is_refused(fetch, internet, certificate, monkeypatch):
    monkeypatch.setattr(transport, "_tls", lambda: trusting(certificate))
    internet.name("other.example", [PUBLIC])

    with pytest.raises(APIConnectionError, match="not valid for 'other"):
        await fetch(f"https://other.example:{internet.port}/")


@pytest.mark.usefixtures("tls", "naps")
async def test_a_certificate_nobody_trusts_is_refused(fetch, internet):
    with pytest.raises(APIConnectionError, match=r"self.signed"):
        await fetch(f"https://example.com:{internet.port}/")
