"""StepFun on recorded exchanges: what a user writes, played from `tests/cassettes` (see CONTRIBUTING.md, Record).

The assertions hold for the emulator and for StepFun itself, so that `make record` works with a key and without.
"""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from demo.picture import BLUE, GREEN, RED, bar_chart
from llama_index_stepfun import StepFun
from tests.unit_tests.llama_index_stepfun.test_agents import FunctionAgent, run

pytestmark = pytest.mark.cassette

ASKED = [ChatMessage(role="user", content="What is 6 * 7? Answer with the number.")]


class City(BaseModel):
    """A city."""

    name: str
    country: str


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def stepfun(model: str = "step-3.7-flash") -> StepFun:
    return StepFun(model, reasoning_effort="low")


def test_chat() -> None:
    response = stepfun().chat(ASKED)

    assert "42" in response.message.content
    assert response.additional_kwargs["completion_tokens"] > 0
    assert len(response.additional_kwargs["trace_id"]) == 32


async def test_achat() -> None:
    assert "42" in (await stepfun().achat(ASKED)).message.content


def test_stream_chat() -> None:
    responses = list(stepfun().stream_chat(ASKED))

    assert "42" in "".join(response.delta for response in responses)
    assert any(response.additional_kwargs.get("thinking_delta") for response in responses)
    assert responses[-1].additional_kwargs["finish_reason"] == "stop"
    assert responses[-1].raw["usage"]["prompt_tokens"] < 100


async def test_astream_chat() -> None:
    responses = [response async for response in await stepfun().astream_chat(ASKED)]

    assert "42" in responses[-1].message.content
    assert responses[-1].raw["usage"]["prompt_tokens"] < 100


def test_predict_and_call() -> None:
    tool = FunctionTool.from_defaults(multiply)

    answer = stepfun().predict_and_call([tool], "Multiply 6 and 7 with the tool.", tool_required=True)

    assert answer.response == "42"


def test_structured_predict_by_schema() -> None:
    asked = PromptTemplate("Tell me about {city} in France.")
    llm = stepfun("step-3.5-flash")

    assert llm.structured_predict(City, asked, city="Paris") == City(name="Paris", country="France")


def test_structured_predict_by_call() -> None:
    asked = PromptTemplate("Tell me about {city} in France.")

    assert stepfun().structured_predict(City, asked, city="Paris") == City(name="Paris", country="France")


def test_vision() -> None:
    chart = ImageBlock(image=bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160))
    question = TextBlock(text="Which colour has the tallest bar? Answer with one word.")

    response = stepfun().chat([ChatMessage(role="user", content=[chart, question])])

    assert "blue" in response.message.content.lower()


async def test_agent() -> None:
    done = await run(FunctionAgent(tools=[multiply], llm=stepfun()), "Multiply 6 and 7 with the tool.")

    assert done.called == ["multiply"]
    assert "42" in done.answer
    assert done.thought
