"""What every test gets: no network but the loopback (see pyproject.toml), no key of the developer's, no proxy."""

from __future__ import annotations

import pytest

_ENVIRONMENT = ("STEP_API_KEY", "STEPFUN_API_KEY", "STEPFUN_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A unit test sees neither keys nor proxies of the machine it runs on."""
    if "integration_tests" in request.path.parts:
        return
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
