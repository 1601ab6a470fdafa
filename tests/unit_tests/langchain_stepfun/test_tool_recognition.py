"""StepFunASR: recordings of the conversation, of public addresses and of an open folder, and nothing else."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from langchain_stepfun import StepFunASR, StepFunTTS
from langchain_stepfun.tools.artifacts import audio_artifact
from langchain_stepfun.tools.naming import Address
from langchain_stepfun.tools.sources import find_recording
from stepfun_client import AuthenticationError
from stepfun_client.audio import Audio
from tests.unit_tests.langchain_stepfun.tooling import TONE, PublicService, Use, called, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

SENTENCE = "Good morning. How are you?"


@pytest.fixture
def spoken(tools: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Speak a text with the emulator, to an artifact."""

    def speak(text: str = SENTENCE, **settings: Any) -> dict[str, Any]:
        tool = tools(StepFunTTS, **{"format": "wav", **settings})
        return tool.invoke(called(tool, {"text": text})).artifact

    return speak


# --- What is heard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["wav", "mp3", "opus", "pcm"])
@pytest.mark.parametrize("model", ["stepaudio-2.5-asr", "step-asr"])
async def test_what_one_tool_speaks_the_other_writes_down(tools, use: Use, spoken, model: str, form: str) -> None:
    message = await use(tools(StepFunASR, model=model), audio=spoken(format=form))

    assert message.content == SENTENCE
    assert message.artifact["type"] == "text"
    assert message.artifact["text"] == SENTENCE
    assert message.artifact["extras"]["model"] == model


async def test_the_artifact_tells_when_things_are_said(tools, use: Use, spoken) -> None:
    message = await use(tools(StepFunASR, timestamps=True), audio=spoken())

    first, second = message.artifact["extras"]["segments"]
    assert (first["text"], second["text"]) == ("Good morning.", "How are you?")
    assert 0 <= first["start"] < first["end"] <= second["start"] < second["end"]


async def test_a_program_passes_the_recording_itself(tools, use: Use, spoken) -> None:
    block = spoken()
    content = base64.b64decode(block["base64"])
    tool = tools(StepFunASR)

    forms = [
        content,
        Audio.of(content),
        {"type": "audio", "base64": block["base64"], "mime_type": "audio/wav"},
        {"type": "audio", "url": f"data:audio/wav;base64,{block['base64']}"},
    ]

    assert [(await use(tool, audio=form)).content for form in forms] == [SENTENCE] * 4
    assert tool.invoke({"audio": block}) == SENTENCE
    assert await tool.ainvoke({"audio": block}) == SENTENCE


async def test_the_developers_settings_and_the_models_choices_go_out(tools, use: Use, spoken, emulator) -> None:
    tool = tools(StepFunASR, language="zh", hotwords=["阶跃"], enable_itn=True, model_may_set=["language"])

    await use(tool, audio=spoken(), language="en")

    sent = emulator.requests[-1].body["audio"]["input"]["transcription"]
    assert sent["language"] == "en"
    assert sent["hotwords"] == ["阶跃"]
    assert sent["enable_itn"] is True


def test_a_model_sees_a_text_and_nothing_of_the_agents_state() -> None:
    shown = convert_to_openai_tool(StepFunASR())["function"]["parameters"]

    assert set(shown["properties"]) == {"audio"}
    assert shown["properties"]["audio"]["type"] == "string"
    assert "path" not in shown["properties"]["audio"]["description"]
    assert "path" in StepFunASR(root_dir=Path()).args["audio"]["description"]


def test_what_a_model_may_not_set_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match="model_may_set holds 'root_dir'"):
        StepFunASR(model_may_set=["root_dir"])


async def test_an_error_of_the_developers_is_raised(tools, use: Use, spoken) -> None:
    with pytest.raises(AuthenticationError):
        await use(tools(StepFunASR, api_key="invalid-key", handle_tool_error=True), audio=spoken())


# --- The conversation ------------------------------------------------------------------------------------------------


def runtime_of(*messages: Any) -> SimpleNamespace:
    return SimpleNamespace(state={"messages": list(messages)})


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("reference", ["last", "call_0_0"])
async def test_in_an_agent_a_model_names_what_an_earlier_tool_made(tools, way, reference: str) -> None:
    say, listen = tools(StepFunTTS, format="wav"), tools(StepFunASR)
    model = scripted([(say.name, {"text": SENTENCE})], [(listen.name, {"audio": reference})])
    agent = create_agent(model, [say, listen])

    asked = {"messages": [HumanMessage("Say it, and listen to it.")]}
    state = agent.invoke(asked) if way == "invoke" else await agent.ainvoke(asked)

    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [message.content for message in results][1] == SENTENCE
    assert results[1].artifact["text"] == SENTENCE


async def test_recordings_go_by_their_id_and_the_last_is_the_newest(tools, use: Use, spoken) -> None:
    first, second = spoken("One."), spoken("Two.")
    sent = HumanMessage([{"type": "text", "text": "Listen"}, {"type": "audio", **_sound(spoken("Three."))}], id="mine")
    runtime = runtime_of(
        ToolMessage("x", tool_call_id="a", artifact=first),
        ToolMessage("x", tool_call_id="b", artifact=[second, {"type": "text", "text": "no sound"}]),
        ToolMessage("x", tool_call_id="c", artifact={"rows": 3}),
        sent,
        AIMessage("I see."),
    )
    tool = tools(StepFunASR)

    async def heard(name: str) -> str:
        return (await use(tool, audio=name, runtime=runtime)).content

    assert await heard(first["id"]) == "One."
    assert await heard("b") == "Two."
    assert await heard("last") == "Three."
    assert await heard("mine") == "Three."


def _sound(block: dict[str, Any]) -> dict[str, Any]:
    return {"base64": block["base64"], "mime_type": block["mime_type"]}


@pytest.mark.parametrize(
    "state", [lambda messages: messages, lambda messages: SimpleNamespace(messages=messages)], ids=["list", "object"]
)
async def test_a_state_of_any_form_will_do(tools, use: Use, spoken, state) -> None:
    messages = [ToolMessage("x", tool_call_id="a", artifact=spoken("One."))]

    message = await use(tools(StepFunASR), audio="a", runtime=SimpleNamespace(state=state(messages)))

    assert message.content == "One."


@pytest.mark.parametrize("runtime", [None, SimpleNamespace(state=None), {"state": {"messages": ["forged"]}}])
async def test_a_name_of_nothing_is_told_with_what_there_is(tools, use: Use, spoken, runtime: Any) -> None:
    with pytest.raises(ToolException, match=r"There is no recording in this conversation yet\. Make one") as refused:
        await use(tools(StepFunASR), audio="last", runtime=runtime)
    assert "'last'" not in str(refused.value)
    with pytest.raises(ToolException, match=r"no recording 'mine'.*none so far"):
        await use(tools(StepFunASR), audio="mine", runtime=runtime)
    block = spoken()
    held = runtime_of(ToolMessage("x", tool_call_id="a", artifact=block))
    with pytest.raises(ToolException, match=block["id"]):
        await use(tools(StepFunASR), audio="other", runtime=held)


# --- Addresses -------------------------------------------------------------------------------------------------------


async def test_an_https_url_is_fetched(use: Use) -> None:
    service = PublicService(tone_wav=TONE)

    message = await use(StepFunASR(**service.settings()), audio="https://service.test/v1/tone.wav")

    assert message.content == "Heard it."
    assert service.body("/v1/audio/asr/sse")["audio"]["data"] == base64.b64encode(TONE).decode()


async def test_a_model_that_takes_addresses_only_is_given_the_address(use: Use) -> None:
    service = PublicService(tone_wav=TONE)
    tool = StepFunASR(**service.settings(), model="step-asr-1.1")

    message = await use(tool, audio="https://service.test/v1/tone.wav")

    assert message.content == "Heard there."
    assert service.body("/v1/audio/asr/file/submit")["audio"]["url"] == "https://service.test/v1/tone.wav"
    assert "/v1/tone.wav" not in service.paths
    with pytest.raises(ToolException, match="URL"):
        await use(tool, audio={"type": "audio", **_sound(audio_artifact(Audio.of(TONE)))})


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.wav",
        "HTTP://127.0.0.1/a.wav",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "ftp://example.com/a.wav",
        "gopher://127.0.0.1:6379/_x",
        "data:audio/wav;base64,UklGRg==",
        "javascript:alert(1)",
        "https://127.0.0.1/a.wav",
        "https://[::1]/a.wav",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a.wav",
        "https://localhost/a.wav",
        "https://user:password@example.com/a.wav",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://metadata.google.internal/",
        "https://service.test:22/",
    ],
)
@pytest.mark.parametrize("model", ["stepaudio-2.5-asr", "step-asr-1.1"])
async def test_a_hostile_address_is_never_visited(use: Use, url: str, model: str, tmp_path: Path) -> None:
    service = PublicService()
    tool = StepFunASR(**service.settings(), root_dir=tmp_path, model=model)

    with pytest.raises(ToolException):
        await use(tool, audio=url)
    with pytest.raises(ToolException):
        await use(tool, audio={"type": "audio", "url": url if not url.startswith("data:") else "data:,x"})

    assert service.sent == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><body>secret</body></html>", "text/html"),
        (b"\x89PNG\r\n\x1a\n0000", "image/png"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "something unknown"),
        (TONE * 50, "more than 100,000 bytes"),
    ],
)
async def test_what_an_address_serves_must_be_sound_and_not_too_much(use: Use, content: bytes, said: str) -> None:
    service = PublicService(file_bin=content)
    tool = StepFunASR(**service.settings(), max_bytes=100_000)

    with pytest.raises(ToolException, match=said):
        await use(tool, audio="https://service.test/v1/file.bin")

    assert service.paths == ["/v1/file.bin"]


async def test_an_address_that_serves_nothing_is_told_to_the_model(use: Use) -> None:
    tool = StepFunASR(**PublicService().settings(), handle_tool_error=True)

    message = await use(tool, audio="https://service.test/v1/nothing.wav")

    assert message.status == "error"
    assert "could not be fetched: 404" in message.content


# --- The folder ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recording, beside a secret, and a link out of it."""
    open_one = tmp_path / "open"
    (open_one / "sub").mkdir(parents=True)
    (open_one / "tone.wav").write_bytes(TONE)
    (open_one / "sub" / "tone.wav").write_bytes(TONE)
    (open_one / "meeting: monday.wav").write_bytes(TONE)
    (open_one / "notes.txt").write_text("not a sound")
    (open_one / "huge.wav").write_bytes(TONE * 80)
    (tmp_path / "secret.wav").write_bytes(TONE)
    (tmp_path / "open-too").mkdir()
    (tmp_path / "open-too" / "secret.wav").write_bytes(TONE)
    (open_one / "link.wav").symlink_to(tmp_path / "secret.wav")
    (open_one / "linked").symlink_to(tmp_path, target_is_directory=True)
    (open_one / "inside.wav").symlink_to(open_one / "tone.wav")
    os.mkfifo(open_one / "pipe.wav")
    return open_one


@pytest.mark.parametrize(
    "name", ["tone.wav", "sub/tone.wav", "./sub/../tone.wav", "inside.wav", "{root}/tone.wav", "meeting: monday.wav"]
)
async def test_a_file_of_the_folder_is_heard(use: Use, folder: Path, name: str) -> None:
    service = PublicService()
    tool = StepFunASR(**service.settings(), root_dir=folder)

    message = await use(tool, audio=name.format(root=folder))

    assert message.content == "Heard it."


@pytest.mark.parametrize("name", ["tone.wav", "/etc/passwd", "~/.ssh/id_rsa", "."])
async def test_without_a_folder_there_are_no_files(use: Use, folder: Path, monkeypatch, name: str) -> None:
    monkeypatch.chdir(folder)
    service = PublicService()

    with pytest.raises(ToolException, match="There is no recording"):
        await use(StepFunASR(**service.settings()), audio=name)

    assert service.sent == []


@pytest.mark.parametrize(
    "name",
    [
        "../secret.wav",
        "sub/../../secret.wav",
        "../open-too/secret.wav",
        "{root}/../secret.wav",
        "{root}-too/secret.wav",
        "/etc/passwd",
        "link.wav",
        "linked/secret.wav",
        "pipe.wav",
        "sub",
        ".",
        "",
        "nothing.wav",
        "tone.wav\x00.png",
        "x" * 5000,
        "..\\secret.wav",
        "~/secret.wav",
        "/dev/zero",
    ],
)
async def test_nothing_outside_the_folder_is_read_or_told_of(use: Use, folder: Path, name: str) -> None:
    service = PublicService()
    tool = StepFunASR(**service.settings(), root_dir=folder)

    with pytest.raises(ToolException, match=r"There is no recording .* nor one to take in the folder open to you"):
        await use(tool, audio=name.format(root=folder))

    assert service.sent == []


@given(
    name=st.text()
    | st.lists(st.sampled_from(["..", "/", ".", "secret.wav", "linked", "sub", "\x00", "~"])).map("".join)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_whatever_a_model_says_nothing_of_the_outside_comes_in(folder: Path, name: str) -> None:
    (folder.parent / "secret.wav").write_bytes(TONE[:-2] + b"!!")

    try:
        found = find_recording(name, runtime=None, root_dir=folder, max_bytes=200_000)
    except ToolException:
        return

    assert found == TONE or (isinstance(found, Address) and found.url.lower().startswith("https://"))


@pytest.mark.parametrize(
    ("name", "said"), [("notes.txt", "no recording but"), ("huge.wav", "allowed are 1 to 200,000")]
)
async def test_a_file_must_be_sound_and_not_too_large(use: Use, folder: Path, name: str, said: str) -> None:
    service = PublicService()
    tool = StepFunASR(**service.settings(), root_dir=folder, max_bytes=200_000)

    with pytest.raises(ToolException, match=said):
        await use(tool, audio=name)

    assert service.sent == []


# --- Blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"type": "image", "base64": "AAAA"}, "type 'image'"),
        ({}, "type None"),
        ({"type": "audio"}, "neither base64 nor a url"),
        ({"type": "audio", "base64": "not base64!"}, "no base64"),
        ({"type": "audio", "base64": base64.b64encode(b"words").decode()}, "no recording but"),
        ({"type": "audio", "base64": base64.b64encode(TONE * 80).decode()}, "at most 200,000"),
        (TONE * 80, "at most 200,000"),
    ],
)
async def test_a_block_without_a_recording_is_refused(use: Use, given: Any, said: str) -> None:
    service = PublicService()

    with pytest.raises(ToolException, match=said):
        await use(StepFunASR(**service.settings(), max_bytes=200_000), audio=given)

    assert service.sent == []


@pytest.mark.parametrize("given", [None, 7, ["last"], Path("tone.wav"), object()])
async def test_what_is_no_recording_at_all_is_a_validation_error(use: Use, given: Any) -> None:
    with pytest.raises(ValidationError):
        await use(StepFunASR(**PublicService().settings()), audio=given)


@pytest.mark.parametrize("extras", [None, "16000", {"sample_rate": "fast", "channels": -1}, {"sample_rate": 24000}])
async def test_bare_samples_are_taken_as_their_block_says(tools, use: Use, spoken, extras: Any) -> None:
    block = {**spoken(format="pcm"), "extras": extras}

    assert (await use(tools(StepFunASR), audio=block)).content == SENTENCE


async def test_a_schema_of_ones_own_opens_no_way_to_files(use: Use, folder: Path) -> None:
    service = PublicService()
    anything = {"type": "object", "properties": {"audio": {}}}
    tool = StepFunASR(**service.settings(), args_schema=anything)

    with (folder / "tone.wav").open("rb") as file:
        for passed in (folder / "tone.wav", file):
            with pytest.raises(ToolException, match="is no recording"):
                await use(tool, audio=passed)

    assert service.sent == []


async def test_silence_is_said_to_be_silent(use: Use) -> None:
    message = await use(StepFunASR(**PublicService(said="").settings()), audio=TONE)

    assert message.content == "No speech was recognised in this recording."
    assert message.artifact["text"] == ""
