"""`StepFunVoiceAgent`: talked with from file to file, interrupted, given tools, broken; no sound device anywhere."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import BaseTool, FunctionTool, ToolOutput
from llama_index.core.voice_agents import BaseVoiceAgentEvent, BaseVoiceAgentInterface

import stepfun_emulator
from llama_index_stepfun import StepFunVoiceAgent
from llama_index_stepfun.voice_devices import DeviceInterface
from llama_index_stepfun.voice_interface import Inlet, MemoryInterface, samples_of
from llama_index_stepfun.voice_socket import StepFunVoiceWebsocket
from stepfun_client import StepFunClient
from stepfun_client.api.realtime_events import (
    AudioDelta,
    FunctionCall,
    Reconnected,
    ResponseCreated,
    TranscriptDelta,
)
from stepfun_client.audio import Audio
from stepfun_client.errors import (
    AuthenticationError,
    BadRequestError,
    InvalidParameterError,
    StepFunError,
    StreamInterruptedError,
)
from stepfun_client.riff import pcm_format, wav_file
from stepfun_emulator.sound import hear
from tests.unit_tests.llama_index_stepfun.tooling import KEY

SILENCE = bytes(48_000)
PATIENCE = 30
LONG = "Tell me a story about the sea, please."


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


async def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@pytest.fixture(scope="module")
def spoken(emulator: stepfun_emulator.Emulator) -> Callable[[str], Audio]:
    """Somebody says something, into a WAV file of the realtime sessions' kind."""
    with StepFunClient(api_key="any", base_url=emulator.base_url) as client:
        said: dict[str, Audio] = {}

        def say(text: str) -> Audio:
            if text not in said:
                how = {"model": "step-tts-2", "voice": "linjiajiejie", "response_format": "wav", "sample_rate": 24000}
                said[text] = client.speech.create(input=text, **how)
            return said[text]

        yield say


@pytest.fixture(scope="module")
def slow() -> Iterator[stepfun_emulator.Emulator]:
    """An emulator that takes its time, so that it can be interrupted."""
    with stepfun_emulator.serving(delay=0.01) as served:
        yield served


@pytest.fixture
async def agent(emulator: stepfun_emulator.Emulator) -> AsyncIterator[Callable[..., StepFunVoiceAgent]]:
    """Make an agent that talks to the emulator; it is stopped after the test."""
    made: list[StepFunVoiceAgent] = []

    def make(**kwargs: Any) -> StepFunVoiceAgent:
        made.append(StepFunVoiceAgent(**{"api_key": KEY, "base_url": emulator.base_url, **kwargs}))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


async def answer(agent: StepFunVoiceAgent) -> str:
    message = await asyncio.wait_for(agent.answered(), PATIENCE)
    return message.content or ""


async def reached(agent: StepFunVoiceAgent, what: Any) -> Any:
    """Wait for an event."""
    seen = asyncio.get_running_loop().create_future()
    agent.on(what, lambda event: seen.done() or seen.set_result(event))
    return await asyncio.wait_for(seen, PATIENCE)


def roles(agent: StepFunVoiceAgent) -> list[str]:
    return [message.role.value for message in agent.export_messages()]


def types(agent: StepFunVoiceAgent) -> list[str]:
    return [event.type_t for event in agent.export_events()]


def words(sound: Audio) -> str:
    return "".join(one.text for one in hear(sound.content, 24000))


# --- A conversation --------------------------------------------------------------------------------------------------


async def test_from_file_to_file_with_two_turns_and_a_tool(agent, spoken, tmp_path) -> None:
    question = spoken("Multiply 6 and 7").save(tmp_path / "question.wav")
    interface = MemoryInterface()

    async with agent(interface=interface, tools=[FunctionTool.from_defaults(multiply)]) as voice:
        interface.feed(question)
        first = await answer(voice)
        first_sound = Audio.of(interface.take(), format="pcm", sample_rate=24000)
        interface.feed(spoken(LONG).content)
        second = await answer(voice)
        interface.heard().to_wav().save(tmp_path / "answer.wav")

    assert "42" in first
    assert second
    assert words(first_sound) == first
    assert words(Audio.of(samples_of(tmp_path / "answer.wav"), format="pcm", sample_rate=24000)) == second
    user, call, result, said, *more = voice.export_messages()
    assert (user.role, user.content) == ("user", "Multiply 6 and 7")
    assert [block.tool_name for block in call.blocks if block.block_type == "tool_call"] == ["multiply"]
    assert (result.role, result.content, result.additional_kwargs["name"]) == ("tool", "42", "multiply")
    assert (said.role, said.content) == ("assistant", first)
    assert [(message.role.value, message.content) for message in more] == [
        ("user", LONG),
        ("assistant", second),
    ]


@pytest.mark.parametrize("form", ["audio", "pcm", "wav", "samples", "path"])
async def test_sound_is_sent_in_every_form(agent, spoken, tmp_path, form) -> None:
    sound = spoken("What is 6 * 7?")
    path = sound.save(tmp_path / "question.wav")
    bare = Audio.of(samples_of(sound), format="pcm", sample_rate=24000)
    forms = {"audio": sound, "pcm": bare, "wav": sound.content, "samples": samples_of(sound), "path": path}

    async with agent() as voice:
        await voice.send(forms[form])
        await voice.send(SILENCE)

        assert "42" in await answer(voice)


async def test_turns_that_are_ended_by_hand(agent, spoken) -> None:
    async with agent(turn_detection="manual") as voice:
        for question, found in (("What is 6 * 7?", "42"), ("What is 1 + 2?", "3")):
            await voice.send(spoken(question))
            await voice.end_turn()

            assert found in await answer(voice)

    assert roles(voice) == ["user", "assistant"] * 2


async def test_text_is_answered_too_in_writing_where_that_is_asked_for(agent) -> None:
    interface = MemoryInterface()

    async with agent(interface=interface, modalities=["text"]) as voice:
        await voice.send_text("What is 6 * 7?")

        assert "42" in await answer(voice)

    assert interface.heard().content == b""
    assert roles(voice) == ["user", "assistant"]


async def test_a_models_thoughts_are_in_its_message(agent) -> None:
    voice = agent()
    await voice.handle_message(started())
    for kind, delta in (("thinking", "Six "), ("thinking", "sevens"), ("text", "It is "), ("text", "42")):
        await voice.handle_message({"type": f"response.{kind}.delta", "response_id": "resp_1", "delta": delta})

    (message,) = voice.export_messages()
    assert [block.block_type for block in message.blocks] == ["thinking", "text"]
    assert (message.blocks[0].content, message.content) == ("Six sevens", "It is 42")


async def test_what_was_said_before_is_known_and_comes_first(agent) -> None:
    before = [
        ChatMessage(role="user", content="My name is Ada."),
        ChatMessage(role="assistant", content="Hello Ada."),
        ChatMessage(role="tool", content="42", additional_kwargs={"tool_call_id": "call_1"}),
    ]

    async with agent(chat_history=before) as voice:
        await voice.send_text("What is 6 * 7?")
        await answer(voice)
        told = [turn.text for turn in voice.ws.session.history]

    assert told[:2] == ["My name is Ada.", "Hello Ada."]
    assert voice.export_messages()[:3] == before
    assert roles(voice) == ["user", "assistant", "tool", "user", "assistant"]


async def test_started_again_it_goes_on_with_the_conversation(agent, emulator) -> None:
    voice = agent()
    for question in ("What is 6 * 7?", "What is 1 + 2?"):
        await voice.start()
        await voice.send_text(question)
        await answer(voice)
        await voice.stop()

    said = [event for event in emulator.sessions[-1].received if event["type"] == "conversation.item.create"]
    assert [event["item"]["content"][0]["text"] for event in said][::2] == ["What is 6 * 7?", "What is 1 + 2?"]
    assert roles(voice) == ["user", "assistant"] * 2


async def test_ten_agents_at_once(agent) -> None:
    async def talk(number: int) -> str:
        async with agent(interface=MemoryInterface()) as voice:
            await voice.send_text(f"What is {number} * 10?")
            return await answer(voice)

    answers = await asyncio.gather(*(talk(number) for number in range(1, 11)))

    assert all(str(number * 10) in said for number, said in enumerate(answers, start=1))


async def test_what_was_said_is_a_history_for_the_llm(agent, stepfun) -> None:
    async with agent(tools=[multiply, get_weather]) as voice:
        for question in ("Multiply 6 and 7", "What is the weather in Paris?"):
            await voice.send_text(question)
            await answer(voice)
    history = voice.export_messages()

    response = await stepfun().achat([*history, ChatMessage(role="user", content="What is 6 * 7?")])

    assert "tool" in [message.role.value for message in history]
    assert "42" in response.message.content


# --- Tools -----------------------------------------------------------------------------------------------------------


class Multiplier(BaseTool):
    """A tool that is not asynchronous."""

    metadata = FunctionTool.from_defaults(multiply).metadata

    def __call__(self, *args: Any, **kwargs: Any) -> ToolOutput:
        return ToolOutput("multiply", str(multiply(**kwargs)), raw_input=kwargs, raw_output=None)


def broken(a: int, b: int) -> int:
    """Multiply two numbers."""
    raise OverflowError("too large")


def draw(a: int, b: int) -> ImageBlock:
    """Multiply two numbers."""
    return ImageBlock(image=b"\x89PNG\r\n\x1a\n", image_mimetype="image/png")


def outputs(agent: StepFunVoiceAgent) -> list[ToolOutput]:
    return [event.tool_output for event in agent.export_events() if event.tool_output is not None]


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (multiply, "42"),
        (FunctionTool.from_defaults(multiply), "42"),
        (Multiplier(), "42"),
        (FunctionTool.from_defaults(broken, name="multiply"), "OverflowError: too large"),
        (FunctionTool.from_defaults(draw, name="multiply"), "cannot be told in words"),
    ],
    ids=["function", "tool", "synchronous", "broken", "picture"],
)
async def test_a_tool_is_called_beside_the_conversation(agent, tool, told) -> None:
    async with agent(tools=[tool]) as voice:
        await voice.send_text("Multiply 6 and 7")
        await answer(voice)

    result = next(message for message in voice.export_messages() if message.role == "tool")
    assert told in result.content
    assert [output.tool_name for output in outputs(voice)] == ["multiply"]
    assert outputs(voice)[0].is_error is ("Error" in told)


async def test_the_conversation_goes_on_while_a_tool_works(agent) -> None:
    release = asyncio.Event()

    async def wait_and_multiply(a: int, b: int) -> int:
        """Multiply two numbers."""
        await release.wait()
        return a * b

    async with agent(tools=[FunctionTool.from_defaults(async_fn=wait_and_multiply, name="multiply")]) as voice:
        await voice.send_text("Multiply 6 and 7")
        await reached(voice, "response.done")
        assert "tool" not in roles(voice)
        waiting = asyncio.create_task(answer(voice))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        release.set()

        assert "42" in await waiting

    assert roles(voice) == ["user", "assistant", "tool", "assistant"]


async def test_a_tool_that_still_works_is_cancelled_by_stop(agent) -> None:
    cancelled = asyncio.Event()

    async def for_ever(a: int, b: int) -> int:
        """Multiply two numbers."""
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            cancelled.set()
        return 0

    async with agent(tools=[FunctionTool.from_defaults(async_fn=for_ever, name="multiply")]) as voice:
        await voice.send_text("Multiply 6 and 7")
        await reached(voice, "response.done")
        await asyncio.sleep(0.05)

    await asyncio.wait_for(cancelled.wait(), 5)
    assert roles(voice) == ["user"]  # a call nobody answered is no history


async def test_a_call_of_a_function_there_is_not_is_answered(agent) -> None:
    async with agent(tools=[multiply]) as voice:
        voice._tools.names.clear()  # the model calls what is not there
        voice._tools.callables = dict
        await voice.stop()
        await voice.start()
        await voice.send_text("Multiply 6 and 7")
        await answer(voice)

    result = next(message for message in voice.export_messages() if message.role == "tool")
    assert "there is no function 'multiply'; there are: none" in result.content


async def test_stepfuns_own_search_is_announced(agent) -> None:
    async with agent(tools=[{"type": "web_search"}]) as voice:
        await voice.send_text("What is 6 * 7?")
        await answer(voice)
        (updated,) = [event for event in voice.export_events() if event.type_t == "session.updated"]

    assert [tool["type"] for tool in updated.data["session"]["tools"]] == ["web_search"]


# --- Interruptions ---------------------------------------------------------------------------------------------------


async def test_interrupt_breaks_the_answer_off_and_clears_the_playback(agent, slow) -> None:
    interface = MemoryInterface(paced=True)

    async with agent(base_url=slow.base_url, interface=interface) as voice:
        await voice.send_text(LONG)
        await reached(voice, AudioDelta)
        await voice.interrupt()
        played = len(interface.heard().content)
        broken_off = await answer(voice)
        assert len(interface.heard().content) == played
        await voice.send_text("What is 6 * 7?")

        assert "42" in await answer(voice)

    assert voice.export_messages()[1].additional_kwargs["interrupted"] is True
    assert voice.export_messages()[1].content == broken_off
    assert "interrupted" not in voice.export_messages()[-1].additional_kwargs
    assert "session.interrupted" in types(voice)


async def test_the_users_voice_interrupts(agent, slow, spoken) -> None:
    interface = MemoryInterface(paced=True)

    async with agent(base_url=slow.base_url, interface=interface) as voice:
        await voice.send_text(LONG)
        await reached(voice, AudioDelta)
        interface.feed(spoken("What is 6 * 7?"))

        assert "42" in await answer(voice)

    story, asked, said = voice.export_messages()[1:]
    assert story.additional_kwargs["interrupted"] is True
    assert asked.content == "What is 6 * 7?"
    assert "42" in said.content


async def test_an_answer_that_has_not_begun_is_interrupted_too(agent, slow) -> None:
    interface = MemoryInterface()

    async with agent(base_url=slow.base_url, interface=interface) as voice:
        await voice.send_text(LONG)
        await voice.interrupt()

        assert await answer(voice) == ""

    assert interface.heard().content == b""
    assert roles(voice) == ["user"]


async def test_an_interruption_that_comes_too_late_concerns_no_later_answer(agent, emulator) -> None:
    async with agent() as voice:
        await voice.send_text("What is 6 * 7?")
        await voice.ws.send({"type": "response.cancel"})  # refused, wherever in the answer it comes
        await voice.ws.send({"type": "response.cancel"})
        await voice.send_text("What is 6 * 7?")

        assert "42" in await answer(voice)
        for _ in range(1000):
            if "error" in types(voice):
                break
            await asyncio.sleep(0.01)  # the refusal may come after the answer

    assert "error" in types(voice)


async def test_interrupting_what_is_not_being_said_does_nothing(agent) -> None:
    async with agent(interface=MemoryInterface()) as voice:
        await voice.interrupt()
        await voice.send_text("What is 6 * 7?")

        assert "42" in await answer(voice)


# --- What is exported ------------------------------------------------------------------------------------------------


async def test_messages_and_events_are_limited_and_filtered(agent) -> None:
    async with agent() as voice:
        for question in ("What is 6 * 7?", "What is 1 + 2?"):
            await voice.send_text(question)
            await answer(voice)

    assert [message.content for message in voice.export_messages(limit=1)] == ["What is 6 * 7?"]
    assert len(voice.export_messages(limit=99)) == 4
    by_user = voice.export_messages(filter=lambda all_: [one for one in all_ if one.role == "user"])
    assert [message.content for message in by_user] == ["What is 6 * 7?", "What is 1 + 2?"]
    assert voice.export_messages(limit=1, filter=lambda _: []) == []
    assert types(voice)[:2] == ["session.created", "session.updated"]
    assert len(voice.export_events(limit=3)) == 3
    assert voice.export_events(filter=lambda _: []) == []
    assert all(isinstance(event, BaseVoiceAgentEvent) for event in voice.export_events())
    assert voice.export_events()[0].model_dump(by_alias=True)["type"] == "session.created"


async def test_what_is_exported_is_a_copy(agent) -> None:
    async with agent() as voice:
        await voice.send_text("What is 6 * 7?")
        await answer(voice)

    voice.export_messages()[0].blocks.clear()
    voice.export_messages().clear()
    voice.export_events().clear()

    assert voice.export_messages()[0].content == "What is 6 * 7?"
    assert voice.export_events()


async def test_sound_is_counted_and_not_kept(agent) -> None:
    interface = MemoryInterface()
    async with agent(interface=interface) as voice:
        await voice.send_text("What is 6 * 7?")
        await answer(voice)

    pieces = [event for event in voice.export_events() if event.type_t == "response.audio.delta"]
    assert sum(event.data["audio_bytes"] for event in pieces) == len(interface.heard().content)
    assert not any(isinstance(value, bytes) for event in voice.export_events() for value in event.data.values())


@pytest.mark.parametrize("number", [0, 5])
async def test_events_are_kept_up_to_a_number(agent, number) -> None:
    async with agent(keep_events=number) as voice:
        await voice.send_text("What is 6 * 7?")
        await answer(voice)

    assert len(voice.export_events()) == number
    assert types(voice)[-1:] == ["response.done"][:number]


async def test_the_key_is_seen_nowhere(agent) -> None:
    async with agent(tools=[multiply]) as voice:
        await voice.send_text("Multiply 6 and 7")
        await answer(voice)
        await voice.handle_message({"type": "error", "error": {"message": f"wrong key {KEY}", "type": "any"}})

        shown = [repr(voice), str(voice), str(vars(voice)), str(voice.export_events()), str(voice.export_messages())]
        shown.append(str(vars(voice.ws)))

    assert voice.export_events()[-1].data["error"]
    assert not any(KEY in one for one in shown)
    assert repr(voice).startswith("StepFunVoiceAgent(model='stepaudio-2.5-realtime'")


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda agent: pickle.loads(pickle.dumps(agent))], ids=["copy", "pickle"]
)
async def test_a_copy_knows_what_was_said_and_goes_its_own_way(agent, monkeypatch, copied) -> None:
    monkeypatch.setenv("STEP_API_KEY", "any")  # a pickle has none
    interface = MemoryInterface()
    async with agent(interface=interface) as voice:
        interface.feed(SILENCE)
        await voice.send_text("What is 6 * 7?")
        await answer(voice)
    other = copied(voice)

    async with other:
        await other.send_text("What is 1 + 2?")
        assert "3" in await answer(other)
    assert KEY.encode() not in pickle.dumps(voice)
    assert len(other.export_messages()) == 4
    assert len(voice.export_messages()) == 2


# --- Handlers --------------------------------------------------------------------------------------------------------


async def test_handlers_get_the_sound_where_there_is_no_interface(agent) -> None:
    sound = bytearray()
    said: list[str] = []
    voice = agent()

    async def say(event: TranscriptDelta) -> None:
        said.append(event.delta)

    voice.on("response.audio.delta", lambda event: sound.extend(event.audio))
    voice.on(TranscriptDelta, say)
    async with voice:
        await voice.send_text("What is 6 * 7?")
        told = await answer(voice)

    assert words(Audio.of(bytes(sound), format="pcm", sample_rate=24000)) == "".join(said) == told


async def test_an_event_as_it_came_is_taken_too(agent) -> None:
    voice = agent()

    await voice.handle_message({"type": "response.created", "response": {"id": "resp_1"}})
    await voice.handle_message({"type": "response.text.delta", "response_id": "resp_1", "delta": "Hello"})

    assert [message.content for message in voice.export_messages()] == ["Hello"]


# --- What goes wrong -------------------------------------------------------------------------------------------------


async def test_talking_before_the_start_and_after_the_end_is_refused(agent) -> None:
    voice = agent()
    calls: list[Callable[[], Any]] = [
        lambda: voice.send(SILENCE),
        lambda: voice.send_text("Hello"),
        voice.end_turn,
        voice.interrupt,
        voice.answered,
        voice.wait,
    ]
    for _ in range(2):
        for call in calls:
            with pytest.raises(InvalidParameterError, match="was not started: `await agent"):
                await call()
        await voice.start()
        await voice.stop()


async def test_starting_twice_is_refused_and_stopping_twice_is_not(agent) -> None:
    voice = agent()
    await voice.stop()
    await voice.start()

    with pytest.raises(InvalidParameterError, match="stop"):
        await voice.start()
    assert voice.is_running
    await voice.stop()
    await voice.stop()
    assert not voice.is_running


async def test_a_key_that_is_refused_is_said_by_start(agent) -> None:
    interface = MemoryInterface()
    voice = agent(api_key="invalid-key", interface=interface)

    with pytest.raises(AuthenticationError):
        await voice.start()

    assert not voice.is_running
    await voice.stop()


async def test_a_setting_that_the_service_refuses_is_said_by_start(agent) -> None:
    with pytest.raises(BadRequestError, match="voice"):
        await agent(voice="nobody").start()


@asynccontextmanager
async def short_lived() -> AsyncIterator[str]:
    with stepfun_emulator.serving(session_seconds=0.5) as served:
        yield served.base_url


async def test_a_lost_session_is_said_by_wait(agent) -> None:
    async with short_lived() as base_url:
        voice = agent(base_url=base_url)
        await voice.start()

        with pytest.raises(StreamInterruptedError):
            await asyncio.wait_for(voice.wait(), PATIENCE)
        with pytest.raises(StreamInterruptedError):
            await voice.send_text("Hello")
        assert not voice.is_running
        await voice.stop()  # it has been said
        assert not voice.is_running


async def test_a_lost_session_is_said_by_stop_where_nobody_asked(agent) -> None:
    async with short_lived() as base_url:
        voice = agent(base_url=base_url)
        await voice.start()
        await asyncio.sleep(1.0)

        with pytest.raises(StreamInterruptedError):
            await voice.stop()
        await voice.stop()


async def test_a_lost_session_is_said_to_who_waits_for_an_answer(agent) -> None:
    async with short_lived() as base_url:
        with pytest.raises(StreamInterruptedError):
            async with agent(base_url=base_url) as voice:
                await answer(voice)


async def test_who_waits_for_an_answer_is_told_of_the_end(agent) -> None:
    voice = agent()
    await voice.start()
    waiting = asyncio.create_task(voice.answered())
    await asyncio.sleep(0.02)

    await voice.stop()

    with pytest.raises(StreamInterruptedError, match="ended before"):
        await asyncio.wait_for(waiting, 5)


async def test_what_a_handler_raises_ends_the_conversation_and_is_raised(agent) -> None:
    voice = agent()
    voice.on(ResponseCreated, lambda _: 1 / 0)

    async def talk() -> None:
        async with voice:
            await voice.send_text("What is 6 * 7?")
            await asyncio.wait_for(voice.wait(), PATIENCE)

    with pytest.raises(ZeroDivisionError):
        await talk()


async def test_what_a_service_refuses_to_answer_is_raised(agent) -> None:
    async with agent() as voice:
        await voice.send_text("censored-by-emulator")
        with pytest.raises(StepFunError):
            await answer(voice)
        await voice.send_text("What is 6 * 7?")

        assert "42" in await answer(voice)


async def test_an_empty_turn_that_is_refused_is_raised(agent) -> None:
    async with agent(turn_detection="manual") as voice:
        await voice.end_turn()

        with pytest.raises(BadRequestError, match="empty"):
            await answer(voice)


async def test_an_end_that_loses_its_cancellation_ends_all_the_same(agent, monkeypatch) -> None:
    monkeypatch.setattr("llama_index_stepfun.voice_course._AGAIN_SECONDS", 1.0)  # longer than closing takes
    voice, begun, losses = agent(), asyncio.Event(), 0

    async def lose(_: Any) -> None:
        nonlocal losses
        begun.set()
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            losses += 1
            await asyncio.sleep(PATIENCE)

    voice.on(ResponseCreated, lose)
    await voice.start()
    await voice.send_text("What is 6 * 7?")
    await asyncio.wait_for(begun.wait(), PATIENCE)

    await asyncio.wait_for(voice.stop(), 5)
    assert losses == 1
    assert not voice.is_running


async def test_blank_text_is_refused_and_not_a_turn(agent) -> None:
    async with agent() as voice:
        with pytest.raises(InvalidParameterError, match="blank"):
            await voice.send_text(" ")

    assert voice.export_messages() == []


async def test_a_start_that_is_given_up_leaves_nothing_behind(agent, slow) -> None:
    voice = agent(base_url=slow.base_url)
    starting = asyncio.create_task(voice.start())
    await asyncio.sleep(0)
    starting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not voice.is_running
    await voice.start()
    assert voice.is_running


async def test_a_session_that_is_over_is_replaced_and_goes_on(agent) -> None:
    async with short_lived() as base_url, agent(base_url=base_url, reconnect=True) as voice:
        await voice.send_text("What is 6 * 7?")
        await answer(voice)
        event = await reached(voice, "session.reconnected")
        await voice.send_text("What is 1 + 2?")
        assert "3" in await answer(voice)

    assert event.turns == 2
    assert roles(voice) == ["user", "assistant"] * 2


def started() -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": "resp_1"}}


CALL = FunctionCall(type="response.function_call_arguments.done", call_id="call_1", name="multiply", arguments="{}")
HEARD = {"type": "input_audio_buffer.speech_started", "item_id": "item_1"}
COMMITTED = {"type": "input_audio_buffer.committed", "item_id": "item_1"}
UNDERSTOOD = {
    "type": "conversation.item.input_audio_transcription.completed",
    "item_id": "item_1",
    "transcript": "Hello",
}


@pytest.mark.parametrize(
    ("events", "lost_calls"),
    [([HEARD], []), ([started()], []), ([started(), CALL, {"type": "response.done"}], ["call_1"]), ([COMMITTED], [])],
    ids=["speaking", "answering", "calling", "not-understood"],
)
async def test_an_answer_lost_with_its_session_is_said(agent, events, lost_calls) -> None:
    async with agent(tools=[multiply]) as voice:
        for event in events:
            await voice.handle_message(event)
        waiting = asyncio.create_task(answer(voice))
        await voice.handle_message(Reconnected(reason="cut", lost_calls=lost_calls))

        if events == [COMMITTED]:  # nothing was answered, and nothing is lost that the event does not tell
            assert await waiting == ""
        else:
            with pytest.raises(StreamInterruptedError, match="ask again"):
                await waiting


async def test_what_was_understood_is_answered_in_the_next_session(agent) -> None:
    async with agent() as voice:
        for event in (HEARD, COMMITTED, UNDERSTOOD, Reconnected(reason="cut")):
            await voice.handle_message(event)
        waiting = asyncio.create_task(answer(voice))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await voice.handle_message(started())
        await voice.handle_message({"type": "response.text.delta", "response_id": "resp_1", "delta": "Hi"})
        await voice.handle_message({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}})

        assert await waiting == "Hi"


async def test_a_call_that_was_broken_off_is_waited_for_by_nobody(agent) -> None:
    call = {"type": "function_call", "call_id": "call_1", "status": "incomplete"}
    async with agent(tools=[multiply]) as voice:
        for event in (
            started(),
            CALL,
            {"type": "response.done", "response": {"status": "cancelled", "output": [call]}},
        ):
            await voice.handle_message(event)

        assert await answer(voice) == ""
    assert voice.export_messages() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "step-3.7-flash"}, "does not converse in realtime"),
        ({"turn_detection": {"energy_awakeness_threshold": 9000}}, "energy_awakeness_threshold"),
        ({"tools": [multiply, FunctionTool.from_defaults(multiply)]}, "two tools are called multiply"),
        ({"tools": [42]}, "a tool is int"),
        ({"tools": [{"type": "function", "function": {"name": "multiply"}}]}, "a tool is dict"),
        ({"chat_history": [ChatMessage(role="system", content="Be kind.")]}, "instructions="),
    ],
    ids=["model", "detection", "twice", "no-tool", "announced", "system"],
)
def test_what_is_certainly_wrong_is_refused_when_it_is_made(given, said) -> None:
    with pytest.raises(InvalidParameterError, match=said):
        StepFunVoiceAgent(api_key=KEY, **given)


def test_an_unknown_argument_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="apikey") as caught:
        StepFunVoiceAgent(apikey=KEY)

    assert KEY not in str(caught.value)


def test_a_history_of_more_than_words_warns() -> None:
    seen = ChatMessage(role="user", blocks=[TextBlock(text="Look"), ImageBlock(image=b"\x89PNG\r\n\x1a\n")])

    with pytest.warns(UserWarning, match="words of the user message only"):
        StepFunVoiceAgent(chat_history=[seen])


async def test_the_websocket_is_asynchronous_and_says_when_it_is_closed(agent) -> None:
    voice = agent()
    async with voice:
        socket = voice.ws
        assert isinstance(socket, StepFunVoiceWebsocket)
        assert socket.uri == voice.ws_url
        assert socket.uri.startswith("ws://")
        await socket.send({"type": "input_audio_buffer.clear"})
        await reached(voice, "input_audio_buffer.cleared")
        with pytest.raises(InvalidParameterError, match="aconnect"):
            socket.connect()

    with pytest.raises(InvalidParameterError, match="not open"):
        await socket.send(b"")


# --- Interfaces ------------------------------------------------------------------------------------------------------


class Foreign(BaseVoiceAgentInterface):
    """An interface of somebody else, which is asynchronous and gives nothing to iterate."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.sound = b""

    def _speaker_callback(self, *args: Any, **kwargs: Any) -> None: ...

    def _microphone_callback(self, *args: Any, **kwargs: Any) -> None: ...

    async def start(self) -> None:
        self.told.append("start")

    async def stop(self) -> None:
        self.told.append("stop")

    def interrupt(self) -> None:
        self.told.append("interrupt")

    def output(self, *args: Any, **kwargs: Any) -> None:
        return None

    async def receive(self, data: bytes) -> None:
        self.sound += data


async def test_any_interface_will_do(agent, spoken) -> None:
    interface = Foreign()

    async with agent(interface=interface) as voice:
        await voice.send(samples_of(spoken("What is 6 * 7?")) + SILENCE)
        said = await answer(voice)

    assert interface.told == ["start", "interrupt", "stop"]
    assert words(Audio.of(interface.sound, format="pcm", sample_rate=24000)) == said


class Failing(MemoryInterface):
    """An interface that fails at some point."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def start(self) -> None:
        if self.at == "start":
            raise OSError("no start")

    async def output(self) -> AsyncIterator[bytes]:
        if self.at == "output":
            raise OSError("no output")
        async for piece in super().output():
            yield piece

    def receive(self, data: bytes) -> None:
        if self.at == "receive":
            raise OSError("no receive")


async def test_an_interface_that_cannot_start_is_said_by_start(agent) -> None:
    voice = agent(interface=Failing("start"))

    with pytest.raises(OSError, match="no start"):
        await voice.start()
    assert not voice.is_running


@pytest.mark.parametrize("at", ["output", "receive"])
async def test_an_interface_that_fails_ends_the_conversation_and_is_raised(agent, at) -> None:
    voice = agent(interface=Failing(at))
    await voice.start()
    if at == "receive":
        await voice.send_text("What is 6 * 7?")

    with pytest.raises(OSError, match=f"no {at}"):
        await asyncio.wait_for(voice.wait(), PATIENCE)
    assert not voice.is_running


def test_paced_playing_takes_time_and_what_is_left_is_thrown_away() -> None:
    now = SimpleNamespace(seconds=100.0)
    interface = MemoryInterface(paced=True, clock=lambda: now.seconds)

    interface.receive(b"a" * 48_000)
    interface.receive(b"b" * 48_000)
    assert interface.heard().content == b""
    now.seconds += 0.5
    assert interface.take() == b"a" * 24_000
    now.seconds += 1.0
    interface.interrupt()
    now.seconds += 10.0
    assert interface.heard().content == b"a" * 24_000 + b"b" * 24_000
    interface.receive(b"c" * 48_000)
    interface.stop()
    assert interface.take() == b"a" * 24_000 + b"b" * 24_000
    assert interface.take() == b""


def test_what_is_not_sent_in_time_is_dropped_and_counted() -> None:
    inlet = Inlet(most_seconds=1.0)

    for _ in range(3):
        inlet.put(bytes(24_000))

    assert inlet.dropped_seconds == 0.5


def wav(rate: int = 24000, channels: int = 1, bits: int = 16) -> bytes:
    return wav_file(pcm_format(rate, channels, bits), [bytes(960)])


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (wav(rate=16000), "16000 Hz, 1 channel"),
        (wav(channels=2), "2 channel"),
        (wav(bits=8), "8 bit"),
        (wav_file(b"\x03\x00" + pcm_format(24000, 1, 16)[2:], [bytes(960)]), "no plain 16-bit"),
        (Audio.of(b"ID3" + bytes(100), format="mp3"), "the sound is mp3"),
        (Audio.of(bytes(960), format="pcm"), "unknown number of Hz"),
        ("question.wav", "a str"),
    ],
    ids=["rate", "channels", "bits", "float", "mp3", "unknown", "str"],
)
async def test_other_sound_is_refused_and_nothing_is_resampled(agent, sound, said) -> None:
    with pytest.raises(InvalidParameterError, match=said) as caught:
        MemoryInterface().feed(sound)
    assert "ffmpeg -i input -ar 24000" in str(caught.value) or "pathlib.Path" in str(caught.value)

    async with agent() as voice:
        with pytest.raises(InvalidParameterError, match=said):
            await voice.send(sound)


# --- Devices ---------------------------------------------------------------------------------------------------------


class Stream:
    """A device's stream, as sounddevice makes them; called from a thread of its own."""

    made: list[Stream]

    def __init__(self, *, callback: Callable[..., None], **settings: Any) -> None:
        self.callback, self.settings, self.is_open = callback, settings, False
        if settings["device"] == "broken":
            raise RuntimeError("no such device")
        Stream.made.append(self)

    def start(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def call(self, samples: bytes | bytearray) -> None:
        thread = threading.Thread(target=self.callback, args=(samples, len(samples) // 2, None, None))
        thread.start()
        thread.join()

    def plays(self, size: int) -> bytes:
        samples = bytearray(b"\xff" * size)
        self.call(samples)
        return bytes(samples)


@pytest.fixture
def devices(monkeypatch) -> type[Stream]:
    """A machine with a microphone and a loudspeaker."""
    module = ModuleType("sounddevice")
    module.RawOutputStream = module.RawInputStream = Stream
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    monkeypatch.setattr(Stream, "made", [], raising=False)
    return Stream


async def test_devices_hear_and_play(agent, devices, spoken) -> None:
    interface = DeviceInterface(microphone=1, speaker="loud")

    async with agent(interface=interface) as voice:
        speaker, microphone = devices.made
        microphone.call(samples_of(spoken("What is 6 * 7?")) + SILENCE)
        said = await answer(voice)
        played = b"".join(speaker.plays(4800) for _ in range(200))
        assert (speaker.settings["device"], microphone.settings["device"]) == ("loud", 1)
        assert speaker.settings["samplerate"] == microphone.settings["samplerate"] == 24000

    assert words(Audio.of(played, format="pcm", sample_rate=24000)) == said
    assert [stream.is_open for stream in devices.made] == [False, False]
    assert interface.dropped_seconds == 0
    microphone.call(SILENCE)  # a last moment after the end


async def test_a_device_throws_away_what_is_still_to_be_played(devices) -> None:
    interface = DeviceInterface()
    interface.start()
    speaker, _ = devices.made

    interface.receive(b"a" * 100)
    assert speaker.plays(40) == b"a" * 40
    interface.interrupt()
    assert speaker.plays(40) == bytes(40)
    interface.stop()


def test_a_microphone_outlives_the_loop(devices) -> None:
    interface = DeviceInterface()
    interface._microphone_callback(b"early")

    async def start() -> None:
        interface.start()

    asyncio.run(start())
    devices.made[1].call(SILENCE)
    interface.stop()

    assert not any(stream.is_open for stream in devices.made)


async def test_a_device_that_fails_leaves_none_open(devices) -> None:
    with pytest.raises(RuntimeError, match="no such device"):
        DeviceInterface(microphone="broken").start()

    assert [stream.is_open for stream in devices.made] == [False]


async def test_without_sounddevice_the_extra_is_named_when_it_is_needed(agent, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    voice = agent(interface=DeviceInterface())

    with pytest.raises(ImportError, match=r"stepfun-integrations\[voice\]"):
        await voice.start()


def test_importing_needs_no_sound_device_and_no_websockets() -> None:
    script = (
        "import sys; sys.modules['sounddevice'] = None; import llama_index_stepfun, llama_index_stepfun.voice_devices;"
        "llama_index_stepfun.StepFunVoiceAgent(api_key='any', interface=llama_index_stepfun.voice_devices."
        "DeviceInterface()); print(*(name for name, module in sys.modules.items() if module))"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert {"websockets", "sounddevice", "stepfun_emulator"} & set(loaded) == set()


def test_the_path_of_a_missing_file_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        MemoryInterface().feed(Path("missing.wav"))
