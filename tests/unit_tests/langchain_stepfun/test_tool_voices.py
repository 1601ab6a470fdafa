"""StepFunVoiceClone: it costs money, so it is switched on by hand, checked before it is sent, and sent once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.tools import ToolException
from pydantic import ValidationError

from langchain_stepfun import StepFunASR, StepFunTTS, StepFunVoiceClone
from langchain_stepfun.tools.artifacts import audio_artifact
from stepfun_client import APIConnectionError
from stepfun_client.audio import Audio
from tests.unit_tests.langchain_stepfun.tooling import SERVICE, Use

if TYPE_CHECKING:
    from pathlib import Path

    from stepfun_emulator import Emulator


def silence(seconds: float) -> Audio:
    return Audio.of(bytes(int(seconds * 16000) * 2), format="pcm", sample_rate=16000).to_wav()


@pytest.mark.parametrize("settings", [{}, {"confirm_paid": False}])
def test_it_refuses_to_be_made_by_accident(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="confirm_paid=True"):
        StepFunVoiceClone(**settings)


async def test_a_voice_is_cloned_and_can_speak(tools, use: Use, emulator: Emulator) -> None:
    clone = tools(StepFunVoiceClone, confirm_paid=True)

    message = await use(clone, audio=audio_artifact(silence(6)), text="Nothing at all.")

    voice = message.artifact["extras"]["voice_id"]
    assert voice in message.content
    sent = next(request.body for request in emulator.requests if request.path == "/v1/audio/voices")
    assert (sent["model"], sent["text"]) == ("step-tts-2", "Nothing at all.")
    spoken = await use(tools(StepFunTTS, voice=voice), text="Hello.")
    assert spoken.artifact["extras"]["voice"] == voice


async def test_the_sample_is_a_recording_like_any_other(tools, use: Use) -> None:
    tool = tools(StepFunVoiceClone, confirm_paid=True)

    message = await use(tool, audio=audio_artifact(silence(7)), text="Good morning.")

    assert message.artifact["type"] == "audio"
    assert message.artifact["id"] in message.content
    assert (await use(tools(StepFunASR), audio=message.artifact)).content == "Good morning."


@pytest.mark.parametrize("seconds", [4.9, 10.1])
async def test_a_recording_of_the_wrong_length_is_told_to_the_model_unpaid(tools, use, emulator, seconds) -> None:
    with pytest.raises(ToolException, match="from 5 to 10 s"):
        await use(tools(StepFunVoiceClone, confirm_paid=True), audio=silence(seconds))

    assert not emulator.requests


@pytest.mark.parametrize("given", ["http://127.0.0.1/a.wav", "/etc/passwd", "../secret.wav", "last", "file:///a.wav"])
async def test_a_recording_comes_from_where_it_may(tools, use: Use, emulator, tmp_path: Path, given: str) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "secret.wav").write_bytes(silence(6).content)
    tool = tools(StepFunVoiceClone, confirm_paid=True, root_dir=tmp_path / "open")

    with pytest.raises(ToolException):
        await use(tool, audio=given)

    assert not emulator.requests


class Losing:
    """A service that takes the upload and loses the connection at the clone; or clones without a sample."""

    def __init__(self, *, loses: bool) -> None:
        self.loses = loses
        self.paths: list[str] = []

    def tool(self) -> StepFunVoiceClone:
        transport = httpx.MockTransport(self._answer)
        return StepFunVoiceClone(
            api_key="any",
            base_url=SERVICE,
            confirm_paid=True,
            max_retries=5,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if request.url.path == "/v1/files":
            file = {"id": "file-1", "object": "file", "bytes": 1, "created_at": 1, "filename": "sample.wav"}
            return httpx.Response(200, json={**file, "purpose": "storage", "status": "success"})
        if self.loses:
            raise httpx.ReadError("lost")
        return httpx.Response(200, json={"id": "voice-1", "object": "audio.voice", "duplicated": True})


async def test_a_clone_whose_fate_is_unknown_is_not_sent_again(use: Use) -> None:
    service = Losing(loses=True)

    with pytest.raises(APIConnectionError, match="before paying again"):
        await use(service.tool(), audio=silence(6))

    assert service.paths.count("/v1/audio/voices") == 1


async def test_a_voice_without_a_sample_is_a_text(use: Use) -> None:
    message = await use(Losing(loses=False).tool(), audio={"type": "audio", "base64": _encoded(silence(6))})

    assert message.content == "The cloned voice's id is voice-1. It had been cloned before."
    assert message.artifact == {
        "type": "text",
        "text": "voice-1",
        "extras": {"voice_id": "voice-1", "duplicated": True},
    }


def _encoded(audio: Audio) -> str:
    return base64.b64encode(audio.content).decode()
