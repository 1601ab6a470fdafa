"""Text -> speech -> text with LangChain's tools, by each way to speak: whole, as a stream, and over the WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_stepfun import StepFunASR, StepFunTTS
from stepfun_client.audio import Audio

if TYPE_CHECKING:
    from stepfun_emulator import Emulator
    from tests.unit_tests.langchain_stepfun.tooling import Use

TEXT = "智能阶跃，十倍每一个人的可能。Hello, 3.14 is pi!"
ASKED: dict[str, Any] = {"model": "step-tts-2", "voice": "cixingnansheng"}


@pytest.fixture
def settings(emulator: Emulator) -> dict[str, Any]:
    return {"api_key": "any", "base_url": emulator.base_url}


@pytest.mark.parametrize("form", ["wav", "mp3", "pcm"])
async def test_what_the_tool_says_the_other_hears(settings: dict[str, Any], use: Use, form: str) -> None:
    spoken = await use(StepFunTTS(**settings, format=form), text=TEXT)
    assert spoken.artifact["mime_type"] == {"wav": "audio/wav", "mp3": "audio/mpeg", "pcm": "audio/pcm"}[form]
    heard = await use(StepFunASR(**settings), audio=spoken.artifact)
    assert heard.artifact["text"] == TEXT


@pytest.mark.parametrize("form", ["wav", "mp3", "pcm"])
@pytest.mark.parametrize("source", [TEXT, tuple(TEXT)], ids=["stream", "websocket"])
async def test_what_is_streamed_the_tool_hears(settings: dict[str, Any], use: Use, form: str, source: Any) -> None:
    tool = StepFunTTS(**settings)
    asked = {**ASKED, "input": source, "response_format": form}
    if use.__name__ == "_ainvoke":
        audio = await tool.async_client.speech.stream(**asked).audio()
    else:
        audio = tool.client.speech.stream(**asked).audio()
    assert isinstance(audio, Audio)
    heard = await use(StepFunASR(**settings), audio=audio)
    assert heard.artifact["text"] == TEXT
