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

from langchain_stepfun import (
    StepFunASR,
    StepFunImageEdit,
    StepFunImageGen,
    StepFunImageToImage,
    StepFunSearchRetriever,
    StepFunTTS,
    StepFunVoiceClone,
    StepFunWebSearch,
)
from langchain_stepfun.tools.artifacts import audio_artifact, picture_artifact
from stepfun_client import Picture
from stepfun_client.audio import Audio

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

    from stepfun_emulator import Emulator

DATA = Path(__file__).parents[2] / "data"
TONE = DATA / "tone.wav"
MEADOW = picture_artifact(Picture.of((DATA / "meadow.png").read_bytes()))
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


class Drawing:
    kind = StepFunImageGen
    settings: ClassVar[dict[str, Any]] = {"show_to_model": True}
    example: ClassVar[dict[str, Any]] = {"prompt": "a red house", "shape": "wide", "seed": 7}


class Editing:
    kind = StepFunImageEdit
    settings: ClassVar[dict[str, Any]] = {"model_may_set": ("seed", "text_mode")}
    example: ClassVar[dict[str, Any]] = {"image": MEADOW, "prompt": "make it night", "text_mode": False}


class Transforming:
    kind = StepFunImageToImage
    settings: ClassVar[dict[str, Any]] = {"model": "step-1x-medium", "size": "512x512"}
    example: ClassVar[dict[str, Any]] = {"image": MEADOW, "prompt": "in watercolours", "seed": 7}


class TestStepFunTTSUnit(Speaking, Standard, ToolsUnitTests): ...


class TestStepFunTTSEmulated(Speaking, Emulated, ToolsIntegrationTests): ...


class TestStepFunASRUnit(Listening, Standard, ToolsUnitTests): ...


class TestStepFunASREmulated(Listening, Emulated, ToolsIntegrationTests): ...


class TestStepFunVoiceCloneUnit(Cloning, Standard, ToolsUnitTests): ...


class TestStepFunVoiceCloneEmulated(Cloning, Emulated, ToolsIntegrationTests): ...


class TestStepFunWebSearchUnit(Searching, Standard, ToolsUnitTests): ...


class TestStepFunWebSearchEmulated(Searching, Emulated, ToolsIntegrationTests): ...


class TestStepFunImageGenUnit(Drawing, Standard, ToolsUnitTests): ...


class TestStepFunImageGenEmulated(Drawing, Emulated, ToolsIntegrationTests): ...


class TestStepFunImageEditUnit(Editing, Standard, ToolsUnitTests): ...


class TestStepFunImageEditEmulated(Editing, Emulated, ToolsIntegrationTests): ...


class TestStepFunImageToImageUnit(Transforming, Standard, ToolsUnitTests): ...


class TestStepFunImageToImageEmulated(Transforming, Emulated, ToolsIntegrationTests): ...


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
