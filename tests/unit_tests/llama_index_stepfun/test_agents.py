"""Agents: LlamaIndex's own, run to the end, with what they show on the way."""

from __future__ import annotations

import contextlib
import io
from typing import Any, NamedTuple

import pytest
from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.memory import ChatMemoryBuffer

from demo.picture import BLUE, GREEN, RED, bar_chart
from stepfun_client import APIResponseError
from tests.unit_tests.llama_index_stepfun.conftest import call, reply
from tests.unit_tests.llama_index_stepfun.test_tools import get_weather, multiply


class Run(NamedTuple):
    """What an agent did."""

    answer: str
    events: list[Any]

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.events if type(one) is kind]

    @property
    def called(self) -> list[str]:
        return [one.tool_name for one in self.of(ToolCallResult)]

    @property
    def said(self) -> str:
        return "".join(one.delta for one in self.of(AgentStream))

    @property
    def thought(self) -> str:
        return "".join(one.thinking_delta or "" for one in self.of(AgentStream))


def memory() -> ChatMemoryBuffer:
    return ChatMemoryBuffer.from_defaults(token_limit=4000, tokenizer_fn=str.split)


async def run(agent: Any, question: str, *, remembered: ChatMemoryBuffer | None = None) -> Run:
    handler = agent.run(question, memory=remembered or memory())  # core's own memory is a database to be closed
    events = [event async for event in handler.stream_events()]
    return Run(str(await handler), events)


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_function_agent(stepfun, streaming) -> None:
    agent = FunctionAgent(tools=[multiply, get_weather], llm=stepfun(), streaming=streaming)

    done = await run(agent, "Multiply 6 and 7, and get the weather in Paris.")

    assert done.called == ["multiply", "get_weather"]
    assert "42" in done.answer
    assert "Paris: sunny" in done.answer
    assert bool(done.said) is bool(done.thought) is streaming
    assert "Multiply 6 and 7" in done.thought or not streaming


async def test_an_agent_that_calls_one_tool_after_another(wire) -> None:
    """Where parallel calls are not allowed, the first one counts, streamed too; the history holds no other."""
    both = [call("multiply", '{"a": 6, "b": 7}'), call("get_weather", '{"city": "Paris"}', "call_2")]
    llm = wire.says(reply(None, tool_calls=both), reply("Done.")).llm()

    done = await run(FunctionAgent(tools=[multiply, get_weather], llm=llm, allow_parallel_tool_calls=False), "Both!")

    assert done.called == ["multiply"]
    assert [len(message.get("tool_calls", ())) for message in wire.messages] == [0, 1, 0]


async def test_thoughts_go_back_with_the_calls_they_led_to(wire) -> None:
    calls = [call("multiply", '{"a": 6, "b": 7}')]
    llm = wire.says(reply(None, tool_calls=calls, reasoning_content="I multiply."), reply("42")).llm()

    await run(FunctionAgent(tools=[multiply], llm=llm), "6 * 7?")

    assert wire.messages[1:] == [
        {"role": "assistant", "content": None, "tool_calls": calls, "reasoning_content": "I multiply."},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ]


async def test_an_agent_beside_stepfuns_own_search(stepfun) -> None:
    agent = FunctionAgent(tools=[multiply], llm=stepfun(tools=[{"type": "web_search"}]))

    done = await run(agent, "Search the web for the news about StepFun, and multiply 6 and 7.")

    assert done.called == ["multiply"]  # nobody tried to run the search
    messages = [one.response for one in done.of(AgentOutput)]
    assert any("built_in_tool_calls" in message.additional_kwargs for message in messages)


async def test_an_agent_that_looks_at_what_its_tool_shows(stepfun) -> None:
    def draw_chart() -> list:
        """Draw the chart."""
        chart = bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160)
        return [TextBlock(text="the chart"), ImageBlock(image=chart)]

    done = await run(FunctionAgent(tools=[draw_chart], llm=stepfun()), "Draw the chart. Which colour is tallest?")

    assert done.called == ["draw_chart"]
    assert "blue" in done.answer.lower()


async def test_an_agent_remembers(stepfun) -> None:
    remembered = memory()
    agent = FunctionAgent(tools=[multiply], llm=stepfun(), system_prompt="You multiply.")

    await run(agent, "Multiply 6 and 7.", remembered=remembered)
    done = await run(agent, "Multiply 3 and 4.", remembered=remembered)

    assert "12" in done.answer
    assert [message.role.value for message in remembered.get_all()] == ["user", "assistant", "tool", "assistant"] * 2


async def test_a_first_call_that_is_forced(stepfun, emulator) -> None:
    agent = FunctionAgent(tools=[multiply, get_weather], llm=stepfun(), initial_tool_choice="get_weather")

    done = await run(agent, "Paris!")

    assert done.called == ["get_weather"]


async def test_a_call_that_was_cut_ends_the_run_with_the_reason(wire) -> None:
    llm = wire.says(reply("", finish_reason="length", tool_calls=[call("multiply", '{"a": 6, "b"')])).llm()

    with pytest.raises(APIResponseError, match="cut at max_tokens in the middle of a tool call"):
        await run(FunctionAgent(tools=[multiply], llm=llm), "6 * 7?")


async def test_a_workflow_hands_over(wire) -> None:
    llm = wire.says(
        reply(None, tool_calls=[call("handoff", '{"to_agent": "calculator", "reason": "numbers"}')]),
        reply(None, tool_calls=[call("multiply", '{"a": 6, "b": 7}', "call_2")]),
        reply("42"),
    ).llm()
    weather = FunctionAgent(name="weather", description="Knows it.", tools=[get_weather], llm=llm)
    calculator = FunctionAgent(name="calculator", description="Multiplies.", tools=[multiply], llm=llm)

    done = await run(AgentWorkflow(agents=[weather, calculator], root_agent="weather"), "6 * 7?")

    assert done.called == ["handoff", "multiply"]
    assert done.answer == "42"
    assert done.of(AgentOutput)[-1].current_agent_name == "calculator"


async def test_a_workflow_on_the_emulator(stepfun) -> None:
    llm = stepfun()
    weather = FunctionAgent(name="weather", description="Gets the weather.", tools=[get_weather], llm=llm)
    calculator = FunctionAgent(name="calculator", description="Multiplies.", tools=[multiply], llm=llm)

    done = await run(AgentWorkflow(agents=[weather, calculator], root_agent="weather"), "What is the weather in Paris?")

    assert done.called == ["get_weather"]
    assert "Paris: sunny" in done.answer
    assert done.thought


async def test_a_react_agent(wire) -> None:
    llm = wire.says(
        reply('Thought: I multiply.\nAction: multiply\nAction Input: {"a": 6, "b": 7}', reasoning_content="hm"),
        reply("Thought: I know it.\nAnswer: 42", reasoning_content="so"),
    ).llm()

    done = await run(ReActAgent(tools=[multiply], llm=llm), "6 * 7?")

    assert done.called == ["multiply"]
    assert done.answer == "42"
    assert done.thought == "hmso"
    assert "Observation: 42" in wire.messages[-1]["content"]


def execute(code: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {"multiply": multiply})
    return out.getvalue()


async def test_a_codeact_agent(wire) -> None:
    llm = wire.says(
        reply("<execute>\nprint(multiply(6, 7))\n</execute>", reasoning_content="hm"), reply("It is 42.")
    ).llm()

    done = await run(CodeActAgent(code_execute_fn=execute, tools=[multiply], llm=llm), "6 * 7?")

    assert done.called == ["execute"]
    assert done.answer == "It is 42."
    assert done.thought == "hm"
    assert any("42" in str(message["content"]) for message in wire.messages[2:])


@pytest.mark.parametrize(
    "agent",
    [
        lambda llm: ReActAgent(tools=[multiply], llm=llm),
        lambda llm: CodeActAgent(code_execute_fn=execute, tools=[multiply], llm=llm),
    ],
    ids=["react", "codeact"],
)
async def test_agents_of_text_on_the_emulator(stepfun, agent) -> None:
    done = await run(agent(stepfun()), "What is 6 * 7?")

    assert "42" in done.answer
    assert done.thought
