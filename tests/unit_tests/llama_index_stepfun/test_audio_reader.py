"""StepFunAudioReader: recordings written down by StepFun, for each way of loading and from wherever they lie."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import httpx
import pytest
from llama_index.core import SimpleDirectoryReader
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document, MetadataMode

from llama_index_stepfun import StepFunAudioReader
from stepfun_client import InvalidParameterError, StepFunClient
from tests.unit_tests.llama_index_stepfun.test_tool_spec import Service, silence

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

KEY = "sk-a-key-nobody-may-see"
FIRST, SECOND = "We met at nine.", "Who was late?"
TEXT = f"{FIRST} {SECOND}"


async def _load(reader: StepFunAudioReader, *args: Any, **kwargs: Any) -> list[Document]:
    return reader.load_data(*args, **kwargs)


async def _lazy(reader: StepFunAudioReader, *args: Any, **kwargs: Any) -> list[Document]:
    return list(reader.lazy_load_data(*args, **kwargs))


async def _aload(reader: StepFunAudioReader, *args: Any, **kwargs: Any) -> list[Document]:
    return await reader.aload_data(*args, **kwargs)


async def _alazy(reader: StepFunAudioReader, *args: Any, **kwargs: Any) -> list[Document]:
    return list(await reader.alazy_load_data(*args, **kwargs))


async def _directory(reader: StepFunAudioReader, path: Path | str, **kwargs: Any) -> list[Document]:
    return SimpleDirectoryReader(path, file_extractor={".wav": reader, ".mp3": reader}, **kwargs).load_data()


async def _adirectory(reader: StepFunAudioReader, path: Path | str, **kwargs: Any) -> list[Document]:
    return await SimpleDirectoryReader(path, file_extractor={".wav": reader, ".mp3": reader}, **kwargs).aload_data()


Load = Callable[..., Awaitable[list[Document]]]

each_way = pytest.mark.parametrize("load", [_load, _lazy, _aload, _alazy])
both_ways = pytest.mark.parametrize("load", [_load, _aload])
both_directories = pytest.mark.parametrize("load", [_directory, _adirectory])


@pytest.fixture
async def reader(emulator: Emulator) -> AsyncIterator[Callable[..., StepFunAudioReader]]:
    """Make a reader that talks to the emulator, and forget what the emulator was asked before."""
    made: list[StepFunAudioReader] = []

    def make(**kwargs: Any) -> StepFunAudioReader:
        made.append(StepFunAudioReader(**{"api_key": KEY, "base_url": emulator.base_url, "max_retries": 0, **kwargs}))
        return made[-1]

    emulator.requests.clear()
    yield make
    for one in made:
        one.client.close()
        await one.async_client.aclose()


@pytest.fixture(scope="module")
def minutes(emulator: Emulator) -> bytes:
    """Two sentences, spoken."""
    with StepFunClient("any", base_url=emulator.base_url) as client:
        said = client.speech.create(
            model="step-tts-2", voice="cixingnansheng", input=TEXT, response_format="wav", sample_rate=16000
        )
    return said.content


@pytest.fixture
def recording(tmp_path: Path, minutes: bytes, emulator: Emulator) -> Path:
    path = tmp_path / "minutes.wav"
    path.write_bytes(minutes)
    emulator.requests.clear()
    return path


# --- Loading ---------------------------------------------------------------------------------------------------------


@each_way
async def test_a_file_is_one_document_with_its_times(load, reader, recording):
    (document,) = await load(reader(language="en"), recording)

    about = document.metadata
    assert document.text == TEXT
    assert (about["file_name"], about["model"], about["language"]) == ("minutes.wav", "stepaudio-2.5-asr", "en")
    assert 0 <= about["start"] < about["end"] <= about["duration_seconds"] + 0.1
    assert all(isinstance(value, (str, float, int)) for value in about.values())  # as vector stores want it


@each_way
async def test_a_segment_is_a_document_if_wanted(load, reader, recording):
    first, second = await load(reader(split="segment"), recording)

    assert (first.text.strip(), second.text.strip()) == (FIRST, SECOND)
    assert (first.metadata["segment"], second.metadata["segment"]) == (1, 2)
    assert 0 <= first.metadata["start"] < first.metadata["end"] <= second.metadata["start"] < second.metadata["end"]
    assert first.metadata["file_name"] == second.metadata["file_name"] == "minutes.wav"


@each_way
async def test_several_files_come_in_their_order(load, reader, recording):
    other = recording.with_name("other.wav")
    other.write_bytes(recording.read_bytes())

    documents = await load(reader(split="segment"), [str(other), recording])

    assert [document.metadata["file_name"] for document in documents] == ["other.wav"] * 2 + ["minutes.wav"] * 2
    assert [document.text.strip() for document in documents] == [FIRST, SECOND] * 2


@both_ways
async def test_what_has_no_times_is_one_document_either_way(load, reader, recording):
    (document,) = await load(reader(split="segment", model="step-asr"), recording)

    assert document.text == TEXT
    assert not {"segment", "start", "end"} & set(document.metadata)


@both_ways
async def test_what_the_service_is_asked_for(load, reader, recording, emulator):
    chosen = reader(
        language="en",
        hotwords=["Anna"],
        timestamps=False,
        model="stepaudio-2-asr-pro",
        additional_kwargs={"enable_itn": True},
    )

    await load(chosen, recording)

    (asked,) = emulator.requests
    assert asked.path == "/v1/audio/asr/sse"
    given = asked.body["audio"]["input"]["transcription"]
    assert {name: given[name] for name in ("model", "language", "hotwords", "enable_itn")} == {
        "model": "stepaudio-2-asr-pro",
        "language": "en",
        "hotwords": ["Anna"],
        "enable_itn": True,
    }
    assert not given.get("enable_timestamp")


@both_ways
async def test_bare_samples(load, reader, recording):
    samples = recording.with_name("minutes.pcm")
    samples.write_bytes(silence()[44:])

    (document,) = await load(
        reader(additional_kwargs={"format": "pcm", "sample_rate": 16000, "bits": 16, "channels": 1}), samples
    )

    assert document.metadata["file_name"] == "minutes.pcm"


@both_ways
async def test_metadata_of_the_caller_wins_and_numbers_are_for_machines(load, reader, recording):
    (document,) = await load(reader(), recording, extra_info={"file_name": "Minutes", "year": 2026})

    assert document.metadata["file_name"] == "Minutes"
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        shown = document.get_metadata_str(mode)
        assert "year: 2026" in shown
        assert not any(name in shown for name in ("start", "end", "duration"))


@both_ways
async def test_documents_are_cut_and_keep_their_times(load, reader, recording):
    nodes = SentenceSplitter(chunk_size=64, chunk_overlap=0).get_nodes_from_documents(
        await load(reader(split="segment"), recording)
    )

    assert all(node.metadata["end"] > node.metadata["start"] for node in nodes)


@both_ways
async def test_a_file_of_another_file_system(load, reader, minutes):
    memory = fsspec.filesystem("memory")
    memory.pipe("/minutes.wav", minutes)

    (document,) = await load(reader(), "/minutes.wav", fs=memory)

    assert (document.text, document.metadata["file_name"]) == (TEXT, "minutes.wav")


@both_ways
async def test_a_url_of_a_public_host(load, service):
    service.files["/clip.wav"] = silence()
    spec = service.spec
    one = StepFunAudioReader(
        api_key=KEY, base_url=spec.base_url, http_client=spec.http_client, http_async_client=spec.http_async_client
    )

    (document,) = await load(one, "https://service.test/clip.wav", extra_info={"from": "the web"})

    assert document.text == "Good morning. Who is there?"
    assert (document.metadata["start"], document.metadata["end"], document.metadata["from"]) == (0.25, 3.25, "the web")
    assert "file_name" not in document.metadata


@pytest.fixture
def service() -> Service:
    return Service()


@both_ways
async def test_a_url_of_a_private_host_is_refused(load, reader, emulator):
    with pytest.raises(InvalidParameterError, match="no public address"):
        await load(reader(), "http://169.254.169.254/latest/meta-data")

    assert emulator.requests == []


async def test_lazy_means_one_file_at_a_time(reader, emulator, recording):
    documents = reader().lazy_load_data([recording, recording])

    assert emulator.requests == []
    next(documents)
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (3, 3)])
async def test_as_many_files_as_wanted_are_read_at_once(workers, most, tmp_path):
    files = [tmp_path / f"{number}.wav" for number in range(6)]
    for file in files:
        file.write_bytes(silence(0.1))
    now, seen = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal now, seen
        now, seen = now + 1, max(seen, now + 1)
        await asyncio.sleep(0.02)
        now -= 1
        end = b'data: {"type": "transcript.text.done", "text": "Hi."}\n\n'
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=end)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))

    documents = await StepFunAudioReader(api_key=KEY, http_async_client=http, num_workers=workers).aload_data(files)

    assert [document.text for document in documents] == ["Hi."] * 6
    assert seen == most


@pytest.mark.parametrize(("load", "made"), [(_load, "_sync"), (_lazy, "_sync"), (_aload, "_async"), (_alazy, "_async")])
async def test_each_way_has_its_own_client(load, made, reader, recording):
    one = reader()

    await load(one, recording)

    assert [name for name in ("_sync", "_async") if getattr(one, name) is not None] == [made]


# --- In a SimpleDirectoryReader --------------------------------------------------------------------------------------


@both_directories
async def test_a_directory(load, reader, recording):
    recording.with_name("plain.txt").write_text("Read by core")

    documents = await load(reader(), recording.parent)

    assert {document.metadata["file_name"]: document.text for document in documents} == {
        "minutes.wav": TEXT,
        "plain.txt": "Read by core",
    }
    (heard,) = (document for document in documents if "end" in document.metadata)
    assert heard.metadata["file_path"] == str(recording)


@both_directories
async def test_a_directory_of_another_file_system(load, reader, minutes):
    memory = fsspec.filesystem("memory")
    memory.pipe("/recordings/minutes.wav", minutes)

    documents = await load(reader(), "/recordings", fs=memory)

    assert [document.text for document in documents] == [TEXT]


# --- When it fails ---------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(50)])
async def test_what_cannot_be_heard_is_not_sent(load, reader, emulator, tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)

    with pytest.raises(InvalidParameterError):
        await load(reader(), tmp_path / "a.wav")

    assert emulator.requests == []


@both_ways
async def test_a_file_that_is_not_there(load, reader, tmp_path):
    with pytest.raises(FileNotFoundError):
        await load(reader(), tmp_path / "none.wav")


# --- The object ------------------------------------------------------------------------------------------------------


async def test_the_key_is_shown_nowhere(reader):
    one = reader(default_headers={"x-secret": KEY})

    assert KEY not in repr(one) + str(one) + one.to_json()
    assert KEY.encode() not in pickle.dumps(reader())


async def test_it_is_rebuilt_from_its_dict(reader):
    one = reader(split="segment", language="zh", num_workers=2)

    rebuilt = StepFunAudioReader.from_dict(one.to_dict())

    assert one.to_dict()["class_name"] == "StepFunAudioReader"
    assert rebuilt.to_dict() == one.to_dict()
    assert rebuilt.api_key is None


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
async def test_copies_read_too(again, reader, recording, monkeypatch):
    monkeypatch.setenv("STEP_API_KEY", KEY)
    one = reader()
    one.load_data(recording)

    copied = again(one)
    try:
        assert [document.text for document in copied.load_data(recording)] == [TEXT]
    finally:
        copied.client.close()
