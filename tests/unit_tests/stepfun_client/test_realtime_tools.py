"""Functions in a realtime conversation: called beside it, answered in order, nothing lost whoever speaks meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from stepfun_client import InvalidParameterError
from stepfun_client.api.realtime_params import ToolResult
from tests.unit_tests.stepfun_client.talking import PAUSE, TEXT, WEATHER, names, sent, spoken, talking

TOOLS = {"tools": [WEATHER]}
NOTE = {
    "type": "function",
    "function": {
        "name": "note",
        "description": "Write a note",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}


@pytest.fixture
def client(both, emulator):
    return both.client(emulator)


def calling(both, function):
    """The function as a callable of either session: it may sleep as long as it says."""

    def plain(city):
        seconds, result = function(city)
        time.sleep(seconds)
        return result

    async def asynchronous(city):
        seconds, result = function(city)
        await asyncio.sleep(seconds)
        return result

    return {"get_weather": plain if both.kind == "sync" else asynchronous}


def outputs(session):
    return [event["item"]["output"] for event in sent(session, "conversation.item.create") if "output" in event["item"]]


def one_answer_at_a_time(session):
    """No answer was asked for while another was being given: the emulator would have refused it."""
    assert not [event for event in session.sent if event["type"] == "error"]
    return len(sent(session, "response.create"))


async def test_a_call_is_answered_and_the_answer_comes_after(both, client, emulator):
    callables = calling(both, lambda city: (0, f"18 degrees in {city}"))
    async with talking(both, client, callables=callables, **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        events = await talk.done(times=2)

        (call,) = [event for event in events if event.type == "response.function_call_arguments.done"]
        assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
        (answered,) = [event for event in events if event.type == "session.tool_answered"]
        assert (answered.call_id, answered.name, answered.output) == (
            call.call_id,
            "get_weather",
            "18 degrees in Paris",
        )
        assert answered.error is None
        assert "18 degrees in Paris" in talk.session.history[-1].text
        kinds = names(events)
        assert kinds.index("response.done") < kinds.index("session.tool_answered")
    assert one_answer_at_a_time(emulator.sessions[-1]) == 2


async def test_several_calls_are_answered_in_order_though_they_finish_out_of_it(both, client, emulator):
    finished = []

    def weather(city):
        finished.append(city)
        return (0.3 if city == "Paris" else 0), f"sun in {city}"

    async with talking(both, client, callables=calling(both, weather), **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris and London?")
        events = await talk.done(times=2)
        assert [event.output for event in events if event.type == "session.tool_answered"] == [
            "sun in Paris",
            "sun in London",
        ]
    assert outputs(emulator.sessions[-1]) == ["sun in Paris", "sun in London"]
    assert [event["type"] for event in emulator.sessions[-1].received[-3:]] == [
        "conversation.item.create",
        "conversation.item.create",
        "response.create",
    ]


async def test_the_conversation_goes_on_beside_a_slow_function(both, client, emulator):
    async with talking(both, client, callables=calling(both, lambda city: (1, "18 degrees")), **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        await talk.done()
        await talk.say("send_audio", spoken("What is 6 * 7?"))
        await talk.done()
        assert talk.session.history[-1].text == "6 * 7 = 42"
        assert outputs(emulator.sessions[-1]) == []
        await talk.done()
        assert "18 degrees" in talk.session.history[-1].text
    assert one_answer_at_a_time(emulator.sessions[-1]) == 2


async def test_a_result_waits_until_the_user_has_spoken_and_was_answered(both, client, emulator):
    results = threading.Event()

    def weather(city):
        results.set()
        return 0.1, "18 degrees"

    async with talking(both, client, callables=calling(both, weather), **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        await talk.done()
        await talk.say("send_audio", spoken("What is 6 * 7?").removesuffix(PAUSE))
        await talk.until("input_audio_buffer.speech_started")
        await asyncio.sleep(0.3)  # the function has its result, and the user still speaks
        assert outputs(emulator.sessions[-1]) == []
        await talk.say("send_audio", PAUSE)
        await talk.done(times=2)
        assert [turn.text for turn in talk.session.history[-3:-1]] == ["What is 6 * 7?", "6 * 7 = 42"]
        assert "18 degrees" in talk.session.history[-1].text
    assert one_answer_at_a_time(emulator.sessions[-1]) == 2


async def test_a_function_that_raises_is_told_to_the_model_and_to_the_program(both, client, emulator):
    def weather(city):
        raise LookupError(f"no city is called {city}")

    async with talking(both, client, callables=calling(both, weather), **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        events = await talk.done(times=2)
        (answered,) = [event for event in events if event.type == "session.tool_answered"]
        assert isinstance(answered.error, LookupError)
    assert outputs(emulator.sessions[-1]) == ['{"error": "LookupError: no city is called Paris"}']


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"degrees": 18, "at": {1}}, ('{"degrees": 18, "at": "{1}"}', None)),
        (None, ("null", None)),
        ("18 °C", ("18 °C", None)),
        (ToolResult("18 degrees", value=[b"map"]), ("18 degrees", [b"map"])),
    ],
)
async def test_what_a_function_may_return(both, client, emulator, result, told):
    async with talking(both, client, callables=calling(both, lambda city: (0, result)), **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        events = await talk.done(times=2)
        (answered,) = [event for event in events if event.type == "session.tool_answered"]
        assert (answered.output, answered.value) == told
    assert outputs(emulator.sessions[-1]) == [told[0]]


async def test_arguments_that_are_none_are_told_to_the_model(both, client, emulator, monkeypatch):
    from stepfun_emulator.realtime import response

    monkeypatch.setattr(response, "pieces", lambda arguments: ['["not', ' an object"]'])
    async with talking(both, client, callables=calling(both, lambda city: (0, "sun")), **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        await talk.done(times=2)
    (output,) = outputs(emulator.sessions[-1])
    assert "TypeError" in output
    assert "no object" in output


async def test_a_function_that_is_only_announced_is_answered_by_hand(both, client, emulator):
    async with talking(both, client, **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        events = await talk.done()
        (call,) = [event for event in events if event.type == "response.function_call_arguments.done"]
        with pytest.raises(InvalidParameterError, match="no call 'other' waits"):
            await talk.say("send_tool_result", "other", "18 degrees")
        await talk.say("send_tool_result", call.call_id, "18 degrees")
        with pytest.raises(InvalidParameterError, match="waits for a result"):
            await talk.say("send_tool_result", call.call_id, "19 degrees")
        await talk.done()
        assert "18 degrees" in talk.session.history[-1].text


async def test_a_call_that_was_broken_off_is_neither_run_nor_answered(both):
    import stepfun_emulator

    called = []
    with stepfun_emulator.serving(delay=0.005) as slow:
        options = {"tools": [NOTE], "callables": {"note": lambda text: called.append(text) or "written"}, **TEXT}
        async with talking(both, both.client(slow), **options) as talk:
            await talk.say("send_text", f"Write a note: “{'a long text ' * 30}”")
            await talk.until("response.function_call_arguments.delta", times=3)
            await talk.say("cancel")
            done = (await talk.done())[-1]
            assert done.status == "cancelled"
            await talk.ask("What is 1 + 1?")
            assert talk.session.history[-1].text == "1 + 1 = 2"
        assert called == []
        assert outputs(slow.sessions[-1]) == []
        one_answer_at_a_time(slow.sessions[-1])


async def test_a_function_may_end_the_conversation(both, client):
    session = None

    def hang_up(city):
        session.close()

    async def hang_up_async(city):
        await session.close()

    callables = {"get_weather": hang_up if both.kind == "sync" else hang_up_async}
    async with talking(both, client, callables=callables, **TOOLS, **TEXT) as talk:
        session = talk.session
        await talk.say("send_text", "What is the weather in Paris?")
        await both.get(session.run())


async def test_a_result_that_nobody_waits_for_harms_nothing(both, client):
    release = threading.Event()

    def late(city):
        release.wait(5)
        return "late"

    callables = {"get_weather": late} if both.kind == "sync" else calling(both, lambda city: (5, "late"))
    async with talking(both, client, callables=callables, **TOOLS, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        await talk.done()
    release.set()
