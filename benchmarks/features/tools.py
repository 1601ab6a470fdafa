"""Tools: the user's and StepFun's own, streamed in every shape, and structured output."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from benchmarks.features.answers import streamed
from benchmarks.features.probing import Case, Outcome, Probes
from benchmarks.features.samples import (
    QUESTION,
    SEARCH,
    SEARCH_AND_SUM,
    SEARCH_IN_SHORT,
    SUM,
    TWO_SUMS,
    WEB_SEARCH,
    block,
    multiply,
    picture,
)

PROBES = Probes()

_MOST_STEPS = 25


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def _agent(case: Case, question: str, *tools: Any) -> tuple[str, int]:
    """Run an agent; return its answer and how often it asked the model."""
    agent = create_agent(case.model(), tools=list(tools))
    done = agent.invoke({"messages": [HumanMessage(question)]}, {"recursion_limit": _MOST_STEPS})
    messages = done["messages"]
    return messages[-1].text, sum(isinstance(message, AIMessage) for message in messages)


@PROBES.add("Agent with a tool", "带工具的智能体")
def agent_with_tool(case: Case) -> bool:
    """It calls the tool and answers with what came back."""
    answer, _turns = _agent(case, SUM, multiply)
    return "42" in answer


@PROBES.add("`bind_tools` takes StepFun's `web_search`", "`bind_tools` 接受阶跃的 `web_search`")
def binds_search(case: Case) -> bool:
    """As StepFun documents it."""
    return bool(case.model().bind_tools([WEB_SEARCH]).invoke(SEARCH).text)


@PROBES.add("Agent with `web_search` and a tool", "同时带 `web_search` 和工具的智能体")
def agent_with_search(case: Case) -> Outcome:
    """It finishes, in no more turns than it takes: one that calls the tool, one that answers."""
    answer, turns = _agent(case, SEARCH_AND_SUM, SEARCH_IN_SHORT, multiply)
    good = "42" in answer and turns == 2
    return Outcome(good, "" if good else f"{turns} turns")


@PROBES.add("Search results as citations", "搜索结果成为引用标注")
def citations(case: Case) -> bool:
    """What was found annotates the text; the tool is put into the request by hand, so that all can send it."""
    truth = case.wire(SEARCH, tools=[WEB_SEARCH])["choices"][0]["message"]["tool_calls"][0]["results"]
    reply = case.model().bind(tools=[WEB_SEARCH]).invoke(SEARCH)
    texts = [block for block in reply.content_blocks if block["type"] == "text"]
    cited = [note.get("url") for text in texts for note in text.get("annotations") or ()]
    return cited == [hit["url"] for hit in truth]


@PROBES.add("Parallel tool calls, streamed", "流式并行工具调用")
def calls_streamed(case: Case) -> bool:
    """As most services stream them, and with two of the liberties StepFun takes."""
    return all(_calls_arrive(case, fault) for fault in ("none", "tool-whole", "tool-repeated-id"))


@PROBES.add("Streamed tool calls without `index`", "没有 `index` 的流式工具调用")
def calls_without_index(case: Case) -> bool:
    """Fragments belong together by their id."""
    return _calls_arrive(case, "tool-no-index")


def _calls_arrive(case: Case, fault: str) -> bool:
    reply = streamed(case.model(fault=fault).bind_tools([multiply]), TWO_SUMS)
    ids = {call["id"] for call in reply.tool_calls}
    return [call["args"] for call in reply.tool_calls] == [{"a": 6, "b": 7}, {"a": 3, "b": 4}] and len(ids) == 2


@PROBES.add("`with_structured_output`, by default", "默认的 `with_structured_output`")
def structured(case: Case) -> bool:
    """On a model without `json_schema`, with no method named."""
    person = case.model().with_structured_output(Person).invoke("Anna is 34 years old.")
    return person == Person(name="Anna", age=34)


@PROBES.add("A tool that returns a picture", "返回图片的工具")
def tool_picture(case: Case) -> bool:
    """The model sees it."""
    calls = [{"name": "camera", "args": {}, "id": "call_1"}]
    shown = [{"type": "text", "text": "Taken."}, block("image", picture(), "image/png")]
    asked = [HumanMessage(QUESTION), AIMessage("", tool_calls=calls), ToolMessage(shown, tool_call_id="call_1")]
    return "red" in case.model().invoke(asked).text
