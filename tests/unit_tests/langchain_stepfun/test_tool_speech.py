"""StepFunTTS: what a model may say and what it may not, what the program gets, and where files go."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.tools import ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from langchain_stepfun import StepFunTTS
from stepfun_client import AuthenticationError
from stepfun_client.audio import Audio
from stepfun_client.catalog import MODELS
from tests.unit_tests.langchain_stepfun.tooling import Use, called

if TYPE_CHECKING:
    from pathlib import Path

    from stepfun_emulator import Emulator

SENTENCE = "Good morning. How are you?"


def parameters(tool: StepFunTTS) -> dict[str, Any]:
    return convert_to_openai_tool(tool)["function"]["parameters"]


async def test_a_text_is_spoken(tools, use: Use) -> None:
    message = await use(tools(StepFunTTS), text=SENTENCE)

    block = message.artifact
    assert block["type"] == "audio"
    assert block["mime_type"] == "audio/mpeg"
    spoken = Audio.of(base64.b64decode(block["base64"]))
    assert spoken.format == "mp3"
    assert block["extras"]["duration_seconds"] == pytest.approx(spoken.duration_seconds)
    assert block["extras"]["sample_rate"] == 24000
    assert block["extras"]["voice"] == "cixingnansheng"
    assert block["extras"]["text"] == SENTENCE
    assert block["id"] in message.content
    assert len(message.content) < 200


async def test_the_developers_settings_go_out(tools, use: Use, emulator: Emulator) -> None:
    tool = tools(
        StepFunTTS,
        voice="linjiajiejie",
        format="wav",
        speed=1.5,
        volume=0.5,
        sample_rate=16000,
        voice_label={"emotion": "高兴"},
        pronunciation_map={"tone": ["阿胶/e1胶"]},
        markdown_filter=True,
    )

    message = await use(tool, text=SENTENCE)

    assert message.artifact["mime_type"] == "audio/wav"
    assert message.artifact["extras"]["sample_rate"] == 16000
    assert emulator.requests[-1].body == {
        "model": "step-tts-2",
        "input": SENTENCE,
        "voice": "linjiajiejie",
        "response_format": "wav",
        "speed": 1.5,
        "volume": 0.5,
        "sample_rate": 16000,
        "voice_label": {"emotion": "高兴"},
        "pronunciation_map": {"tone": ["阿胶/e1胶"]},
        "markdown_filter": True,
    }


def test_a_model_may_set_the_text_alone() -> None:
    assert set(parameters(StepFunTTS())["properties"]) == {"text"}
    assert parameters(StepFunTTS())["required"] == ["text"]


async def test_what_a_model_sends_beside_its_arguments_is_refused(tools, use, emulator, tmp_path) -> None:
    smuggled = {"voice": "cloned", "format": "wav", "model": "x", "output_dir": str(tmp_path), "speed": 2, "path": "y"}

    with pytest.raises(ToolException, match=r"takes no voice, format, model, .*; it takes text\. "):
        await use(tools(StepFunTTS), text=SENTENCE, **smuggled)
    told = await use(tools(StepFunTTS, handle_tool_error=True), text=SENTENCE, speed=2)

    assert (told.status, emulator.requests) == ("error", [])
    assert told.content.startswith("stepfun_text_to_speech takes no speed; it takes text.")
    assert list(tmp_path.iterdir()) == []


async def test_what_is_listed_a_model_may_set(tools, use: Use, emulator: Emulator) -> None:
    tool = tools(StepFunTTS, speed=1, model_may_set=["voice", "speed", "emotion", "format", "sample_rate", "volume"])

    chosen = {"voice": "linjiajiejie", "speed": 2, "emotion": "悲伤", "format": "wav", "sample_rate": 8000, "volume": 2}
    message = await use(tool, text=SENTENCE, **chosen)

    sent = emulator.requests[-1].body
    assert (sent["voice"], sent["speed"], sent["voice_label"]) == ("linjiajiejie", 2, {"emotion": "悲伤"})
    assert (sent["response_format"], sent["sample_rate"], sent["volume"]) == ("wav", 8000, 2)
    assert message.artifact["extras"]["voice"] == "linjiajiejie"


async def test_what_a_model_leaves_out_stays_the_developers(tools, use: Use, emulator: Emulator) -> None:
    tool = tools(StepFunTTS, voice_label={"style": "慢速"}, speed=1.5, model_may_set=["speed", "emotion"])

    await use(tool, text=SENTENCE, speed=None)

    sent = emulator.requests[-1].body
    assert (sent["speed"], sent["voice_label"]) == (1.5, {"style": "慢速"})


def test_what_a_model_may_choose_among_stands_in_the_schema() -> None:
    tool = StepFunTTS(voice="mine", voices=["yours"], model_may_set=["voice", "speed", "style", "model"])

    shown = {name: kind["anyOf"][0] for name, kind in parameters(tool)["properties"].items() if "anyOf" in kind}

    assert shown["voice"]["enum"] == ["mine", "yours"]
    assert (shown["speed"]["minimum"], shown["speed"]["maximum"]) == (0.5, 2)
    assert "骄傲" in shown["style"]["enum"]
    assert shown["model"]["enum"] == [name for name, info in MODELS.items() if info.speech]
    other = StepFunTTS(model="step-tts-mini", model_may_set=["style"])
    assert "骄傲" not in str(parameters(other))


@pytest.mark.parametrize(
    "wrong", [{"voice": "anybody"}, {"speed": 3}, {"speed": "fast"}, {"emotion": "furious"}, {"text": ""}]
)
async def test_a_value_that_is_not_offered_is_refused(tools, use: Use, emulator: Emulator, wrong: dict) -> None:
    tool = tools(StepFunTTS, model_may_set=["voice", "speed", "emotion"])

    with pytest.raises(ValidationError):
        await use(tool, **{"text": SENTENCE, **wrong})

    assert not emulator.requests


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"text": "  \n"}, "^text is empty"), ({"emotion": "悲伤", "style": "慢速"}, "one of emotion, style and dialect")],
)
async def test_what_a_model_can_put_right_is_a_tool_exception(tools, use, emulator, wrong, said) -> None:
    tool = tools(StepFunTTS, model_may_set=["emotion", "style"])

    with pytest.raises(ToolException, match=said):
        await use(tool, **{"text": SENTENCE, **wrong})

    assert not emulator.requests


async def test_moderation_is_told_to_the_model(tools, use: Use) -> None:
    tool = tools(StepFunTTS, handle_tool_error=True)

    message = await use(tool, text="censored-by-emulator")

    assert message.status == "error"
    assert "say it differently" in message.content


async def test_what_only_the_developer_can_put_right_is_raised(tools, use: Use) -> None:
    with pytest.raises(AuthenticationError):
        await use(tools(StepFunTTS, api_key="invalid-key", handle_tool_error=True), text=SENTENCE)


@pytest.mark.parametrize(
    ("settings", "said", "most"),
    [
        ({}, {"text": "x" * 5001}, "5,000"),
        ({"max_characters": 3}, {"text": "four"}, "3"),
        ({"format": "flac"}, {"text": "One sentence. " * 100}, "1,000"),
        ({"format": "opus", "max_characters": 10}, {"text": "x" * 11}, "10"),
        ({"model_may_set": ["format"]}, {"text": "One sentence. " * 100, "format": "opus"}, "1,000"),
    ],
)
async def test_a_model_has_only_so_much_spoken_at_once(tools, use: Use, emulator, *, settings, said, most) -> None:
    message = await use(tools(StepFunTTS, handle_tool_error=True, **settings), **said)

    assert message.status == "error"
    assert f"text has {len(said['text']):,} characters; allowed are {most}. Say less" in message.content
    assert emulator.requests == []


async def test_a_long_text_is_one_recording(tools, use: Use, emulator: Emulator) -> None:
    message = await use(tools(StepFunTTS, format="wav"), text="This is a sentence. " * 110)

    assert len(emulator.requests) == 3
    whole = Audio.of(base64.b64decode(message.artifact["base64"]))
    assert whole.duration_seconds == pytest.approx(message.artifact["extras"]["duration_seconds"])


# --- Files -----------------------------------------------------------------------------------------------------------


async def test_nothing_is_written_by_default(tools, use: Use, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    message = await use(tools(StepFunTTS), text=SENTENCE)

    assert list(tmp_path.iterdir()) == []
    assert "path" not in message.artifact["extras"]


async def test_a_file_is_written_where_the_developer_says(tools, use: Use, tmp_path: Path) -> None:
    tool = tools(StepFunTTS, format="wav", output_dir=tmp_path / "new" / "folder")

    first = await use(tool, text="../../evil.wav")
    second = await use(tool, text="../../evil.wav")

    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert len(files) == 2
    assert {str(file) for file in files} == {message.artifact["extras"]["path"] for message in (first, second)}
    assert all(file.name.startswith("speech-") and file.suffix == ".wav" for file in files)
    assert "evil" not in " ".join(map(str, files))
    written = files[0].read_bytes()
    assert base64.b64encode(written).decode() in (first.artifact["base64"], second.artifact["base64"])
    assert first.artifact["extras"]["path"] in first.content


# --- Settings that are wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_may_set": ["output_dir"]}, "model_may_set holds 'output_dir'"),
        ({"model_may_set": ["api_key"]}, "the developer's alone"),
        ({"model_may_set": ["emotion"], "model": "stepaudio-2.5-tts"}, "takes no voice_label"),
        ({"model_may_set": ["instruction"]}, "takes no instruction"),
        ({"response_format": "wav"}, "format='wav'"),
        ({"response_format": "content"}, "always 'content_and_artifact'"),
        ({"format": "aac"}, "format"),
        ({"speed": 3}, "speed"),
        ({"model": "step-3.7-flash"}, "does not speak"),
        ({"voice_label": {"emotion": "furious"}}, "emotion"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(settings: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StepFunTTS(**settings)


def test_text_may_be_listed_and_changes_nothing() -> None:
    assert StepFunTTS(model_may_set=("text", "speed", "speed")).model_may_set == ("speed",)
    assert StepFunTTS(model_may_set="speed").model_may_set == ("speed",)


async def test_a_model_that_is_not_known_yet_passes(tools, use: Use, emulator: Emulator) -> None:
    tool = tools(StepFunTTS, model="stepaudio-9-tts", model_may_set=["instruction", "emotion"], format="wav")

    with pytest.raises(Exception, match="stepaudio-9-tts"):  # the service's matter, not ours
        await use(tool, text=SENTENCE)

    assert emulator.requests[-1].body["model"] == "stepaudio-9-tts"


def test_a_plain_call_returns_the_sentence(tools) -> None:
    assert "The recording's id is audio_" in tools(StepFunTTS).invoke({"text": SENTENCE})
    assert tools(StepFunTTS).invoke(called(StepFunTTS(), {"text": SENTENCE})).name == "stepfun_text_to_speech"
