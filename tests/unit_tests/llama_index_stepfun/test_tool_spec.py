"""StepFunToolSpec: tools that speak, listen, search and clone, used as well-behaved models do and as hostile ones
do."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
import os
import pickle
import re
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import AudioBlock, TextBlock
from llama_index.core.llms import ChatMessage
from pydantic import ValidationError

from llama_index_stepfun import StepFunToolSpec
from stepfun_client import AuthenticationError, InvalidParameterError
from tests.unit_tests.llama_index_stepfun.conftest import call, reply
from tests.unit_tests.llama_index_stepfun.test_agents import run
from tests.unit_tests.llama_index_stepfun.tooling import KEY, parameters, tool_of

if TYPE_CHECKING:
    from llama_index.core.tools import ToolOutput

TEXT = "The quick brown fox jumps over the lazy dog."
SERVICE = "https://service.test/v1"


MISTAKES = {
    "a misspelt setting of drawing": ({"image_options": {"sizee": "1x1"}}, "image_options: 'sizee' is no parameter"),
    "a size that is not drawn": ({"image_options": {"size": "1x1"}}, "image_options: step-image-edit-2 draws no"),
    "a model among options": ({"image_options": {"model": "step-2x-large"}}, "image_options: 'model' is no parameter"),
    "a style of no picture": (
        {"transform_options": {"style_reference": {"wait": 1}}},
        "transform_options: style_refer",
    ),
    "a model that cannot draw": ({"image_model": "step-tts-2"}, "image_model: step-tts-2 makes no pictures"),
    "a misspelt setting of editing": ({"edit_options": {"sed": 1}}, "edit_options: 'sed' is no parameter"),
    "another model's setting": ({"edit_options": {"guidance_scale": 3}}, "edit_options: guidance_scale is for"),
    "modelverse's setting out of range": (
        {"edit_model": "stepfun-ai/step1x-edit", "edit_options": {"guidance_scale": 30}},
        "edit_options: guidance_scale is 30",
    ),
    "modelverse's address with a password": (
        {"edit_model": "stepfun-ai/step1x-edit", "edit_options": {"base_url": "https://a:b@c"}},
        "edit_options: base_url holds a user or a password",
    ),
    "steps out of range": ({"transform_options": {"steps": 101}}, "transform_options: steps is 101"),
    "a weight out of range": ({"transform_options": {"source_weight": 2}}, "transform_options: source_weight is 2"),
    "a misspelt setting of speech": ({"speech_options": {"sped": 1}}, "speech_options: 'sped' is no parameter"),
    "a speed out of range": ({"speech_options": {"speed": 9}}, "speech_options: speed is 9"),
    "a model that is deaf": ({"asr_model": "step-tts-2"}, "asr_model: step-tts-2 does not transcribe"),
    "a misspelt setting of recognition": ({"asr_options": {"lang": "zh"}}, "asr_options: 'lang' is no parameter"),
    "a time that is not told": ({"asr_model": "step-asr", "timestamps": True}, "timestamps: timestamps is not known"),
    "what this way does not know": (
        {"asr_model": "step-asr", "asr_options": {"language": "zh"}},
        "asr_options: language is not known to the multipart form",
    ),
}


@pytest.mark.parametrize(("settings", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_of_the_developers_is_told_when_the_spec_is_made_and_not_to_a_model(settings, words):
    with pytest.raises(ValidationError, match=re.escape(words)):
        StepFunToolSpec(**settings)


def test_what_is_checked_without_being_sent_reads_no_file_and_needs_no_key():
    style = {"style_reference": {"source_url": Path("nowhere.png")}}
    options = {"voice": "linjiajiejie", "progress": True}

    StepFunToolSpec(transform_options=style, speech_options=options, asr_options={"transport": "sse"})


class Service:
    """StepFun at an https address of its own, which is as public as any: it hears the same in every recording."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.sent: list[httpx.Request] = []
        transport = httpx.MockTransport(self._answer)
        self.spec = StepFunToolSpec(
            api_key=KEY,
            base_url=SERVICE,
            max_retries=0,
            max_bytes=100_000,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.method == "GET":
            return httpx.Response(200, content=self.files[request.url.path])
        if request.url.path.endswith("/submit"):
            return httpx.Response(200, json={"task_id": "task-1"})
        if request.url.path.endswith("/query"):
            return httpx.Response(200, json={"duration": 2, "result": [{"text": "Good evening."}]})
        events = b"".join(
            b'data: {"type": "transcript.text.delta", "delta": "%s", "start_time": %d, "end_time": %d}\n\n' % one
            for one in ((b"Good morning.", 250, 1500), (b" Who is there?", 2000, 3250))
        )
        end = b'data: {"type": "transcript.text.done", "text": "Good morning. Who is there?"}\n\n'
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=events + end)


@pytest.fixture
def service() -> Service:
    return Service()


def silence(seconds: float = 0.5) -> bytes:
    """A recording in which nothing is said."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16000)
        written.writeframes(bytes(int(seconds * 16000) * 2))
    return file.getvalue()


def id_in(output: ToolOutput) -> str:
    return re.search(r"audio-[0-9a-f]{12}", output.content)[0]


def sound_of(output: ToolOutput) -> bytes:
    (block,) = (block for block in output.blocks if isinstance(block, AudioBlock))
    return block.resolve_audio().read()


# --- Speaking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response_format", "start"), [("mp3", b"\xff"), ("wav", b"RIFF"), ("flac", b"fLaC"), ("opus", b"OggS")]
)
async def test_a_spoken_text_is_a_note_for_the_model_and_a_sound_for_people(use, spec, response_format, start):
    output = await use(spec(response_format=response_format), "speak", text=TEXT)

    note, sound = output.blocks
    assert isinstance(note, TextBlock)
    told = rf"Spoken and handed to the user's application: {id_in(output)} \({response_format}, \d+\.\d s\)\."
    assert re.fullmatch(told, note.text)
    assert sound.format == response_format
    assert sound_of(output).startswith(start) or response_format == "mp3"
    assert not output.is_error


async def test_a_wav_plays(use, spec):
    output = await use(spec(response_format="wav"), "speak", text=TEXT)

    with wave.open(io.BytesIO(sound_of(output))) as played:
        assert played.getnframes() / played.getframerate() > 1


async def test_the_developers_settings_are_what_is_asked_for(use, spec, emulator):
    chosen = spec(
        speech_model="stepaudio-2.5-tts",
        voice="wenrounansheng",
        response_format="wav",
        speech_options={"instruction": "cheerful", "sample_rate": 16000},
    )

    await use(chosen, "speak", text=TEXT)

    assert emulator.requests[-1].body == {
        "model": "stepaudio-2.5-tts",
        "input": TEXT,
        "voice": "wenrounansheng",
        "response_format": "wav",
        "instruction": "cheerful",
        "sample_rate": 16000,
    }


async def test_a_long_text_is_one_sound(use, spec, emulator):
    long = " ".join([TEXT] * 50)

    output = await use(spec(response_format="wav"), "speak", text=long)

    assert [one.path for one in emulator.requests] == ["/v1/audio/speech"] * 3
    with wave.open(io.BytesIO(sound_of(output))) as played:
        assert played.getnframes() > 0


async def test_results_are_saved_where_the_developer_says(use, spec, tmp_path):
    output = await use(spec(output_dir=tmp_path / "spoken"), "speak", text=TEXT)

    (saved,) = (tmp_path / "spoken").iterdir()
    assert saved.name == f"{id_in(output)}.mp3"
    assert saved.read_bytes() == sound_of(output)
    assert f", saved as {saved.name})" in output.content
    assert str(tmp_path) not in output.content


async def test_what_cannot_be_saved_is_not_lost(use, spec, tmp_path, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "/secret")

    monkeypatch.setattr(Path, "write_bytes", full)

    output = await use(spec(output_dir=tmp_path), "speak", text=TEXT)

    assert "not saved: No space left on device)" in output.content
    assert len(sound_of(output)) > 1000


async def test_a_place_that_cannot_be_is_found_out_before_paying(use, spec, tmp_path, emulator):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        await use(spec(output_dir=tmp_path / "file"), "speak", text=TEXT)

    assert emulator.requests == []


@pytest.mark.parametrize(
    ("settings", "text", "said"),
    [
        ({}, "", "empty"),
        ({}, " \n", "empty"),
        ({}, None, "empty"),
        ({}, {"text": "x"}, "empty"),
        ({}, "x" * 5001, "5,001 characters; allowed are 5,000"),
        ({"max_characters": 3}, "four", "4 characters; allowed are 3"),
        ({"response_format": "flac"}, "x" * 1001, "allowed are 1,000"),
    ],
)
async def test_what_is_not_spoken(use, spec, emulator, *, settings, text, said):
    with pytest.raises(InvalidParameterError, match=said) as refused:
        await use(spec(**settings), "speak", text=text)

    assert refused.value.param == "text"
    assert emulator.requests == []


# --- What a model may choose -----------------------------------------------------------------------------------------


async def test_a_model_is_offered_what_it_should_choose(spec):
    assert {tool.metadata.name: parameters(spec(), tool.metadata.name) for tool in spec().to_tool_list()} == {
        "speak": ["text"],
        "transcribe": ["audio"],
        "search_web": ["query"],
        "draw": ["prompt", "shape", "seed"],
        "edit_image": ["image", "prompt", "seed"],
        "transform_image": ["image", "prompt", "seed"],
    }


async def test_descriptions_are_written_for_models(spec):
    for tool in spec(clone_voices=True).to_tool_list():
        wire = tool.metadata.to_openai_tool()["function"]  # refuses a description that is too long
        assert not re.search(r"\bself\b|Args:|Returns:|async|see `", wire["description"])
        assert all(inner["description"] for inner in wire["parameters"]["properties"].values())


async def test_more_where_a_developer_says_so(use, spec, emulator):
    free = spec(model_may_set=["voice", "speed"])
    assert parameters(free, "speak") == ["text", "voice", "speed"]

    await use(free, "speak", text=TEXT, voice="wenrounansheng", speed=1.5)

    assert emulator.requests[-1].body["voice"] == "wenrounansheng"
    assert emulator.requests[-1].body["speed"] == 1.5


@pytest.mark.parametrize(
    "sent", [{"voice": "wenrounansheng"}, {"speed": 2}, {"volume": 2}, {"instruction": "shout"}, {"voice": ""}]
)
async def test_a_model_that_chooses_what_it_was_not_offered(use, spec, emulator, sent):
    (name,) = sent
    with pytest.raises(InvalidParameterError, match=f"{name} is not yours to set; call again without it"):
        await use(spec(), "speak", text=TEXT, **sent)

    assert emulator.requests == []


@pytest.mark.parametrize("name", ["output_dir", "path", "response_format", "model", "extra_body", "self"])
async def test_there_is_no_other_way_in(use, spec, emulator, name):
    with pytest.raises(TypeError, match=name):
        await use(spec(model_may_set=["voice"]), "speak", text=TEXT, **{name: "/tmp/x"})

    assert emulator.requests == []


def test_a_choice_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"'response_format'.*possible are .*'voice', 'speed'"):
        StepFunToolSpec(model_may_set=["voice", "response_format"])


# --- Listening -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("response_format", ["mp3", "wav", "pcm", "opus"])
async def test_what_was_spoken_is_understood(use, spec, response_format):
    one = spec(response_format=response_format)
    spoken = await use(one, "speak", text=TEXT)

    output = await use(one, "transcribe", audio=f" {id_in(spoken)} ")

    assert output.blocks[0].text == TEXT


async def test_a_file_in_the_opened_folder(use, spec, tmp_path):
    one = spec(output_dir=tmp_path / "a", root_dir=tmp_path, response_format="wav")
    name = id_in(await use(one, "speak", text=TEXT))
    (tmp_path / "link.wav").symlink_to(tmp_path / "a" / f"{name}.wav")  # it leads nowhere else

    for path in (f"a/{name}.wav", str(tmp_path / "a" / f"{name}.wav"), "link.wav", "a/../link.wav"):
        assert (await use(one, "transcribe", audio=path)).blocks[0].text == TEXT


async def test_a_url_and_when_what_is_said(use, service):
    service.files["/clip.wav"] = silence()

    output = await use(service.spec, "transcribe", audio="https://service.test/clip.wav")

    assert [block.text for block in output.blocks] == [
        "Good morning. Who is there?",
        "[0.2-1.5 s] Good morning.\n[2.0-3.2 s] Who is there?",
    ]
    assert [request.method for request in service.sent] == ["GET", "POST"]
    assert "authorization" not in service.sent[0].headers


async def test_a_model_that_takes_urls_only_is_given_the_url(use, service, no_naps):
    service.spec.asr_model = "step-asr-1.1"

    output = await use(service.spec, "transcribe", audio="https://example.com/clip.wav")

    assert output.content == "Good evening."
    assert json.loads(service.sent[0].content)["audio"]["url"] == "https://example.com/clip.wav"


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "127.1", "2130706433", "[::1]", "localhost", "intranet", "a.internal", "me:pass@example.com"]
)
async def test_an_address_that_is_not_public_is_not_passed_on_either(use, service, host):
    service.spec.asr_model = "step-asr-1.1"

    with pytest.raises(InvalidParameterError, match="is not fetched") as refused:
        await use(service.spec, "transcribe", audio=f"https://{host}/clip.wav")
    assert not re.search("base_url|pathlib|max_bytes=", str(refused.value))

    assert service.sent == []


async def test_the_developers_settings_of_listening(use, spec, emulator, tmp_path):
    (tmp_path / "a.wav").write_bytes(silence())
    one = spec(root_dir=tmp_path, timestamps=False, asr_model="stepaudio-2-asr-pro", asr_options={"language": "en"})

    await use(one, "transcribe", audio="a.wav")

    asked = emulator.requests[-1].body["audio"]["input"]["transcription"]
    assert (asked["model"], asked["language"]) == ("stepaudio-2-asr-pro", "en")
    assert not asked.get("enable_timestamp")


# --- Hostile models --------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A folder opened to models, full of traps, with something to find outside."""
    root = tmp_path / "opened"
    root.mkdir()
    outside = tmp_path / "outside.wav"
    outside.write_bytes(silence())
    (tmp_path / "opened-too").mkdir()
    (tmp_path / "opened-too" / "a.wav").write_bytes(silence())
    (root / "good.wav").write_bytes(silence())
    (root / "meeting: monday.wav").write_bytes(silence())
    (root / "link.wav").symlink_to(outside)
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    (root / "device").symlink_to("/dev/zero")
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe.wav")
    (root / "notes.wav").write_text("These are notes.")
    (root / "page.wav").write_text("<html></html>")
    (root / "picture.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (root / "empty.wav").touch()
    with (root / "huge.wav").open("wb") as file:
        file.write(silence())
        file.truncate(10**9)
    return root


def hostile(root: Path) -> dict[str, str]:
    """What a hostile model names, and what it is told."""
    outside = "not in the folder"
    scheme = "only https:// is allowed"
    private = "no public address|is not fetched"
    return {
        "": "empty",
        "   ": "empty",
        "a" * 3000: "too long",
        "good.wav\x00.txt": "control characters",
        "good\n.wav": "control characters",
        "good\ud800.wav": "control characters",
        "../outside.wav": outside,
        "folder/../../outside.wav": outside,
        "../opened-too/a.wav": outside,
        str(root.parent / "outside.wav"): outside,
        "/etc/passwd": outside,
        "link.wav": outside,
        "up/outside.wav": outside,
        "up/no-such.wav": outside,
        "device": outside,
        "~/.ssh/id_rsa": "no such file",
        "no-such.wav": "no such file",
        "loop": "no such file|not in the folder",
        "good.wav/x": "no such file",
        "x" * 300: "no such file",
        "pipe.wav": "no file",
        "folder": "no file|no such file",
        ".": "no file|no such file",
        "empty.wav": "0 bytes",
        "huge.wav": "1,000,000,000 bytes",
        "notes.wav": "no audio",
        "page.wav": r"no audio \(text/html",
        "picture.wav": r"no audio \(image/png",
        f"file://{root}/good.wav": scheme,
        "FILE:///etc/passwd": scheme,
        "http://127.0.0.1/a.wav": scheme,
        "http://169.254.169.254/latest/meta-data": scheme,
        "http://example.com/a.wav": scheme,
        "ftp://example.com/a.wav": scheme,
        "data:audio/wav;base64,UklGRg==": scheme,
        "stepfile://file-1": scheme,
        "//example.com/a.wav": scheme,
        "\\\\host\\share\\a.wav": scheme,
        "gopher:x": scheme,
        "https://127.0.0.1/a.wav": private,
        "https://localhost/a.wav": private,
        "https://[::1]/a.wav": private,
        "https://[::ffff:169.254.169.254]/a.wav": private,
        "https://169.254.169.254/latest/meta-data": private,
        "https://10.0.0.1/a.wav": private,
        "https://2130706433/a.wav": private,
        "https://user:password@example.com/a.wav": private,
        "https://127.0.0.1:22/": private,
        "https://": private,
        "HTTPS://127.0.0.1/a.wav": private,
        "audio-000000000000": "nothing of that name is kept",
        "audio-1": "nothing of that name is kept",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links as POSIX has them")
@pytest.mark.parametrize("name", list(hostile(Path("/opened"))))
@pytest.mark.parametrize("tool", ["transcribe", "clone_voice"])
async def test_a_hostile_name_is_refused_unread_and_unpaid(use, spec, emulator, opened, *, tool, name):
    said = hostile(Path("/opened"))[name]
    name = (
        name.replace("/opened/", f"{opened}/").replace("/outside", f"{opened.parent}/outside")
        if name[:1] == "/"
        else name
    )

    with pytest.raises(InvalidParameterError, match=said) as refused:
        await use(spec(root_dir=opened, clone_voices=True, max_bytes=10**6), tool, audio=name)

    assert emulator.requests == []
    assert str(opened.parent) not in str(refused.value) or name.startswith("/")


async def test_a_colon_in_a_name_makes_no_address(use, spec, opened, emulator):
    await use(spec(root_dir=opened), "transcribe", audio="meeting: monday.wav")

    assert len(emulator.requests) == 1


@pytest.mark.parametrize("name", [None, 3, ["good.wav"], {"path": "good.wav"}, b"good.wav"])
async def test_what_is_no_name_is_refused(use, spec, emulator, opened, name):
    with pytest.raises(InvalidParameterError, match="empty"):
        await use(spec(root_dir=opened), "transcribe", audio=name)

    assert emulator.requests == []


@pytest.mark.parametrize("name", ["good.wav", "/etc/passwd", "../outside.wav"])
async def test_without_a_folder_no_file_is_looked_at(use, spec, opened, monkeypatch, name):
    monkeypatch.chdir(opened)

    with pytest.raises(InvalidParameterError, match="no folder has been opened to you") as refused:
        await use(spec(), "transcribe", audio=name)

    assert "the path of a file" not in str(refused.value)


async def test_a_refusal_says_what_is_allowed(use, spec, opened):
    with pytest.raises(InvalidParameterError) as refused:
        await use(spec(root_dir=opened), "transcribe", audio="file:///etc/passwd")

    assert str(refused.value) == (
        "'file:///etc/passwd' is not taken: of URLs only https:// is allowed. Allowed are the id of something made "
        "earlier (audio-...), the path of a file in the folder opened to you, and an https:// URL of a public host"
    )


async def test_a_file_that_becomes_a_link_while_it_is_opened_is_not_followed(use, spec, opened, emulator, monkeypatch):
    really = os.open

    def swapped(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith("good.wav"):
            Path(path).unlink()
            Path(path).symlink_to(opened.parent / "outside.wav")
        return really(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", swapped)

    with pytest.raises(InvalidParameterError, match="no such file"):
        await use(spec(root_dir=opened), "transcribe", audio="good.wav")

    assert emulator.requests == []


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<html></html>", "no audio"), (b"%PDF-", "no audio"), (silence(9), "more than 100,000 bytes")],
)
async def test_what_a_url_leads_to_is_looked_at_before_paying(use, service, content, said):
    service.files["/clip.wav"] = content

    with pytest.raises(InvalidParameterError, match=said):
        await use(service.spec, "transcribe", audio="https://service.test/clip.wav")

    assert [request.method for request in service.sent] == ["GET"]


# --- What is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [{"keep": 2}, {"keep_bytes": 25_000}])
async def test_only_the_last_sounds_are_kept(use, spec, limit):
    one = spec(response_format="pcm", speech_options={"sample_rate": 8000}, asr_options={}, **limit)
    ids = [id_in(await use(one, "speak", text="Hi.")) for _ in range(5)]

    heard = []
    for name in ids:
        try:
            heard.append((await use(one, "transcribe", audio=name)).content)
        except InvalidParameterError as error:
            heard.append(str(error).partition("; ")[2].partition(".")[0])

    assert heard[0] == "make it again"
    assert heard[-1] == "Hi."
    assert "Hi." not in heard[: heard.index("Hi.")]
    assert len(set(ids)) == 5


async def test_nothing_is_kept_if_wanted(use, spec):
    one = spec(keep=0)
    spoken = await use(one, "speak", text="Hi.")

    assert len(sound_of(spoken)) > 100
    with pytest.raises(InvalidParameterError, match="kept"):
        await use(one, "transcribe", audio=id_in(spoken))


async def test_the_last_sound_is_kept_however_large(use, spec):
    one = spec(keep_bytes=0)

    spoken = await use(one, "speak", text=TEXT)

    assert (await use(one, "transcribe", audio=id_in(spoken))).content == TEXT


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
async def test_a_copy_works_and_begins_without_sounds(use, spec, monkeypatch, again):
    monkeypatch.setenv("STEP_API_KEY", KEY)
    one = spec(voice="wenrounansheng", model_may_set=["speed"])
    name = id_in(await use(one, "speak", text=TEXT))

    copied = again(one)

    try:
        assert copied.to_dict() == one.to_dict()
        with pytest.raises(InvalidParameterError, match="kept"):
            await use(copied, "transcribe", audio=name)
        spoken = await use(copied, "speak", text=TEXT)
        assert (await use(copied, "transcribe", audio=id_in(spoken))).content == TEXT
    finally:
        copied.client.close()
        await copied.async_client.aclose()


async def test_agents_may_share_a_spec(spec):
    one = spec(keep=50)
    texts = [f"Number {number}." for number in range(12)]

    with ThreadPoolExecutor(6) as threads:
        said = list(threads.map(lambda text: tool_of(one, "speak").call(text=text), texts))
        heard = list(threads.map(lambda output: tool_of(one, "transcribe").call(audio=id_in(output)).content, said))
    asaid = await asyncio.gather(*(tool_of(one, "speak").acall(text=text) for text in texts))
    aheard = await asyncio.gather(*(tool_of(one, "transcribe").acall(audio=id_in(output)) for output in asaid))

    assert heard == texts
    assert [output.content for output in aheard] == texts


# --- Searching and cloning -------------------------------------------------------------------------------------------


async def test_a_search_shows_pages(use, spec, emulator):
    output = await use(spec(search_results=3, search_category="programming"), "search_web", query="StepFun")

    assert emulator.requests[-1].body == {"query": "StepFun", "n": 3, "category": "programming"}
    assert len(output.blocks) == 3
    assert all(re.match(rf"\[{rank}\] .* · https?://", block.text) for rank, block in enumerate(output.blocks, 1))


async def test_pages_are_cut_and_none_is_said(use, spec):
    page = {"url": "https://example.com", "content": "x" * 3000}
    found = [{"query": "q", "n": 1, "results": results} for results in ([page], [{"url": "u", "snippet": "short"}], [])]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=found.pop(0)))
    one = spec(http_client=httpx.Client(transport=transport), http_async_client=httpx.AsyncClient(transport=transport))

    cut, short, nothing = [(await use(one, "search_web", query="q")).content for _ in range(3)]

    assert cut == f"[1] https://example.com\n{'x' * 2000} [...]"
    assert short == "[1] u\nshort"
    assert nothing == "Nothing was found; try other words."


async def test_cloning_costs_money_so_it_is_not_there_unless_asked_for(spec):
    usual, paid = spec(), spec(clone_voices=True)

    offered = [[tool.metadata.name for tool in one.to_tool_list()] for one in (usual, paid)]
    assert "clone_voice" not in offered[0]
    assert offered[1] == [*offered[0], "clone_voice"]
    assert parameters(paid, "clone_voice") == ["audio", "text"]


async def test_a_voice_is_cloned(use, spec, emulator, tmp_path):
    (tmp_path / "a.wav").write_bytes(silence(6))

    output = await use(spec(clone_voices=True, root_dir=tmp_path), "clone_voice", audio="a.wav", text="Hello.")

    first, _, sample = output.content.partition(" A sample of it was handed to the user's application: ")
    assert re.fullmatch(r"The new voice's id is (\S+)\.( The same recording had been cloned before\.)?", first)
    assert sample.startswith(id_in(output))
    assert sound_of(output).startswith(b"RIFF")
    assert [one.path for one in emulator.requests] == ["/v1/files", "/v1/audio/voices"]
    again = await use(spec(clone_voices=True, root_dir=tmp_path), "clone_voice", audio="a.wav")
    assert [block.block_type for block in again.blocks] == ["text"]  # without its text there is no sample


async def test_a_recording_that_is_too_short_is_not_paid_for(use, spec, emulator, tmp_path):
    (tmp_path / "a.wav").write_bytes(silence(2))

    with pytest.raises(InvalidParameterError, match="5"):
        await use(spec(clone_voices=True, root_dir=tmp_path), "clone_voice", audio="a.wav")

    assert emulator.requests == []


# --- In an agent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("model", ["step-3.7-flash", "step-3.5-flash"])
async def test_an_agent_speaks(stepfun, spec, emulator, streaming, model):
    agent = FunctionAgent(tools=spec().to_tool_list(), llm=stepfun(model), streaming=streaming)

    done = await run(agent, 'Speak the text "Good morning, Anna".')

    (result,) = done.of(ToolCallResult)
    assert result.tool_kwargs == {"text": "Good morning, Anna"}
    assert [block.block_type for block in result.tool_output.blocks] == ["text", "audio"]
    assert len(sound_of(result.tool_output)) > 1000
    (told,) = (one for one in emulator.requests[-1].body["messages"] if one["role"] == "tool")
    assert told["content"].endswith("[the tool returned audio; the application has it, you do not hear it]")
    assert "input_audio" not in str(emulator.requests[-1].body)
    assert len(str(emulator.requests[-1].body)) < 10_000


async def test_an_agent_hears_what_it_said(spec, wire):
    """The sound itself passes the model by: it repeats the id it was told."""

    def listen() -> dict[str, Any]:
        name = re.search(r"audio-\w+", wire.messages[-1]["content"])[0]
        return reply(None, tool_calls=[call("transcribe", json.dumps({"audio": name}), "call_2")])

    speak = reply(None, tool_calls=[call("speak", json.dumps({"text": TEXT}))])
    llm = wire.says(speak, listen, reply("Done.")).llm()

    done = await run(FunctionAgent(tools=spec().to_tool_list(), llm=llm, streaming=False), "Say it and check it.")

    assert done.called == ["speak", "transcribe"]
    assert wire.messages[-1] == {"role": "tool", "tool_call_id": "call_2", "content": TEXT}


@pytest.mark.parametrize(
    ("model", "block", "hears"),
    [
        ("step-3.7-flash", AudioBlock(audio=silence(), format="wav"), False),
        ("step-audio-2", AudioBlock(audio=silence(), format="wav"), True),
        ("a-model-of-tomorrow", AudioBlock(audio=silence(), format="wav"), True),
        ("step-audio-2", AudioBlock(audio=b"\x01\x02", format="pcm"), False),
        ("step-audio-2", AudioBlock(audio=b"fLaC", format="flac"), False),
    ],
)
async def test_sound_of_a_tool_reaches_models_that_hear(ask, wire, model, block, hears):
    history = [
        ChatMessage(role="user", content="Listen."),
        ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [call("speak", "{}")]}),
        ChatMessage(
            role="tool", content=[TextBlock(text="Spoken."), block], additional_kwargs={"tool_call_id": "call_1"}
        ),
    ]

    await ask(wire.llm(model), history)

    kinds = [part["type"] for one in wire.messages if isinstance(one["content"], list) for part in one["content"]]
    assert ("input_audio" in kinds) is hears
    assert ("you do not hear it" in wire.messages[2]["content"]) is not hears
    assert base64.b64encode(silence())[:40].decode() not in str(wire.messages[2])
    assert isinstance(history[2].blocks[1], AudioBlock)  # the caller's message stays as it is


async def test_an_agents_model_reads_what_was_wrong(spec, wire):
    calls = [call("transcribe", '{"audio": "file:///etc/passwd"}')]
    llm = wire.says(reply(None, tool_calls=calls), reply("I may not.")).llm()

    done = await run(FunctionAgent(tools=spec().to_tool_list(), llm=llm), "Read my passwords.")

    (result,) = done.of(ToolCallResult)
    assert result.tool_output.is_error
    assert wire.messages[-1]["content"].startswith("'file:///etc/passwd' is not taken: of URLs only https:// is")


# --- The object ------------------------------------------------------------------------------------------------------


async def test_the_key_is_shown_nowhere(use, spec, wire):
    one = spec(default_headers={"x-secret": KEY})

    assert KEY not in repr(one) + str(one) + one.to_json() + str(one.to_tool_list())
    assert KEY.encode() not in pickle.dumps(spec())


async def test_it_is_rebuilt_from_its_dict(spec, tmp_path):
    one = spec(root_dir=tmp_path, voice="wenrounansheng", clone_voices=True)

    rebuilt = StepFunToolSpec.from_dict(one.to_dict())

    assert one.to_dict()["class_name"] == "StepFunToolSpec"
    assert rebuilt.to_dict() == one.to_dict()
    assert rebuilt.root_dir == tmp_path
    assert rebuilt.api_key is None


async def test_errors_of_the_service_reach_the_caller(use, spec):
    transport = httpx.MockTransport(lambda _: httpx.Response(401, json={"error": {"message": "Incorrect key"}}))
    one = spec(http_client=httpx.Client(transport=transport), http_async_client=httpx.AsyncClient(transport=transport))

    with pytest.raises(AuthenticationError, match="Incorrect key"):
        await use(one, "speak", text=TEXT)


async def test_functions_are_chosen_and_added_as_in_any_spec(use, spec, emulator):
    class Mine(StepFunToolSpec):
        spec_functions = (("speak", "aspeak"), "shout")

        def shout(self, text: str) -> list[Any]:
            """Say it loudly."""
            return self.speak(text.upper())

    mine = Mine(api_key=KEY, base_url=emulator.base_url)
    names = {tool.metadata.name: tool for tool in mine.to_tool_list()}

    assert [tool.metadata.name for tool in spec().to_tool_list(["speak", "atranscribe"])] == ["speak", "atranscribe"]
    assert list(names) == ["speak", "shout"]
    assert "Say it loudly." in names["shout"].metadata.description
    assert id_in(names["shout"].call(text="hi"))
    mine.client.close()


async def test_asynchronous_tools_need_no_thread(spec, monkeypatch):
    def refused(*_: Any) -> None:
        raise AssertionError("a thread")

    one = spec()
    monkeypatch.setattr(asyncio, "to_thread", refused)
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refused, raising=False)

    spoken = await tool_of(one, "speak").acall(text=TEXT)

    assert (await tool_of(one, "transcribe").acall(audio=id_in(spoken))).content == TEXT
