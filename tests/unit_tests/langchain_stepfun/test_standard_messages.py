"""langchain-tests' standard suites over the Messages API, against the emulator.

What is skipped is inherent: the Messages API takes text and pictures only. Nothing is recorded, so nothing is replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_stepfun import ChatStepFun
from tests.standard_suite import StandardSuite, serve_samples

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from stepfun_emulator import Emulator


@pytest.fixture(autouse=True)
def at_the_emulator(clean_environment: None, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEP_API_KEY", "any")
    monkeypatch.setenv("STEPFUN_BASE_URL", emulator.base_url)
    serve_samples(monkeypatch)


class TestChatStepFunOverMessages(StandardSuite):
    """The integration suite, with what this API takes."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "step-3.7-flash", "api": "messages"}

    @pytest.fixture
    def model(self, request: Any) -> BaseChatModel:
        return ChatStepFun(**self.chat_model_params)

    @property
    def enable_vcr_tests(self) -> bool:
        return False

    @property
    def supported_usage_metadata_details(self) -> Any:
        return {"invoke": [], "stream": []}

    supports_video_inputs = supports_audio_inputs = False
