"""ChatStepFun and the tools on recorded exchanges: what a user writes, played from `tests/cassettes`.

See CONTRIBUTING.md, Record. The assertions hold for the emulator and for StepFun itself, so that `make record` works
with a key and without; what is on modelverse needs that host's own key to be recorded live.
"""

from __future__ import annotations

import base64

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from demo.picture import BLUE, GREEN, RED, bar_chart
from langchain_stepfun import (
    ChatStepFun,
    StepFunASR,
    StepFunImageEdit,
    StepFunImageGen,
    StepFunImageToImage,
    StepFunTTS,
)
from tests.unit_tests.langchain_stepfun.conftest import added
from tests.unit_tests.langchain_stepfun.tooling import MEADOW, USES

pytestmark = pytest.mark.cassette


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def test_chat() -> None:
    reply = ChatStepFun(reasoning_effort="low").invoke("What is 6 * 7? Answer with the number.")

    assert "42" in reply.text
    assert reply.usage_metadata["output_tokens"] > 0
    assert len(reply.response_metadata["trace_id"]) == 32


async def test_chat_async() -> None:
    assert "42" in (await ChatStepFun(reasoning_effort="low").ainvoke("6 * 7 等于多少？")).text


def test_stream() -> None:
    reply = added(list(ChatStepFun(reasoning_effort="low").stream("What is 6 * 7? Answer with the number.")))

    assert "42" in reply.text
    assert reply.additional_kwargs["reasoning_content"]
    assert reply.response_metadata["finish_reason"] == "stop"
    assert reply.usage_metadata["input_tokens"] < 100


async def test_stream_async() -> None:
    model = ChatStepFun(reasoning_effort="low")

    reply = added([chunk async for chunk in model.astream("What is 6 * 7? Answer with the number.")])

    assert "42" in reply.text
    assert reply.usage_metadata["input_tokens"] < 100


def test_tools() -> None:
    model = ChatStepFun(reasoning_effort="low").bind_tools([multiply])
    question = HumanMessage("Multiply 6 and 7 with the tool.")

    asked = model.invoke([question])
    (call,) = asked.tool_calls
    answer = model.invoke([question, asked, ToolMessage(str(multiply(**call["args"])), tool_call_id=call["id"])])

    assert (call["name"], call["args"]) == ("multiply", {"a": 6, "b": 7})
    assert "42" in answer.text


def test_vision() -> None:
    chart = base64.b64encode(bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160)).decode()
    picture = {"type": "image", "base64": chart, "mime_type": "image/png"}
    question = {"type": "text", "text": "Which colour has the tallest bar? Answer with one word."}

    reply = ChatStepFun(reasoning_effort="low").invoke([HumanMessage([picture, question])])

    assert "blue" in reply.text.lower()


# --- Tools -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", USES)
async def test_tool_that_draws(used: str) -> None:
    tool = StepFunImageGen(model="step-2x-large", size="256x256", seed=7, steps=10)

    message = await USES[used](tool, prompt="a red house")

    assert message.artifact["mime_type"] == "image/png"
    assert (message.artifact["extras"]["width"], message.artifact["extras"]["height"]) == (256, 256)
    assert message.artifact["id"] in message.content


@pytest.mark.parametrize("used", USES)
@pytest.mark.parametrize(
    "model", ["step-image-edit-2", pytest.param("stepfun-ai/step1x-edit", marks=pytest.mark.modelverse)]
)
async def test_tool_that_edits(used: str, model: str) -> None:
    message = await USES[used](StepFunImageEdit(model=model, seed=7), image=MEADOW, prompt="make it night")

    assert base64.b64decode(message.artifact["base64"]) != MEADOW
    assert message.artifact["extras"]["model"] == model


@pytest.mark.parametrize("used", USES)
async def test_tool_that_transforms(used: str) -> None:
    tool = StepFunImageToImage(model="step-1x-medium", size="256x256", seed=7, steps=10)

    message = await USES[used](tool, image=MEADOW, prompt="in watercolours")

    assert message.artifact["extras"]["width"] == 256


@pytest.mark.parametrize("used", USES)
async def test_tools_that_speak_and_listen(used: str) -> None:
    spoken = await USES[used](StepFunTTS(voice="linjiajiejie", sample_rate=8000), text="Good day.")
    heard = await USES[used](StepFunASR(), audio=spoken.artifact)

    assert spoken.artifact["mime_type"] == "audio/mpeg"
    assert "good day" in heard.content.lower()
