"""langchain-tests' integration suite a second time, live: the same declarations as in the recorded run."""

from __future__ import annotations

import pytest

from tests.standard_suite import StandardSuite, serve_samples


@pytest.fixture(autouse=True)
def samples(monkeypatch: pytest.MonkeyPatch) -> None:
    serve_samples(monkeypatch)


class TestChatStepFunLive(StandardSuite):
    """The suite, against StepFun."""

    @property
    def enable_vcr_tests(self) -> bool:
        """Nothing is recorded here; the one test that only measures a recorded stream has run from its cassette."""
        return False
