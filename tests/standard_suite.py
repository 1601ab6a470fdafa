"""langchain-tests' integration suite for ChatStepFun, and the files it would fetch: run recorded, and run live."""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_stepfun import ChatStepFun

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

DATA = Path(__file__).parent / "data"
SAMPLES = {".jpg": "meadow.jpg", ".jpeg": "meadow.jpg", ".png": "meadow.png", ".wav": "tone.wav"}


def serve_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the suite's fetches a file of the same kind from `tests/data`."""

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=(DATA / SAMPLES[Path(url).suffix.lower()]).read_bytes())

    monkeypatch.setattr("langchain_tests.integration_tests.chat_models.httpx.get", get)


class StandardSuite(ChatModelIntegrationTests):
    """What ChatStepFun declares that it can do, each with a model of StepFun's that can."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatStepFun

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "step-3.7-flash"}

    @pytest.fixture
    def model(self, request: Any) -> BaseChatModel:
        """The suite's model; a test of sound gets the one that hears, a test of json_schema one that keeps to it."""
        if "audio" in request.node.name:
            return ChatStepFun(model="step-audio-2")
        return ChatStepFun(model="step-3.7-flash")

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "step-3.5-flash"

    @property
    def enable_vcr_tests(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> Any:
        return {"invoke": ["cache_read_input"], "stream": ["cache_read_input"]}

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        """Ask twice with a prompt above the 256 tokens StepFun caches in; the second time it is read from there."""
        model, prompt = (
            ChatStepFun(model="step-3.7-flash"),
            f"{'To be, or not to be, that is the question. ' * 60}Who wrote it?",
        )
        model.invoke(prompt)
        answers = list(model.stream(prompt)) if stream else [model.invoke(prompt)]
        return reduce(add, answers)

    supports_image_inputs = supports_image_urls = supports_video_inputs = supports_audio_inputs = True
    supports_image_tool_message = supports_json_mode = supports_anthropic_inputs = True
