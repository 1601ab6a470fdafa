"""Retrieval over documents: LlamaIndex's query and chat engines run to their end on StepFun, both ways of asking.

The embedding counts words, so retrieval is right without a download; the emulator quotes what it was given.
"""

from __future__ import annotations

import asyncio
import math
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core import Document, VectorStoreIndex, get_response_synthesizer
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import (
    CitationQueryEngine,
    RetrieverQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.schema import MediaResource, Node, NodeWithScore, TextNode
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector, PydanticMultiSelector
from llama_index.core.tools import QueryEngineTool

from demo.picture import BLUE, GREEN, RED, bar_chart
from stepfun_client import StepFunClient, retrieval_tool

if TYPE_CHECKING:
    from llama_index_stepfun import StepFun
    from stepfun_emulator import Emulator
    from stepfun_emulator.journal import Received

OPENING = "The office opens at eight in the morning."
CLOSING = "The office closes at six in the evening."
WEIGHT = "The Aurora lamp weighs 900 grams."
OFFICE = f"{OPENING} {CLOSING} Its key hangs behind the door."
LAMP = f"The Aurora lamp needs a bulb of 12 watts. {WEIGHT} Its warranty lasts three years."

WHEN = "When does the office close?"
WHAT = "What does the Aurora lamp weigh?"
BOTH = "When does the office close, and what does the Aurora lamp weigh?"

FILM = Path(__file__).parents[3] / "notebooks" / "data" / "bounce.mp4"


class WordCounts(BaseEmbedding):
    """An embedding that counts words: texts are near each other if they share some."""

    def _get_text_embedding(self, text: str) -> list[float]:
        counts = [0.0] * 512
        for word in re.findall(r"\w+", text.lower()):
            counts[zlib.crc32(word.encode()) % 512] += 1
        length = math.hypot(*counts) or 1.0
        return [count / length for count in counts]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


# --- Both ways of asking ---------------------------------------------------------------------------------------------


async def _query(engine: Any, question: str) -> Any:
    return engine.query(question)


async def _aquery(engine: Any, question: str) -> Any:
    return await engine.aquery(question)


async def _chat(engine: Any, question: str) -> str:
    return str(engine.chat(question))


async def _achat(engine: Any, question: str) -> str:
    return str(await engine.achat(question))


async def _stream_chat(engine: Any, question: str) -> str:
    return "".join(engine.stream_chat(question).response_gen)


async def _astream_chat(engine: Any, question: str) -> str:
    response = await engine.astream_chat(question)
    return "".join([piece async for piece in response.async_response_gen()])


async def _synthesize(synthesizer: Any, question: str, nodes: list[NodeWithScore]) -> str:
    return str(synthesizer.synthesize(question, nodes))


async def _asynthesize(synthesizer: Any, question: str, nodes: list[NodeWithScore]) -> str:
    return str(await synthesizer.asynthesize(question, nodes))


@pytest.fixture(params=[_query, _aquery], ids=["query", "aquery"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Awaitable[Any]]:
    """Both ways to ask a query engine."""
    return request.param


@pytest.fixture(params=[_chat, _achat, _stream_chat, _astream_chat], ids=lambda way: way.__name__[1:])
def say(request: pytest.FixtureRequest) -> Callable[..., Awaitable[str]]:
    """All four ways to say something to a chat engine."""
    return request.param


@pytest.fixture
def llm(stepfun: Callable[..., StepFun]) -> StepFun:
    return stepfun()


@pytest.fixture
def chats(emulator: Emulator) -> Callable[[], list[Received]]:
    """The chat requests of this test."""
    emulator.requests.clear()
    return lambda: [one for one in emulator.requests if one.path == "/v1/chat/completions"]


def index(*texts: str) -> VectorStoreIndex:
    return VectorStoreIndex.from_documents([Document(text=text) for text in texts], embed_model=WordCounts())


def tools(llm: StepFun) -> list[QueryEngineTool]:
    """One engine for each document."""
    return [
        QueryEngineTool.from_defaults(index(text).as_query_engine(llm=llm), name=name, description=description)
        for name, description, text in (
            ("office", "Facts about the office", OFFICE),
            ("lamp", "Facts about the Aurora lamp", LAMP),
        )
    ]


# --- Query engines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer", "source"), [(WHEN, CLOSING, OFFICE), (WHAT, WEIGHT, LAMP)])
async def test_a_query_is_answered_from_the_fitting_document(question, answer, source, ask, llm):
    response = await ask(index(OFFICE, LAMP).as_query_engine(llm=llm, similarity_top_k=1), question)

    assert str(response) == answer
    assert [one.text for one in response.source_nodes] == [source]


async def test_the_answer_streams(llm, chats):
    engine = index(OFFICE, LAMP).as_query_engine(llm=llm, streaming=True, similarity_top_k=1)

    pieces = list(engine.query(WHEN).response_gen)
    apieces = [piece async for piece in (await engine.aquery(WHEN)).async_response_gen()]

    assert "".join(pieces) == "".join(apieces) == CLOSING
    assert len([piece for piece in pieces if piece]) > 1
    assert [one.body["stream"] for one in chats()] == [True, True]


@pytest.mark.parametrize(
    ("mode", "calls"), [("refine", 2), ("compact", 1), ("tree_summarize", 1), ("simple_summarize", 1)]
)
async def test_each_way_of_putting_an_answer_together(mode, calls, ask, llm, chats):
    response = await ask(index(OFFICE, LAMP).as_query_engine(llm=llm, response_mode=mode), WHEN)

    assert str(response) == CLOSING
    assert len(chats()) == calls


@pytest.mark.parametrize(("window", "one_call"), [(None, True), (3_900, False)], ids=["true", "of the old package"])
async def test_with_the_true_window_9000_words_are_one_call(window, one_call, ask, stepfun, chats):
    pages = [f"Page {number}. " + "Nothing of interest is written on this line here. " * 19 for number in range(50)]
    assert 8_500 < sum(len(page.split()) for page in pages) < 9_500
    engine = index(*pages, OFFICE).as_query_engine(llm=stepfun(context_window=window), similarity_top_k=51)

    response = await ask(engine, WHEN)

    assert len(response.source_nodes) == 51
    assert str(response) == CLOSING
    assert (len(chats()) == 1) is one_call


async def test_citations_name_their_source(ask, llm):
    engine = CitationQueryEngine.from_args(
        index(OFFICE, LAMP), llm=llm, citation_chunk_size=20, citation_chunk_overlap=0
    )

    response = await ask(engine, BOTH)

    cited = [int(number) - 1 for number in re.findall(r"\[(\d+)\]", str(response))]
    assert str(response) == f"{CLOSING} [{cited[0] + 1}] {WEIGHT} [{cited[1] + 1}]"
    assert CLOSING in response.source_nodes[cited[0]].text
    assert WEIGHT in response.source_nodes[cited[1]].text


@pytest.mark.parametrize("selector", [None, LLMSingleSelector, LLMMultiSelector, PydanticMultiSelector])
@pytest.mark.parametrize(("question", "answer", "chosen"), [(WHEN, CLOSING, 0), (WHAT, WEIGHT, 1)])
async def test_a_router_chooses_the_engine(  # noqa: PLR0917
    selector, question, answer, chosen, ask, llm, chats
):
    engine = RouterQueryEngine.from_defaults(tools(llm), llm=llm, selector=selector and selector.from_defaults(llm=llm))

    response = await ask(engine, question)

    assert str(response) == answer
    assert [one.index for one in response.metadata["selector_result"].selections] == [chosen]
    assert len(chats()) == 2


async def test_a_router_may_ask_several_engines(ask, llm):
    engine = RouterQueryEngine.from_defaults(tools(llm), llm=llm, select_multi=True)

    response = await ask(engine, BOTH)

    assert str(response) == f"{CLOSING} {WEIGHT}"
    assert sorted(one.index for one in response.metadata["selector_result"].selections) == [0, 1]


async def test_sub_questions_go_to_their_engines(ask, llm, chats):
    """Core's default generator is a package for OpenAI alone; the one that asks any LLM is given by hand."""
    generator = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults(
        tools(llm), llm=llm, question_gen=generator, use_async=ask is _aquery, verbose=False
    )

    response = await ask(engine, BOTH)

    assert str(response) == f"{CLOSING} {WEIGHT}"
    assert len(chats()) == 4
    assert [one.text.partition("\nResponse: ")[2] for one in response.source_nodes[:2]] == [CLOSING, WEIGHT]


# --- Chat engines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["context", "condense_plus_context", "condense_question"])
async def test_a_chat_engine_answers_and_remembers(mode, say, llm, chats):
    engine = index(OFFICE, LAMP).as_chat_engine(
        chat_mode=mode, llm=llm, memory=ChatMemoryBuffer.from_defaults(llm=llm), verbose=False
    )

    assert await say(engine, WHEN) == CLOSING
    await remembered(engine, 2)
    assert await say(engine, WHAT) == WEIGHT
    await remembered(engine, 4)

    assert [str(message.content) for message in engine.chat_history] == [WHEN, CLOSING, WHAT, WEIGHT]
    assert len(chats()) == {"context": 2, "condense_plus_context": 3, "condense_question": 3}[mode]


async def remembered(engine: Any, messages: int) -> None:
    """Wait until a streamed answer is in the history: core writes it there on a thread or a task of its own."""
    for _ in range(1000):
        if len(engine.chat_history) == messages:
            return
        await asyncio.sleep(0.01)


# --- Pictures and films ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("synthesize", [_synthesize, _asynthesize], ids=["synthesize", "asynthesize"])
@pytest.mark.parametrize("mode", ["compact", "tree_summarize", "simple_summarize", "refine"])
async def test_picture_and_film_nodes_are_looked_at(mode, synthesize, llm, chats):
    picture = bar_chart([(RED, 2), (GREEN, 5), (BLUE, 3)])
    nodes = [
        TextNode(text=OFFICE),
        Node(image_resource=MediaResource(data=picture, mimetype="image/png")),
        Node(video_resource=MediaResource(path=FILM, mimetype="video/mp4")),
    ]
    synthesizer = get_response_synthesizer(llm=llm, response_mode=mode, multimodal=True)

    answer = await synthesize(synthesizer, WHEN, [NodeWithScore(node=node, score=1.0) for node in nodes])

    contents = [one.body["messages"][-1]["content"] for one in chats()]
    parts = [part["type"] for content in contents if isinstance(content, list) for part in content]
    assert sorted(kind for kind in parts if kind != "text") == ["image_url", "video_url"]
    assert "3 bars" in answer
    assert f"MP4 video of {FILM.stat().st_size} bytes" in answer
    assert answer.endswith(CLOSING)


async def test_an_index_finds_a_picture_by_its_caption(ask, llm, tmp_path):
    """Core's stores keep no bytes, so what is to be found lies in a file."""
    chart = tmp_path / "chart.png"
    chart.write_bytes(bar_chart([(RED, 2), (GREEN, 5)]))
    picture = Node(
        text_resource=MediaResource(text="A chart of the revenue in spring"),
        image_resource=MediaResource(path=chart, mimetype="image/png"),
    )
    known = VectorStoreIndex([picture, TextNode(text=OFFICE)], embed_model=WordCounts())
    engine = RetrieverQueryEngine.from_args(known.as_retriever(similarity_top_k=1), llm=llm, multimodal=True)

    response = await ask(engine, "How was the revenue in spring?")

    assert "2 bars" in str(response)


# --- StepFun's own knowledge base ------------------------------------------------------------------------------------


@pytest.fixture
async def handbook(emulator: Emulator) -> AsyncIterator[str]:
    """A vector store that knows the office."""
    with StepFunClient(api_key="any", base_url=emulator.base_url) as client:
        file = client.files.create(OFFICE.encode(), purpose="retrieval-text", filename="office.md")
        store = client.vector_stores.create("handbook")
        client.vector_stores.files.create(store.id, [file.id])
        client.vector_stores.wait(store.id, poll=0.01)
        yield store.id
        client.vector_stores.delete(store.id)
        client.files.delete(file.id)


async def test_the_knowledge_base_is_a_tool_of_the_server(ask_whole, stepfun, handbook):
    tool = retrieval_tool(handbook, name="handbook", description="The rules and hours of the office")

    response = await ask_whole(stepfun(tools=[tool]), WHEN)

    assert CLOSING in response.message.content
    assert response.message.additional_kwargs == {}  # no call for anybody to make
