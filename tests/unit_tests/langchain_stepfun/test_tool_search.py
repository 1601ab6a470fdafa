"""StepFunWebSearch: what the model reads, and what the program gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import ToolException
from pydantic import ValidationError

from langchain_stepfun import StepFunWebSearch
from tests.unit_tests.langchain_stepfun.tooling import Use, scripted

if TYPE_CHECKING:
    from stepfun_emulator import Emulator


async def test_the_model_reads_hits_and_the_program_gets_citations(tools, use: Use, emulator: Emulator) -> None:
    message = await use(tools(StepFunWebSearch, n=3, category="research"), query="StepFun")

    assert emulator.requests[-1].body == {"query": "StepFun", "n": 3, "category": "research"}
    assert [hit["extras"]["position"] for hit in message.artifact] == [1, 2, 3]
    for rank, hit in enumerate(message.artifact, 1):
        assert hit["type"] == "citation"
        assert f"{rank}. {hit['title']}\n{hit['url']}" in message.content


async def test_a_page_is_cut_for_the_model_and_whole_for_the_program(tools, use: Use) -> None:
    message = await use(tools(StepFunWebSearch, n=1, max_characters=10), query="StepFun")

    (hit,) = message.artifact
    whole = hit["extras"]["content"]
    assert len(whole) > 10
    assert message.content.endswith(f"{whole[:10]}…")


async def test_nothing_found_is_said(use: Use) -> None:
    import httpx

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"query": "x", "n": 5, "results": []})

    transport = httpx.MockTransport(answer)
    clients: dict[str, Any] = {
        "http_client": httpx.Client(transport=transport),
        "http_async_client": httpx.AsyncClient(transport=transport),
    }

    message = await use(StepFunWebSearch(api_key="any", **clients), query="x")

    assert (message.content, message.artifact) == ("Nothing was found.", [])


async def test_an_empty_query_is_told_to_the_model(tools, use: Use, emulator: Emulator) -> None:
    with pytest.raises(ToolException, match="query"):
        await use(tools(StepFunWebSearch), query=" ")
    with pytest.raises(ValidationError):
        await use(tools(StepFunWebSearch), query="")

    assert not emulator.requests


def test_an_agent_searches(tools) -> None:
    search = tools(StepFunWebSearch, n=2)

    state = create_agent(scripted([(search.name, {"query": "StepFun"})]), [search]).invoke(
        {"messages": [HumanMessage("Search.")]}
    )

    (result,) = (message for message in state["messages"] if isinstance(message, ToolMessage))
    assert len(result.artifact) == 2
