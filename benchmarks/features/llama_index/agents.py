"""Agents, tools, long prompts and structured output: what a model is used for in LlamaIndex."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from benchmarks.features.llama_index.asking import agent_says, last, watched
from benchmarks.features.probing import Case, Outcome, Probes
from benchmarks.features.samples import SEARCH_AND_SUM, SUM, TWO_SUMS, WEB_SEARCH, multiply

PROBES = Probes()

_WORDS = 9000
_WINDOW = 256_000


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@PROBES.add("Default model is a current one, its window known", "默认模型是当前型号，上下文长度正确")
def default_model(case: Case) -> Outcome:
    """What is there without a word of configuration."""
    told = case.bare(api_key="any").metadata
    good = told.context_window >= _WINDOW
    return Outcome(good, "" if good else f"{told.model_name}, {told.context_window:,}")


@PROBES.add("`FunctionAgent` runs, by default", "`FunctionAgent` 默认即可运行")
def function_agent(case: Case) -> bool:
    """With nothing said but the model."""
    llm = case.bare(api_key="any", model="step-3.7-flash")
    return "42" in agent_says(llm, SUM, [multiply])


@PROBES.add("Agent with `web_search` and a tool finishes", "同时带 `web_search` 和工具的智能体能完成")
def agent_with_search(case: Case) -> bool:
    """The search is StepFun's to run, the tool is the agent's."""
    described = FunctionTool.from_defaults(multiply).metadata.to_openai_tool()
    settings: dict[str, Any] = (
        {"tools": [WEB_SEARCH]}
        if "tools" in case.made.model_fields
        else {"additional_kwargs": {"tools": [WEB_SEARCH, described]}}  # what is set there replaces the agent's own
    )
    return "42" in agent_says(case.model(**settings), SEARCH_AND_SUM, [multiply])


@PROBES.add("Parallel tool calls, streamed", "流式并行工具调用")
def calls_streamed(case: Case) -> Outcome:
    """As most services stream them, and with two of the liberties StepFun takes."""
    failed = [fault for fault in ("none", "tool-whole", "tool-repeated-id") if not _calls_arrive(case, fault)]
    return Outcome(not failed, ", ".join(failed))


@PROBES.add("Streamed tool calls without `index`", "没有 `index` 的流式工具调用")
def calls_without_index(case: Case) -> bool:
    """Fragments belong together by their id."""
    return _calls_arrive(case, "tool-no-index")


def _calls_arrive(case: Case, fault: str) -> bool:
    llm, tool = case.model(fault=fault), FunctionTool.from_defaults(multiply)
    reply = last(llm.stream_chat_with_tools([tool], TWO_SUMS, allow_parallel_tool_calls=True))
    calls = llm.get_tool_calls_from_response(reply)
    ids = {call.tool_id for call in calls}
    return [call.tool_kwargs for call in calls] == [{"a": 6, "b": 7}, {"a": 3, "b": 4}] and len(ids) == 2


@PROBES.add("9,000 words in a `compact` query: one call", "`compact` 查询 9,000 词只需一次调用")
def compact_query(case: Case) -> Outcome:
    """On the model both can name, with nothing said about its window."""
    llm, sent = watched(case)
    synthesizer = get_response_synthesizer(llm=llm, response_mode=ResponseMode.COMPACT)
    synthesizer.get_response("Who wrote it?", ["Anna wrote it. " * (_WORDS // 3)])
    return Outcome(len(sent) == 1, "" if len(sent) == 1 else f"{len(sent)} calls")


@PROBES.add("Structured output, with the system prompt", "结构化输出，且保留系统提示")
def structured(case: Case) -> bool:
    """The object, and the prompt is sent."""
    llm, sent = watched(case, system_prompt="You read names well.")
    prompt = ChatPromptTemplate([ChatMessage(role="user", content="{text}")])
    person = llm.structured_predict(Person, prompt, text="Anna is 34 years old.")
    kept = any("names well" in str(message) for message in sent[0]["messages"] if message["role"] == "system")
    return person == Person(name="Anna", age=34) and kept
