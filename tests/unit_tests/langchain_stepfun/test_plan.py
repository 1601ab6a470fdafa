"""Step Plan and the regions, for LangChain's classes: what the client knows of them holds here too."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.documents.base import Blob
from langchain_core.exceptions import ModelAuthenticationError, ModelInvalidRequestError
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from langchain_stepfun import (
    ChatStepFun,
    StepFunASR,
    StepFunASRParser,
    StepFunFileLoader,
    StepFunImageEdit,
    StepFunImageGen,
    StepFunImageToImage,
    StepFunRealtime,
    StepFunSearchRetriever,
    StepFunToolkit,
    StepFunTTS,
    StepFunVoiceClone,
    StepFunWebSearch,
    image_block,
    video_block,
)
from langchain_stepfun.tools.artifacts import audio_artifact
from stepfun_client import AuthenticationError, InvalidParameterError
from stepfun_client.audio import Audio
from tests.unit_tests.langchain_stepfun.conftest import QUESTION
from tests.unit_tests.langchain_stepfun.tooling import TONE, Use

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

ROUTER = "step-router-v1"
LACKS = "Step Plan does not offer .*plan=False, with a key of the open platform"


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


# --- Chat -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("api", "path"), [("chat", "chat/completions"), ("messages", "messages")])
async def test_chat_on_the_plan(chat: Callable[..., ChatStepFun], ask, emulator: Emulator, api: Any, path: str) -> None:
    message = await ask(chat(plan=True, api=api), QUESTION)

    assert message.text == "6 * 7 = 42"
    assert emulator.requests[-1].path == f"/step_plan/v1/{path}"


async def test_several_completion_ids_in_one_stream_are_one_message_with_the_first(chat, chunks, emulator) -> None:
    parts = await chunks(chat(model=ROUTER, plan=True), "Count to 50")
    total = sum(parts[1:], parts[0])

    assert total.text.endswith("49, 50")
    assert total.response_metadata["id"].count(".") == 1
    assert len({part.id for part in parts}) == 1


async def test_the_router_calls_tools(chat: Callable[..., ChatStepFun], ask) -> None:
    message: AIMessage = await ask(chat(model=ROUTER, plan=True).bind_tools([multiply]), "Multiply 6 and 7")

    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("multiply", {"a": 6, "b": 7})]


ROUTER_REFUSES = {
    "off the plan": ({"plan": False}, QUESTION, "served on Step Plan only"),
    "more than 384K tokens": ({"max_tokens": 384_001}, QUESTION, "at most 384000"),
    "a picture": ({}, [HumanMessage([image_block("https://a.test/a.png")])], "takes text only"),
    "a video": ({}, [HumanMessage([video_block("https://a.test/a.mp4")])], "takes text only"),
}


@pytest.mark.parametrize("refused", ROUTER_REFUSES.values(), ids=ROUTER_REFUSES)
async def test_what_the_router_does_not_take(chat, ask_whole, emulator: Emulator, refused: Any) -> None:
    settings, asked, said = refused
    before = len(emulator.requests)

    with pytest.raises(ModelInvalidRequestError, match=said):
        await ask_whole(chat(**{"model": ROUTER, "plan": True, **settings}), asked)
    assert len(emulator.requests) == before


async def test_the_router_does_not_search(chat: Callable[..., ChatStepFun], ask_whole) -> None:
    with pytest.raises(ModelInvalidRequestError, match="does not take the tool web_search"):
        await ask_whole(chat(model=ROUTER, plan=True).bind_tools([{"type": "web_search"}]), QUESTION)


def test_tokens_are_counted_where_the_plan_counts_them(chat: Callable[..., ChatStepFun], emulator: Emulator) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chat(plan=True).get_num_tokens_from_messages([HumanMessage(QUESTION)], tools=[multiply]) > 0
    assert emulator.requests[-1].path == "/step_plan/v1/messages/count_tokens"


# --- Tools, documents, voices -----------------------------------------------------------------------------------------


def tone() -> dict[str, Any]:
    return audio_artifact(Audio.of(TONE, format="wav"))


async def test_the_tools_that_the_plan_has(tools: Callable[..., Any], use: Use, emulator: Emulator) -> None:
    spoken = await use(tools(StepFunTTS, plan=True), text="Hello, Ada.")
    heard = await use(tools(StepFunASR, plan=True), audio=spoken.artifact)
    drawn = await use(tools(StepFunImageGen, plan=True), prompt="a lake")
    await use(tools(StepFunImageEdit, plan=True), image=drawn.artifact, prompt="at night")

    assert heard.content == "Hello, Ada."
    assert [request.path.removeprefix("/step_plan/v1/") for request in emulator.requests if "generated" not in
            request.path] == ["audio/speech", "audio/asr/sse", "images/generations", "images/edits"]  # fmt: skip


def sample() -> dict[str, Any]:
    return audio_artifact(Audio.of(bytes(6 * 32000), format="pcm", sample_rate=16000).to_wav())


REFUSED: dict[str, tuple[type[Any], dict[str, Any], Callable[[], dict[str, Any]]]] = {
    "a search": (StepFunWebSearch, {}, lambda: {"query": "lamps"}),
    "a cloned voice": (StepFunVoiceClone, {"confirm_paid": True}, lambda: {"audio": sample()}),
    "recognition by a form": (StepFunASR, {"model": "step-asr"}, lambda: {"audio": tone()}),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
async def test_a_tool_that_the_plan_lacks_tells_its_developer(tools, use: Use, emulator: Emulator, refused) -> None:
    kind, settings, args = refused

    with pytest.raises(InvalidParameterError, match=LACKS):
        await use(tools(kind, plan=True, **settings), **args())
    assert not emulator.requests


def test_the_toolkit_leaves_out_what_the_plan_lacks() -> None:
    offered = [type(made) for made in StepFunToolkit(plan=True).get_tools()]

    assert offered == [StepFunTTS, StepFunASR, StepFunImageGen, StepFunImageEdit]


def test_the_toolkit_keeps_what_is_set_to_go_off_the_plan() -> None:
    *_, search = StepFunToolkit(plan=True, settings={StepFunWebSearch: {"plan": False}}).get_tools()

    assert isinstance(search, StepFunWebSearch)
    assert not search.plan


async def test_pictures_over_pictures_are_not_on_the_plan(tools, use: Use, emulator: Emulator) -> None:
    drawn = await use(tools(StepFunImageGen, plan=True), prompt="a lake")
    emulator.requests.clear()

    with pytest.raises(InvalidParameterError, match=r"does not (serve|offer)"):
        await use(tools(StepFunImageToImage, plan=True), image=drawn.artifact, prompt="at night")
    assert not [request for request in emulator.requests if "/images/" in request.path]


def test_documents_on_the_plan(emulator: Emulator, tmp_path: Any) -> None:
    connection = {"api_key": "any", "base_url": emulator.base_url, "plan": True}
    (tmp_path / "a.txt").write_text("Lamps.")

    assert StepFunASRParser(**connection).parse(Blob.from_data(TONE, mime_type="audio/wav"))
    with pytest.raises(InvalidParameterError, match=LACKS):
        StepFunFileLoader(str(tmp_path / "a.txt"), **connection).load()
    with pytest.raises(InvalidParameterError, match=LACKS):
        StepFunSearchRetriever(**connection).invoke("lamps")


def test_a_conversation_by_voice_on_the_plan(emulator: Emulator) -> None:
    voice = StepFunRealtime(api_key="any", base_url=emulator.base_url, plan=True)
    with voice.connect() as session:
        session.send_text("Hi")
        assert next(event for event in session if event.type == "response.done")
    assert emulator.sessions[-1].path == "/step_plan/v1/realtime"


# --- Regions ----------------------------------------------------------------------------------------------------------

HINT = r"region='cn' talks to api\.stepfun\.com .*region='global' to api\.stepfun\.ai"


@pytest.mark.parametrize("api", ["chat", "messages"])
async def test_a_401_hints_at_the_other_region(chat: Callable[..., ChatStepFun], ask, api: Any) -> None:
    with pytest.raises(ModelAuthenticationError, match=HINT):
        await ask(chat(api_key="invalid-here", api=api), QUESTION)


async def test_a_tools_401_hints_at_the_other_region(tools: Callable[..., Any], use: Use) -> None:
    with pytest.raises(AuthenticationError, match=HINT):
        await use(tools(StepFunTTS, api_key="invalid-here"), text="Hi")


def test_a_handshakes_401_hints_at_the_other_region(emulator: Emulator) -> None:
    voice = StepFunRealtime(api_key="invalid-here", base_url=emulator.base_url)
    with pytest.raises(AuthenticationError, match=HINT), voice.connect():
        pass


GLOBAL: dict[str, Callable[..., Any]] = {
    "ChatStepFun": ChatStepFun,
    "StepFunTTS": StepFunTTS,
    "StepFunASR": StepFunASR,
    "StepFunImageGen": StepFunImageGen,
    "StepFunWebSearch": StepFunWebSearch,
    "StepFunRealtime": StepFunRealtime,
    "StepFunASRParser": StepFunASRParser,
    "StepFunSearchRetriever": StepFunSearchRetriever,
}


@pytest.mark.parametrize("make", GLOBAL.values(), ids=GLOBAL)
def test_every_class_has_the_regions_and_the_plan(make: Callable[..., Any]) -> None:
    made = make(api_key="any", region="global", plan=True)
    for client in (made.client, made.async_client):
        assert client.base_url == "https://api.stepfun.ai/step_plan/v1"
