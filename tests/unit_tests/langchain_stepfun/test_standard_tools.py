"""langchain-tests' standard suites for the tools and the retriever, unit and integration, with no xfail.

The integration suites run against the emulator: what a tool says differs each time (ids), so nothing is recorded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_stepfun import StepFunASR, StepFunSearchRetriever, StepFunTTS, StepFunVoiceClone, StepFunWebSearch
from langchain_stepfun.tools.artifacts import audio_artifact
from stepfun_client.audio import Audio

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

    from stepfun_emulator import Emulator

TONE = Path(__file__).parents[2] / "data" / "tone.wav"
SIX_SECONDS = Audio.of(bytes(6 * 2 * 16000), format="pcm", sample_rate=16000).to_wav()


class Standard:
    """What both suites are told about a tool."""

    kind: type[BaseTool]
    settings: ClassVar[dict[str, Any]] = {}
    example: ClassVar[dict[str, Any]]

    @property
    def tool_constructor(self) -> type[BaseTool]:
        return self.kind

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"api_key": "any", "max_retries": 0, **self.settings}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return self.example

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"STEP_API_KEY": "sk-env"}, self.settings, {"api_key": "sk-env"}


class Emulated(Standard):
    """And where the integration suites find StepFun."""

    @pytest.fixture
    async def tool(self, emulator: Emulator) -> AsyncIterator[BaseTool]:
        made: Any = self.kind(**self.tool_constructor_params, base_url=emulator.base_url)
        yield made
        made.client.close()
        await made.async_client.aclose()


class Speaking:
    kind = StepFunTTS
    settings: ClassVar[dict[str, Any]] = {"model_may_set": ("voice", "speed")}
    example: ClassVar[dict[str, Any]] = {"text": "Good morning.", "voice": "linjiajiejie", "speed": 1.5}


class Listening:
    kind = StepFunASR
    settings: ClassVar[dict[str, Any]] = {"timestamps": True}
    example: ClassVar[dict[str, Any]] = {"audio": audio_artifact(Audio.of(TONE.read_bytes()))}


class Cloning:
    kind = StepFunVoiceClone
    settings: ClassVar[dict[str, Any]] = {"confirm_paid": True}
    example: ClassVar[dict[str, Any]] = {"audio": audio_artifact(SIX_SECONDS)}


class Searching:
    kind = StepFunWebSearch
    example: ClassVar[dict[str, Any]] = {"query": "StepFun"}


class TestStepFunTTSUnit(Speaking, Standard, ToolsUnitTests): ...


class TestStepFunTTSEmulated(Speaking, Emulated, ToolsIntegrationTests): ...


class TestStepFunASRUnit(Listening, Standard, ToolsUnitTests): ...


class TestStepFunASREmulated(Listening, Emulated, ToolsIntegrationTests): ...


class TestStepFunVoiceCloneUnit(Cloning, Standard, ToolsUnitTests): ...


class TestStepFunVoiceCloneEmulated(Cloning, Emulated, ToolsIntegrationTests): ...


class TestStepFunWebSearchUnit(Searching, Standard, ToolsUnitTests): ...


class TestStepFunWebSearchEmulated(Searching, Emulated, ToolsIntegrationTests): ...


class TestStepFunSearchRetrieverEmulated(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def service(self, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STEP_API_KEY", "any")
        monkeypatch.setenv("STEPFUN_BASE_URL", emulator.base_url)

    @pytest.fixture
    async def retriever(self) -> AsyncIterator[BaseRetriever]:
        made = StepFunSearchRetriever()
        yield made
        made.client.close()
        await made.async_client.aclose()

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return StepFunSearchRetriever

    @property
    def retriever_query_example(self) -> str:
        return "StepFun"

    @property
    def num_results_arg_name(self) -> str:
        return "n"
