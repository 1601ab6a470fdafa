"""`StepFunRealtime`: LangChain's tools called beside a conversation by voice, and its turns as messages."""

from __future__ import annotations

import asyncio
import copy
import pickle
import warnings

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field, ValidationError

from langchain_stepfun import ChatStepFun
from langchain_stepfun.realtime import StepFunRealtime, messages_of
from stepfun_client import InvalidParameterError

KEY = "sk-realtime-0123456789abcdef"
QUESTION = "What is the weather in Paris?"


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"18 degrees in {city}"


@tool(response_format="content_and_artifact")
def draw_weather(city: str) -> tuple[str, bytes]:
    """Get the weather of a city, with a map."""
    return f"18 degrees in {city}", b"map"


def weather(city: str) -> str:
    """Get the weather of a city."""
    return f"18 degrees in {city}"


class Weather(BaseModel):
    """Get the weather of a city."""

    city: str = Field(description="The city")


ANNOUNCED = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def voice(emulator):
    return StepFunRealtime(api_key=KEY, base_url=emulator.base_url, modalities=["text"])


def talk(voice, answers=2, *, question=QUESTION, history=()):
    """Ask, answer what is only announced, and give the events up to so many ends of answers."""
    events = []
    with voice.connect(history) as session:
        session.send_text(question)
        while answers:
            events.append(next(session))
            answers -= events[-1].type == "response.done"
            if events[-1].type == "response.function_call_arguments.done" and not session._realtime.callables:
                session.send_tool_result(events[-1].call_id, "18 degrees in Paris")
    return session, events


async def atalk(voice, answers=2, *, question=QUESTION):
    events = []
    async with voice.aconnect() as session:
        await session.send_text(question)
        async for event in session:
            events.append(event)
            answers -= event.type == "response.done"
            if not answers:
                break
    return session, events


def answered(events):
    return [event for event in events if event.type == "session.tool_answered"]


@pytest.mark.parametrize(
    ("bound", "name"),
    [(get_weather, "get_weather"), (weather, "weather"), (Weather, "Weather"), (ANNOUNCED, "weather")],
    ids=["tool", "function", "class", "dict"],
)
def test_every_kind_of_tool(voice, emulator, bound, name):
    session, events = talk(voice.bind_tools([bound]))

    assert "18 degrees in Paris" in session.history[-1].text
    (told,) = answered(events)
    assert (told.name, told.output, told.error) == (name, "18 degrees in Paris", None)
    (announced,) = emulator.sessions[-1].received[0]["session"]["tools"]
    assert (announced["type"], announced["function"]["name"]) == ("function", name)


def test_asynchronously_too(voice):
    session, events = asyncio.run(atalk(voice.bind_tools([get_weather])))

    assert "18 degrees in Paris" in session.history[-1].text
    assert answered(events)[0].output == "18 degrees in Paris"


def test_an_artifact_is_handed_on_and_not_told(voice, emulator):
    _, events = talk(voice.bind_tools([draw_weather]))

    (told,) = answered(events)
    assert told.output == "18 degrees in Paris"
    assert isinstance(told.value, ToolMessage)
    assert told.value.artifact == b"map"


def test_a_tool_that_fails_is_told(voice):
    @tool
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        raise LookupError(city)

    for events in (talk(voice.bind_tools([get_weather]))[1], asyncio.run(atalk(voice.bind_tools([get_weather])))[1]):
        (told,) = answered(events)
        assert isinstance(told.error, LookupError)


def test_a_synchronous_session_refuses_an_asynchronous_tool(voice):
    @tool
    async def get_news() -> str:
        """Look up the news."""
        return "none"

    bound = voice.bind_tools([get_news])
    with pytest.raises(InvalidParameterError, match=r"get_news is asynchronous.*aconnect"):
        bound.connect()
    bound.aconnect()


def test_tools_of_the_service(voice, emulator):
    searching = voice.bind_tools([{"type": "web_search", "function": {"description": "the web"}}, get_weather])
    session, _ = talk(searching, 1, question="What is the latest news about Mars?")

    assert "search.stepfun-emulator.invalid" in session.history[-1].text
    kinds = [one["type"] for one in emulator.sessions[-1].received[0]["session"]["tools"]]
    assert sorted(kinds) == ["function", "web_search"]


def test_what_was_said_is_a_history_for_a_chat_model_and_for_another_session(voice, emulator):
    session, _ = talk(voice, 1, question="My name is Ada.")
    said = messages_of(session)
    assert [type(message) for message in said] == [HumanMessage, AIMessage]
    assert said[1].response_metadata["model_provider"] == "stepfun"

    chat = ChatStepFun(api_key=KEY, base_url=emulator.base_url)
    answer = chat.invoke([*said, HumanMessage("What is 6 * 7?")])
    assert "42" in answer.text

    again, _ = talk(voice, 1, question="What is 1 + 1?", history=[*said, ToolMessage("sun", tool_call_id="c"), answer])
    assert [message.type for message in messages_of(again)] == ["human", "ai", "ai", "human", "ai"]
    assert messages_of(again)[2].text == answer.text


def test_a_picture_in_the_history_is_not_told_and_that_is_said(voice):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.warns(UserWarning, match="words of the human message"):
        session = voice.connect([HumanMessage([{"type": "text", "text": "Look"}, picture])])
    assert [turn.text for turn in session.history] == ["Look"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert voice.connect([HumanMessage("Hi"), AIMessage("")]).history[0].text == "Hi"


def test_a_system_message_belongs_into_the_instructions(voice):
    with pytest.raises(InvalidParameterError, match="instructions"):
        voice.connect([SystemMessage("Be brief.")])


def test_how_it_is_set_up(emulator):
    voice = StepFunRealtime(
        api_key=KEY,
        base_url=emulator.base_url,
        voice="linjiajiejie",
        instructions="Be brief.",
        turn_detection="manual",
        modalities=["text"],
        extra_session={"input_audio_format": "pcm16"},
    )
    talk(voice, 1)
    session = emulator.sessions[-1].received[0]["session"]
    assert (session["voice"], session["instructions"], session["turn_detection"]) == ("linjiajiejie", "Be brief.", None)
    with pytest.raises(InvalidParameterError, match="does not converse"):
        StepFunRealtime(api_key=KEY, model="step-3.7-flash").connect()
    with pytest.raises(ValidationError, match="voices"):
        StepFunRealtime(voices="x")


def test_copies_and_pickles_work_and_hide_the_key(voice, monkeypatch):
    bound = voice.bind_tools([weather])
    assert voice.tools == []
    for copied in (copy.copy(bound), copy.deepcopy(bound), bound.model_copy()):
        assert copied.tools == [weather]
        assert KEY not in repr(copied)
        talk(copied)
    pickled = pickle.dumps(voice)
    assert KEY.encode() not in pickled
    monkeypatch.setenv("STEP_API_KEY", KEY)
    talk(pickle.loads(pickled), 1, question="What is 1 + 1?")
