"""StepFunFileLoader and StepFunSearchRetriever: files and the web as documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_stepfun import StepFunFileLoader, StepFunSearchRetriever
from stepfun_client import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from langchain_core.documents import Document

    from stepfun_emulator import Emulator

    Get = Callable[..., Awaitable[list[Document]]]


async def _load(loader: StepFunFileLoader) -> list[Document]:
    return loader.load()


async def _aload(loader: StepFunFileLoader) -> list[Document]:
    return await loader.aload()


async def _lazy_load(loader: StepFunFileLoader) -> list[Document]:
    return list(loader.lazy_load())


async def _alazy_load(loader: StepFunFileLoader) -> list[Document]:
    return [document async for document in loader.alazy_load()]


@pytest.fixture(params=[_load, _aload, _lazy_load, _alazy_load], ids=lambda way: way.__name__)
def load(request: pytest.FixtureRequest) -> Get:
    """Every way to load."""
    return request.param


async def _invoke(retriever: StepFunSearchRetriever, query: str, **kwargs: Any) -> list[Document]:
    return retriever.invoke(query, **kwargs)


async def _ainvoke(retriever: StepFunSearchRetriever, query: str, **kwargs: Any) -> list[Document]:
    return await retriever.ainvoke(query, **kwargs)


@pytest.fixture(params=[_invoke, _ainvoke], ids=lambda way: way.__name__)
def retrieve(request: pytest.FixtureRequest) -> Get:
    """Both ways to retrieve."""
    return request.param


# --- Files -----------------------------------------------------------------------------------------------------------


async def test_files_are_read_in_their_order_and_deleted(tools, load: Get, tmp_path: Path) -> None:
    for name in ("one.md", "two.txt"):
        (tmp_path / name).write_text(f"# {name}")
    loader = tools(StepFunFileLoader, [tmp_path / "one.md", str(tmp_path / "two.txt")], poll=0.05)

    first, second = await load(loader)

    assert (first.page_content, second.page_content) == ("# one.md", "# two.txt")
    assert first.metadata["source"] == str(tmp_path / "one.md")
    assert first.metadata["file_name"] == "one.md"
    assert first.metadata["file_size"] == 8
    kept = {file.id for file in loader.client.files.list()}
    assert not kept & {first.metadata["file_id"], second.metadata["file_id"]}


async def test_a_file_may_stay(tools, load: Get, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One")
    loader = tools(StepFunFileLoader, tmp_path / "one.md", poll=0.05, delete=False)

    (document,) = await load(loader)

    assert loader.client.files.retrieve(document.metadata["file_id"]).filename == "one.md"
    loader.client.files.delete(document.metadata["file_id"])


async def test_what_cannot_be_read_is_refused_before_it_is_sent(tools, load: Get, tmp_path, emulator) -> None:
    (tmp_path / "tune.mp3").write_bytes(b"ID3")

    with pytest.raises(InvalidParameterError):
        await load(tools(StepFunFileLoader, tmp_path / "tune.mp3"))

    assert not emulator.requests


async def test_an_address_is_fetched_by_stepfun(tools, load: Get, emulator: Emulator) -> None:
    with pytest.raises(Exception, match=r"url|fetch"):  # the emulator fetches nothing
        await load(tools(StepFunFileLoader, "https://example.com/report.pdf"))

    assert emulator.requests[0].path == "/v1/files"


# --- The web ---------------------------------------------------------------------------------------------------------


async def test_pages_are_documents_with_their_facts(tools, retrieve: Get, emulator: Emulator) -> None:
    found = await retrieve(tools(StepFunSearchRetriever, n=3, category="programming"), "StepFun")

    assert [document.metadata["position"] for document in found] == [1, 2, 3]
    assert all(document.page_content for document in found)
    assert all(document.metadata["source"] == document.metadata["url"] for document in found)
    assert {"url", "title", "time", "position", "source"} >= found[0].metadata.keys()
    assert emulator.requests[-1].body == {"query": "StepFun", "n": 3, "category": "programming"}


async def test_a_call_may_ask_for_another_number(tools, retrieve: Get) -> None:
    assert len(await retrieve(tools(StepFunSearchRetriever), "StepFun", n=2)) == 2


async def test_an_empty_query_is_refused_before_it_is_sent(tools, retrieve: Get, emulator: Emulator) -> None:
    with pytest.raises(InvalidParameterError, match="query"):
        await retrieve(tools(StepFunSearchRetriever), " ")

    assert not emulator.requests
