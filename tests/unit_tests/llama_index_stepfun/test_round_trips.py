"""Text -> speech -> text with LlamaIndex's tools, by each way to speak: whole, as a stream, and over the WebSocket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llama_index_stepfun import StepFunAudioReader, StepFunToolSpec

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

TEXT = "智能阶跃，十倍每一个人的可能。Hello, 3.14 is pi!"
ASKED: dict[str, Any] = {"model": "step-tts-2", "voice": "cixingnansheng"}

asynchronous = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@pytest.fixture
def settings(emulator: Emulator) -> dict[str, Any]:
    return {"api_key": "any", "base_url": emulator.base_url}


@asynchronous
@pytest.mark.parametrize("form", ["wav", "mp3", "pcm"])
async def test_what_the_spec_says_it_hears(settings: dict[str, Any], form: str, *, is_async: bool) -> None:
    spec = StepFunToolSpec(**settings, response_format=form)
    tools = {tool.metadata.name: tool for tool in spec.to_tool_list()}
    use = (lambda name, value: tools[name].acall(value)) if is_async else (lambda name, value: tools[name].call(value))
    spoken = use("speak", TEXT)
    note, sound = (await spoken if is_async else spoken).blocks
    assert sound.resolve_audio().read()
    (name,) = (word.strip("'\".,;:()") for word in note.text.split() if "audio-" in word)
    heard = use("transcribe", name)
    assert TEXT in (await heard if is_async else heard).blocks[0].text


@asynchronous
@pytest.mark.parametrize("form", ["wav", "mp3"])
@pytest.mark.parametrize("source", [TEXT, tuple(TEXT)], ids=["stream", "websocket"])
async def test_what_is_streamed_the_reader_hears(
    settings: dict[str, Any], tmp_path: Path, form: str, source: Any, *, is_async: bool
) -> None:
    spec, reader = StepFunToolSpec(**settings), StepFunAudioReader(**settings)
    asked = {**ASKED, "input": source, "response_format": form}
    if is_async:
        path = (await spec.async_client.speech.stream(**asked).audio()).save(tmp_path / f"speech.{form}")
        (document,) = await reader.aload_data(path)
    else:
        path = spec.client.speech.stream(**asked).audio().save(tmp_path / f"speech.{form}")
        (document,) = reader.load_data(path)
    assert document.text == TEXT
