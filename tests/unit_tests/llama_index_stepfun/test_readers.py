"""StepFunFileReader: documents parsed by StepFun, for each way of loading and from wherever they lie."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from llama_index.core import SimpleDirectoryReader
from llama_index.core.schema import Document, MetadataMode

from llama_index_stepfun import StepFunFileReader
from stepfun_client import APITimeoutError, InvalidParameterError, NotFoundError

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

KEY = "sk-a-key-nobody-may-see"
PAGE = "<html><head><script>alert(1)</script></head><body><h1>Minutes</h1><p>We met at nine.</p></body></html>"
TEXT = "Minutes\nWe met at nine."


async def _load(reader: StepFunFileReader, *args: Any, **kwargs: Any) -> list[Document]:
    return reader.load_data(*args, **kwargs)


async def _lazy(reader: StepFunFileReader, *args: Any, **kwargs: Any) -> list[Document]:
    return list(reader.lazy_load_data(*args, **kwargs))


async def _aload(reader: StepFunFileReader, *args: Any, **kwargs: Any) -> list[Document]:
    return await reader.aload_data(*args, **kwargs)


async def _alazy(reader: StepFunFileReader, *args: Any, **kwargs: Any) -> list[Document]:
    return list(await reader.alazy_load_data(*args, **kwargs))


async def _directory(reader: StepFunFileReader, path: Path, **kwargs: Any) -> list[Document]:
    return SimpleDirectoryReader(path, file_extractor={".html": reader}, **kwargs).load_data()


async def _adirectory(reader: StepFunFileReader, path: Path, **kwargs: Any) -> list[Document]:
    return await SimpleDirectoryReader(path, file_extractor={".html": reader}, **kwargs).aload_data()


Load = Callable[..., Awaitable[list[Document]]]

each_way = pytest.mark.parametrize("load", [_load, _lazy, _aload, _alazy])
both_ways = pytest.mark.parametrize("load", [_load, _aload])


@pytest.fixture
async def reader(emulator: Emulator) -> AsyncIterator[Callable[..., StepFunFileReader]]:
    """Make a reader that talks to the emulator, and forget what the emulator was asked before."""
    made: list[StepFunFileReader] = []

    def make(**kwargs: Any) -> StepFunFileReader:
        made.append(StepFunFileReader(**{"api_key": KEY, "base_url": emulator.base_url, "poll": 0.01, **kwargs}))
        return made[-1]

    emulator.requests.clear()
    yield make
    for one in made:
        one.client.close()
        await one.async_client.aclose()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "minutes.html"
    path.write_text(PAGE)
    return path


def asked(emulator: Emulator, file_id: str = "") -> list[str]:
    """What the emulator was asked, with the file's id taken out."""
    return [f"{one.method} {one.path.removeprefix('/v1').replace(file_id or '-', '{id}')}" for one in emulator.requests]


# --- Loading ---------------------------------------------------------------------------------------------------------


@each_way
async def test_a_file_is_uploaded_awaited_read_and_deleted(load, reader, emulator, page):
    (document,) = await load(reader(), page)

    assert document.text == TEXT
    file_id = document.metadata["file_id"]
    assert document.metadata == {"file_name": "minutes.html", "file_size": len(PAGE), "file_id": file_id}
    assert asked(emulator, file_id) == [
        "POST /files",
        "GET /files/{id}",  # processed: still being parsed
        "GET /files/{id}",
        "GET /files/{id}",
        "GET /files/{id}/content",
        "DELETE /files/{id}",
    ]


@each_way
async def test_several_files_come_in_their_order(load, reader, tmp_path):
    paths = [tmp_path / f"{name}.txt" for name in "cab"]
    for path in paths:
        path.write_text(f"Text of {path.stem}")

    documents = await load(reader(), [str(path) for path in paths])

    assert [document.text for document in documents] == ["Text of c", "Text of a", "Text of b"]


@both_ways
async def test_an_upload_stays_if_wanted(load, reader, page):
    keeping = reader(delete=False)

    (document,) = await load(keeping, page)

    kept = keeping.client.files.retrieve(document.metadata["file_id"])
    assert (kept.filename, kept.purpose) == ("minutes.html", "file-extract")


@both_ways
async def test_metadata_of_the_caller_wins_and_the_id_is_for_machines(load, reader, page):
    (document,) = await load(reader(), page, extra_info={"file_name": "Minutes", "year": 2026})

    assert document.metadata["file_name"] == "Minutes"
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert document.get_metadata_str(mode) == "file_name: Minutes\nyear: 2026"


@both_ways
async def test_stepfun_fetches_a_url_by_itself(load, reader, emulator, page):
    keeping = reader(delete=False)
    (first,) = await load(keeping, page)

    (second,) = await load(keeping, f"{emulator.base_url}/files/{first.metadata['file_id']}/content")

    assert (second.text, second.metadata["file_name"]) == (TEXT, "upload.txt")


@both_ways
async def test_a_file_of_another_file_system(load, reader):
    memory = fsspec.filesystem("memory")
    memory.pipe("/minutes.html", PAGE.encode())

    (document,) = await load(reader(), "/minutes.html", fs=memory)

    assert (document.text, document.metadata["file_name"]) == (TEXT, "minutes.html")


async def test_lazy_means_one_file_at_a_time(reader, emulator, page):
    documents = reader().lazy_load_data([page, page])

    assert emulator.requests == []
    next(documents)
    assert asked(emulator).count("POST /files") == 1


@pytest.mark.parametrize(("workers", "first"), [(1, "DELETE"), (2, "POST")])
async def test_as_many_files_as_wanted_are_read_at_once(workers, first, reader, emulator, page):
    await reader(num_workers=workers, poll=0.1).aload_data([page, page])

    # After the first upload comes either its end, or the second upload.
    assert next(one.method for one in emulator.requests[1:] if one.method != "GET") == first


@pytest.mark.parametrize(("load", "made"), [(_load, "_sync"), (_lazy, "_sync"), (_aload, "_async"), (_alazy, "_async")])
async def test_each_way_has_its_own_client(load, made, reader, page):
    one = reader()

    await load(one, page)

    assert [name for name in ("_sync", "_async") if getattr(one, name) is not None] == [made]


async def test_asynchronous_loading_needs_no_thread(reader, page, monkeypatch):
    def refused(*_: Any) -> None:
        raise AssertionError("a thread")

    monkeypatch.setattr(asyncio, "to_thread", refused)
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refused, raising=False)

    assert [document.text for document in await reader().aload_data(page)] == [TEXT]


# --- In a SimpleDirectoryReader --------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [_directory, _adirectory])
async def test_a_directory(load, reader, tmp_path, page):
    (tmp_path / "plain.txt").write_text("Read by core")

    documents = await load(reader(), tmp_path)

    assert {document.metadata["file_name"]: document.text for document in documents} == {
        "minutes.html": TEXT,
        "plain.txt": "Read by core",
    }
    (parsed,) = (document for document in documents if "file_id" in document.metadata)
    assert parsed.metadata["file_path"] == str(page)
    assert parsed.get_metadata_str(MetadataMode.LLM) == f"file_path: {page}"


@pytest.mark.parametrize("load", [_directory, _adirectory])
async def test_a_directory_of_another_file_system(load, reader):
    memory = fsspec.filesystem("memory")
    memory.pipe("/archive/minutes.html", PAGE.encode())

    documents = await load(reader(), "/archive", fs=memory)

    assert [document.text for document in documents] == [TEXT]


# --- When it fails ---------------------------------------------------------------------------------------------------


@both_ways
async def test_what_is_not_parsed_in_time_is_given_up_and_deleted(load, reader, emulator, page):
    with pytest.raises(APITimeoutError, match=r"'processed' after 0\.05 s"):
        await load(reader(deadline=0.05, poll=0.1), page)

    assert [one.method for one in emulator.requests] == ["POST", "GET", "DELETE"]


@both_ways
async def test_what_stepfun_cannot_read_is_not_uploaded(load, reader, emulator, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"film")

    with pytest.raises(InvalidParameterError, match=r"film\.mp4: purpose 'file-extract' takes txt, md, pdf"):
        await load(reader(), tmp_path / "film.mp4")

    assert emulator.requests == []


async def test_a_cancelled_load_leaves_nothing_behind(reader, emulator, page):
    loading = asyncio.ensure_future(reader(poll=30, deadline=60).aload_data(page))
    for _ in range(1000):
        if len(emulator.requests) == 2:  # uploaded, and found to be still parsed
            break
        await asyncio.sleep(0.01)

    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading

    assert [one.method for one in emulator.requests] == ["POST", "GET", "DELETE"]
    with pytest.raises(NotFoundError):
        reader().client.files.retrieve(emulator.requests[-1].path.rpartition("/")[2])


# --- The object ------------------------------------------------------------------------------------------------------


async def test_the_key_is_shown_nowhere(reader):
    one = reader(default_headers={"x-secret": KEY})

    assert KEY not in repr(one) + str(one) + one.to_json()
    assert KEY.encode() not in pickle.dumps(reader())


async def test_it_is_rebuilt_from_its_dict(reader):
    one = reader(delete=False, deadline=7, num_workers=2)

    rebuilt = StepFunFileReader.from_dict(one.to_dict())

    assert one.to_dict()["class_name"] == "StepFunFileReader"
    assert rebuilt.to_dict() == one.to_dict()
    assert rebuilt.api_key is None


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
async def test_copies_read_too(again, reader, page, monkeypatch):
    monkeypatch.setenv("STEP_API_KEY", KEY)
    one = reader()
    one.load_data(page)

    copied = again(one)
    try:
        assert [document.text for document in copied.load_data(page)] == [TEXT]
    finally:
        copied.client.close()
