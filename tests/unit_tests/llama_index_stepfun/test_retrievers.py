"""StepFunSearchRetriever: pages of the web as nodes, synchronously and asynchronously."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from llama_index_stepfun import StepFun, StepFunSearchRetriever
from stepfun_client import AuthenticationError, InvalidParameterError

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

KEY = "sk-a-key-nobody-may-see"
QUESTION = "What does the Aurora lamp weigh?"


async def _retrieve(retriever: StepFunSearchRetriever, query: Any) -> list[NodeWithScore]:
    return retriever.retrieve(query)


async def _aretrieve(retriever: StepFunSearchRetriever, query: Any) -> list[NodeWithScore]:
    return await retriever.aretrieve(query)


async def _query(engine: RetrieverQueryEngine, query: Any) -> Any:
    return engine.query(query)


async def _aquery(engine: RetrieverQueryEngine, query: Any) -> Any:
    return await engine.aquery(query)


Retrieve = Callable[[StepFunSearchRetriever, Any], Awaitable[list[NodeWithScore]]]

both_ways = pytest.mark.parametrize("retrieve", [_retrieve, _aretrieve])


@pytest.fixture
async def searching(emulator: Emulator) -> AsyncIterator[Callable[..., StepFunSearchRetriever]]:
    """Make a retriever that searches the emulator, and forget what the emulator was asked before."""
    made: list[StepFunSearchRetriever] = []

    def make(**kwargs: Any) -> StepFunSearchRetriever:
        made.append(StepFunSearchRetriever(**{"api_key": KEY, "base_url": emulator.base_url, **kwargs}))
        return made[-1]

    emulator.requests.clear()
    yield make
    for one in made:
        one._service.client.close()
        await one._service.async_client.aclose()


def canned(*results: dict[str, Any], status: int = 200) -> tuple[StepFunSearchRetriever, list[dict[str, Any]]]:
    """A retriever that finds what it is told to find, and the bodies that it sends."""
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        refused = {"error": {"message": "Incorrect API key provided", "type": "invalid_api_key"}}
        return httpx.Response(status, json={"results": results} if status == 200 else refused)

    transport = httpx.MockTransport(answer)
    retriever = StepFunSearchRetriever(
        api_key=KEY,
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )
    return retriever, sent


# --- Finding ---------------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("query", [QUESTION, QueryBundle(QUESTION)], ids=["string", "bundle"])
async def test_pages_are_nodes_with_where_they_are_from(retrieve, query, searching, emulator):
    found = await retrieve(searching(n=3, category="research"), query)

    assert [(request.path, request.body) for request in emulator.requests] == [
        ("/v1/search", {"query": QUESTION, "n": 3, "category": "research"})
    ]
    assert [one.metadata["position"] for one in found] == [1, 2, 3]
    first = found[0].metadata
    assert sorted(first) == ["position", "time", "title", "url"]
    assert first["url"].startswith("https://research.stepfun-emulator.invalid/1?q=")
    assert (first["title"], first["time"]) == (f"{QUESTION} (1)", "2026-01-01T00:00:00Z")
    assert "A real page would have its whole text here." in found[0].text


@pytest.mark.parametrize(("retrieve", "made"), [(_retrieve, "_sync"), (_aretrieve, "_async")])
async def test_each_way_has_its_own_client(retrieve, made, searching):
    """Native: the asynchronous way blocks no event loop by a synchronous call, the other starts none."""
    retriever = searching(n=1)

    await retrieve(retriever, QUESTION)

    assert [name for name in ("_sync", "_async") if getattr(retriever._service, name) is not None] == [made]


@both_ways
async def test_by_default_ten_pages_from_everywhere(retrieve, searching, emulator):
    found = await retrieve(searching(), QUESTION)

    assert len(found) == 10
    assert emulator.requests[-1].body == {"query": QUESTION, "n": 10}


@both_ways
async def test_scores_keep_the_order(retrieve, searching):
    scores = [one.score for one in await retrieve(searching(n=4), QUESTION)]

    assert scores == [1, 1 / 2, 1 / 3, 1 / 4]


@both_ways
async def test_a_page_is_its_content_else_its_snippet(retrieve):
    whole = {"url": "https://a.example", "title": "A", "snippet": "In short", "content": "At length", "position": 1}
    short = {"url": "https://b.example", "snippet": "In short", "content": ""}
    retriever, _ = canned(whole, short)

    found = await retrieve(retriever, QUESTION)

    assert [one.text for one in found] == ["At length", "In short"]
    assert found[1].metadata == {"url": "https://b.example", "position": 2}
    assert found[0].get_content(MetadataMode.LLM) == "url: https://a.example\ntitle: A\n\nAt length"


@both_ways
async def test_nothing_found_is_no_node(retrieve):
    retriever, _ = canned()

    assert await retrieve(retriever, QUESTION) == []


# --- When it fails ---------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(("given", "param"), [({"n": 21}, "n"), ({"n": 0}, "n"), ({"category": "sports"}, "category")])
async def test_what_the_service_would_refuse_is_not_sent(retrieve, given, param, searching, emulator):
    with pytest.raises(InvalidParameterError) as caught:
        await retrieve(searching(**given), QUESTION)

    assert caught.value.param == param
    assert emulator.requests == []


@both_ways
async def test_errors_keep_their_class_and_not_the_key(retrieve):
    retriever, _ = canned(status=401)

    with pytest.raises(AuthenticationError) as caught:
        await retrieve(retriever, QUESTION)

    assert KEY not in str(caught.value)


def test_a_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match="categroy"):
        StepFunSearchRetriever(categroy="gov")


# --- In an engine, and as an object ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [_query, _aquery])
async def test_a_query_engine_answers_from_the_web(ask, searching, stepfun, emulator):
    engine = RetrieverQueryEngine.from_args(searching(n=2), llm=stepfun())

    response = await ask(engine, QUESTION)

    assert [one.path for one in emulator.requests] == ["/v1/search", "/v1/chat/completions"]
    assert [one.metadata["position"] for one in response.source_nodes] == [1, 2]
    assert "Aurora lamp weigh" in str(response)


async def test_the_key_is_shown_nowhere(searching):
    one = searching()

    assert KEY not in repr(one) + str(vars(one))
    assert KEY.encode() not in pickle.dumps(one)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
async def test_copies_search_too(again, searching, monkeypatch):
    monkeypatch.setenv("STEP_API_KEY", KEY)
    one = searching(n=1)
    one.retrieve(QUESTION)

    copied = again(one)
    try:
        assert [found.metadata["position"] for found in copied.retrieve(QUESTION)] == [1]
    finally:
        copied._service.client.close()


async def test_the_connection_is_that_of_the_llm():
    given = {"region": "global", "plan": True, "timeout": 7, "max_retries": 1, "default_headers": {"x-team": "a"}}

    assert StepFunSearchRetriever(**given)._service._settings() == StepFun(**given)._settings()
