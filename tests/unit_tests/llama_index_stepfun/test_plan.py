"""Step Plan and the regions, for LlamaIndex's classes: what the client knows of them holds here too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool

from llama_index_stepfun import (
    StepFun,
    StepFunAudioReader,
    StepFunFileReader,
    StepFunSearchRetriever,
    StepFunToolSpec,
)
from stepfun_client import AuthenticationError, InvalidParameterError

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

ROUTER = "step-router-v1"
LACKS = "Step Plan does not offer .*plan=False, with a key of the open platform"
QUESTION = "What is 6 * 7?"
DATA = Path(__file__).parents[2] / "data"


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


# --- The LLM ----------------------------------------------------------------------------------------------------------


async def test_chat_on_the_plan(stepfun: Callable[..., StepFun], ask, emulator: Emulator) -> None:
    response = await ask(stepfun(plan=True), QUESTION)

    assert response.message.content == "6 * 7 = 42"
    assert emulator.requests[-1].path == "/step_plan/v1/chat/completions"


async def test_several_completion_ids_in_one_stream_are_one_message_with_the_first(stepfun, pieces) -> None:
    received = await pieces(stepfun(model=ROUTER, plan=True), "Count to 50")

    assert received[-1].message.content.endswith("49, 50")
    assert len({response.raw["id"] for response in received}) == 1


def test_the_router_calls_tools(stepfun: Callable[..., StepFun]) -> None:
    llm = stepfun(model=ROUTER, plan=True)
    response = llm.chat_with_tools([FunctionTool.from_defaults(multiply)], user_msg="Multiply 6 and 7")

    assert [call.tool_kwargs for call in llm.get_tool_calls_from_response(response)] == [{"a": 6, "b": 7}]


PICTURE = ChatMessage(blocks=[TextBlock(text="Hi"), ImageBlock(url="https://a.test/a.png")])
ROUTER_REFUSES = {
    "off the plan": ({"plan": False}, QUESTION, "served on Step Plan only"),
    "more than 384K tokens": ({"max_tokens": 384_001}, QUESTION, "at most 384000"),
    "a picture": ({}, PICTURE, "takes text only"),
}


@pytest.mark.parametrize("refused", ROUTER_REFUSES.values(), ids=ROUTER_REFUSES)
async def test_what_the_router_does_not_take(stepfun, ask, emulator: Emulator, refused: Any) -> None:
    settings, asked, said = refused
    before = len(emulator.requests)

    with pytest.raises(InvalidParameterError, match=said):
        await ask(stepfun(**{"model": ROUTER, "plan": True, **settings}), asked)
    assert len(emulator.requests) == before


# --- Tools, readers, retrievers ---------------------------------------------------------------------------------------


def test_the_tools_that_the_plan_has(spec: Callable[..., StepFunToolSpec], emulator: Emulator) -> None:
    speak, _, search, draw, _, transform = spec(plan=True).to_tool_list()

    assert speak.call(text="Hello, Ada.").blocks[1].block_type == "audio"
    drawn = draw.call(prompt="a lake")
    assert drawn.blocks[1].block_type == "image"
    assert {request.path for request in emulator.requests if request.path.startswith("/step_plan")} == {
        "/step_plan/v1/audio/speech",
        "/step_plan/v1/images/generations",
    }
    picture = next(iter(re.findall(r"image-\w+", drawn.content)))
    emulator.requests.clear()
    for tool, args in ((search, {"query": "lamps"}), (transform, {"prompt": "night", "image": picture})):
        with pytest.raises(InvalidParameterError, match=r"Step Plan does not (offer|serve)"):
            tool.call(**args)
    assert not [request for request in emulator.requests if request.path.startswith("/step_plan")]


def test_readers_and_retrievers_on_the_plan(emulator: Emulator, tmp_path: Path) -> None:
    connection = {"api_key": "any", "base_url": emulator.base_url, "plan": True}
    (tmp_path / "a.txt").write_text("Lamps.")

    assert StepFunAudioReader(**connection).load_data(str(DATA / "tone.wav"))
    with pytest.raises(InvalidParameterError, match=LACKS):
        StepFunFileReader(**connection).load_data(str(tmp_path / "a.txt"))
    with pytest.raises(InvalidParameterError, match=LACKS):
        StepFunSearchRetriever(**connection).retrieve("lamps")


# --- Regions ----------------------------------------------------------------------------------------------------------

HINT = r"region='cn' talks to api\.stepfun\.com .*region='global' to api\.stepfun\.ai"


async def test_a_401_hints_at_the_other_region(stepfun: Callable[..., StepFun], ask) -> None:
    with pytest.raises(AuthenticationError, match=HINT):
        await ask(stepfun(api_key="invalid-here"), QUESTION)


def test_a_readers_401_hints_at_the_other_region(emulator: Emulator) -> None:
    reader = StepFunAudioReader(api_key="invalid-here", base_url=emulator.base_url)
    with pytest.raises(AuthenticationError, match=HINT):
        reader.load_data(str(DATA / "tone.wav"))


@pytest.mark.parametrize("kind", [StepFun, StepFunAudioReader, StepFunFileReader, StepFunToolSpec])
def test_every_class_has_the_regions_and_the_plan(kind: Callable[..., Any]) -> None:
    made = kind(api_key="any", region="global", plan=True)
    for client in (made.client, made.async_client):
        assert client.base_url == "https://api.stepfun.ai/step_plan/v1"
