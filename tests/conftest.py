"""What every test gets: no network but the loopback (see pyproject.toml), no key of the developer's, no proxy.

And how exchanges are recorded. A test marked `cassette` (or `vcr`, as langchain-tests' suites mark theirs) builds its
clients as a user does, without key or address: the environment points them where they belong. Its exchanges are played
from `tests/cassettes/<path of the module>/<test>.yaml`; with `--record` they are made anew, live where `STEP_API_KEY`
is set, else on an emulator started for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import stepfun_emulator
from tests.tape import Persister, Source

TESTS = Path(__file__).parent

_ENVIRONMENT = (
    *("STEP_API_KEY", "STEPFUN_API_KEY", "STEPFUN_BASE_URL", "MODELVERSE_API_KEY", "MODELVERSE_BASE_URL"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
)

# Taken before any test clears the environment: recording needs the developer's key after all.
_KEY = os.environ.get("STEP_API_KEY") or os.environ.get("STEPFUN_API_KEY") or ""
_MODELVERSE_KEY = os.environ.get("MODELVERSE_API_KEY") or ""
_BASE_URL = os.environ.get("STEPFUN_BASE_URL") or None
_NO_KEY = "sk-needed-by-nobody"
_LIVE = Source("live", _BASE_URL, _KEY, os.environ.get("MODELVERSE_BASE_URL") or None, _MODELVERSE_KEY)
_PLAYED = Source("emulator", None, _NO_KEY, None, _NO_KEY)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="record the cassettes again: live where STEP_API_KEY is set, else from the emulator",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let `cassette` and `vcr` mean the same; give the network to those alone that record live."""
    live = config.getoption("--record") and bool(_KEY)
    for item in items:
        if item.get_closest_marker("vcr"):
            item.add_marker("cassette")
        elif item.get_closest_marker("cassette"):
            item.add_marker("vcr")
        if live and item.get_closest_marker("cassette"):
            item.add_marker("enable_socket")
            if item.get_closest_marker("modelverse") and not _MODELVERSE_KEY:
                item.add_marker(pytest.mark.skip(reason="set MODELVERSE_API_KEY: this records what is on modelverse"))


# As httpx has them. vcrpy wraps them while a cassette is in use; a test without one must meet no wrapper left behind.
_TRANSPORTS = [
    (transport, name, getattr(transport, name))
    for transport, name in (
        (httpx.HTTPTransport, "handle_request"),
        (httpx.MockTransport, "handle_request"),
        (httpx.AsyncHTTPTransport, "handle_async_request"),
        (httpx.MockTransport, "handle_async_request"),
    )
]


@pytest.fixture(autouse=True)
def plain_transports(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A test that plays no cassette has httpx as it is."""
    if not request.node.get_closest_marker("cassette"):
        for transport, name, plain in _TRANSPORTS:
            monkeypatch.setattr(transport, name, plain)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A unit test sees neither keys nor proxies of the machine it runs on; a recorded one sees where it is played."""
    if "integration_tests" in request.path.parts:
        return
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    if request.node.get_closest_marker("cassette"):
        source: Source = request.getfixturevalue("recording_source")
        places = {"STEPFUN_BASE_URL": source.base_url, "MODELVERSE_BASE_URL": source.modelverse_url}
        keys = {"STEP_API_KEY": source.key, "MODELVERSE_API_KEY": source.modelverse_key}
        for name, value in {**keys, **places}.items():
            if value:
                monkeypatch.setenv(name, value)


# --- Cassettes: pytest-recording's fixtures, set for this project ----------------------------------------------------


@pytest.fixture(scope="session")
def recording_source(pytestconfig: pytest.Config) -> Iterator[Source]:
    """Where recorded tests are pointed."""
    if _KEY and pytestconfig.getoption("--record"):
        yield _LIVE
    elif pytestconfig.getoption("--record"):
        with stepfun_emulator.serving() as served:
            yield Source("emulator", served.base_url, _NO_KEY, served.modelverse_url, _NO_KEY)
    else:
        yield _PLAYED


@pytest.fixture(scope="session")
def record_mode(pytestconfig: pytest.Config) -> str:
    return "rewrite" if pytestconfig.getoption("--record") else "none"


@pytest.fixture(scope="session")
def vcr_config(recording_source: Source) -> dict[str, Any]:
    return recording_source.vcr_config()


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    """`tests/cassettes`, and in it the module's path: `unit_tests/langchain_stepfun/test_recorded.py` has its own."""
    module = request.path.relative_to(TESTS).with_suffix("")
    return str(TESTS / "cassettes" / module.relative_to(module.parts[0]))


def pytest_recording_configure(config: pytest.Config, vcr: Any) -> None:
    vcr.register_persister(Persister(_LIVE if _KEY else _PLAYED))


# --- The emulator ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def emulator() -> Iterator[stepfun_emulator.Emulator]:
    """One emulator for all tests that only ask it things; it knows what it received."""
    with stepfun_emulator.serving() as served:
        yield served
