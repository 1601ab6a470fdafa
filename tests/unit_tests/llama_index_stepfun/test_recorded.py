"""StepFun and its tools on recorded exchanges: what a user writes, played from `tests/cassettes`.

See CONTRIBUTING.md, Record. The assertions hold for the emulator and for StepFun itself, so that `make record` works
with a key and without; what is on modelverse needs that host's own key to be recorded live.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool, ToolOutput
from pydantic import BaseModel

from demo.picture import BLUE, GREEN, RED, bar_chart
from llama_index_stepfun import StepFun, StepFunToolSpec
from tests.unit_tests.llama_index_stepfun.test_agents import FunctionAgent, run
from tests.unit_tests.llama_index_stepfun.tooling import USES

pytestmark = pytest.mark.cassette

DATA = Path(__file__).parents[2] / "data"

ASKED = [ChatMessage(role="user", content="What is 6 * 7? Answer with the number.")]


class City(BaseModel):
    """A city."""

    name: str
    country: str


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def id_in(output: ToolOutput) -> str:
    return re.search(r"(audio|image)-[0-9a-f]+", output.content)[0]


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


# --- Tools -----------------------------------------------------------------------------------------------------------

SMALL = {"size": "256x256", "steps": 10}


@pytest.mark.parametrize("used", USES)
async def test_tools_that_draw_and_transform(used: str) -> None:
    options = {"image_options": SMALL, "transform_options": SMALL, "transform_model": "step-1x-medium"}
    spec = StepFunToolSpec(image_model="step-2x-large", **options)

    drawn = await USES[used](spec, "draw", prompt="a red house", seed=7)
    changed = await USES[used](spec, "transform_image", image=id_in(drawn), prompt="in watercolours", seed=7)

    pictures = [output.blocks[1] for output in (drawn, changed)]
    assert [picture.block_type for picture in pictures] == ["image", "image"]
    assert pictures[0].image != pictures[1].image
    assert "256x256, seed 7" in drawn.content


@pytest.mark.parametrize("used", USES)
@pytest.mark.parametrize(
    "model", ["step-image-edit-2", pytest.param("stepfun-ai/step1x-edit", marks=pytest.mark.modelverse)]
)
async def test_tool_that_edits(used: str, model: str) -> None:
    spec = StepFunToolSpec(edit_model=model, root_dir=DATA)

    output = await USES[used](spec, "edit_image", image="meadow.png", prompt="make it night", seed=7)

    assert output.blocks[1].image_mimetype.startswith("image/")


@pytest.mark.parametrize("used", USES)
async def test_tools_that_speak_and_listen(used: str) -> None:
    spec = StepFunToolSpec(voice="linjiajiejie", speech_options={"sample_rate": 8000})

    spoken = await USES[used](spec, "speak", text="Good day.")
    heard = await USES[used](spec, "transcribe", audio=id_in(spoken))

    assert "good day" in heard.content.lower()
