"""What breaks off: answers by cancel and by voice, connections at every event, sessions by their time."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack

import pytest

import stepfun_emulator
from stepfun_client import APIConnectionError, InvalidParameterError, StreamInterruptedError, StreamTimeoutError
from stepfun_client.api import realtime_loop
from stepfun_client.api.realtime_events import (
    AudioDelta,
    FunctionCall,
    Interrupted,
    Problem,
    Reconnected,
    ResponseDone,
    SessionEnding,
    TextDelta,
    ToolAnswered,
)
from tests.unit_tests.stepfun_client.talking import (
    LONG,
    PAUSE,
    TEXT,
    WEATHER,
    lined,
    outlast,
    sent,
    spoken,
    talking,
    understood,
    wait_for,
)

EVENTS_WITH_A_TOOL = 20
TOOL = {"tools": [WEATHER], "callables": {"get_weather": lambda city: f"18 degrees in {city}"}}


@pytest.fixture(scope="module")
def slow():
    """An emulator that pauses between events, so that an answer can be broken off."""
    with stepfun_emulator.serving(delay=0.004) as running:
        yield running


@pytest.fixture
def hasty(monkeypatch):
    """Reconnecting without long waits."""
    monkeypatch.setattr(realtime_loop, "_FIRST_DELAY_SECONDS", 0.001)


# --- Answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancel", "voice"])
async def test_nothing_of_an_answer_comes_after_it_was_broken_off(both, slow, how):
    async with talking(both, both.client(slow)) as talk:
        await talk.say("send_text", LONG)
        heard = await talk.until("response.audio.delta", times=3)
        if how == "cancel":
            await talk.say("cancel")
            await talk.say("cancel")  # again: nothing more is sent
        else:
            await talk.say("send_audio", spoken("What is 6 * 7?"))
            heard += await talk.until("input_audio_buffer.speech_started")
        first = next(event.response_id for event in heard if isinstance(event, AudioDelta))
        after = await talk.done()
        if how == "cancel":
            after += await talk.ask("What is 6 * 7?")
        else:
            after += await talk.done()

        assert understood(after) == "6 * 7 = 42"
        assert [event.response_id for event in after if isinstance(event, Interrupted)] == [first]
        assert next(event for event in after if isinstance(event, ResponseDone)).status == "cancelled"
        said = "".join(event.delta for event in heard if event.type == "response.audio_transcript.delta")
        texts = [turn.text for turn in talk.session.history]
        assert said in texts
        assert texts[-2:] == ["What is 6 * 7?", "6 * 7 = 42"]
    cancels = sent(slow.sessions[-1], "response.cancel")
    assert len(cancels) == (how == "cancel")
    assert not [event for event in slow.sessions[-1].sent if event["type"] == "error"]
    late = [event for event in slow.sessions[-1].sent if event.get("response_id") == first]
    assert [event["type"] for event in late[-2:]] == ["response.audio.delta"] * 2  # they did come


async def test_an_answer_that_has_not_begun_may_be_cancelled(both, slow):
    async with talking(both, both.client(slow)) as talk:
        await talk.say("send_text", LONG)
        await talk.say("cancel")
        events = await talk.done()
        assert not [event for event in events if isinstance(event, AudioDelta)]
        assert events[-1].status == "cancelled"
        assert understood(await talk.ask("What is 1 + 1?")) == "1 + 1 = 2"
        await talk.say("cancel")  # there is nothing to cancel
    assert not [event for event in slow.sessions[-1].sent if event["type"] == "error"]


# --- Connections -----------------------------------------------------------------------------------------------------


async def converse_about_the_weather(both, client):
    async with talking(both, client, **TOOL, **TEXT) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        await talk.done(times=2)


async def test_how_many_events_a_conversation_with_a_tool_has(both, emulator):
    await converse_about_the_weather(both, both.client(emulator))
    assert len(emulator.sessions[-1].sent) == EVENTS_WITH_A_TOOL


@pytest.mark.parametrize("after", range(EVENTS_WITH_A_TOOL))
@pytest.mark.parametrize("fault", ["cut-websocket", "close-websocket"])
async def test_a_session_cut_at_every_event_is_interrupted(both, emulator, fault, after):
    client = both.client(emulator, default_headers={"x-emulator-fault": fault, "x-emulator-after": str(after)})
    with pytest.raises(StreamInterruptedError) as caught:
        await converse_about_the_weather(both, client)
    assert caught.value.trace_id


@pytest.mark.parametrize("after", [4, 6])  # after the answer has begun
async def test_a_service_that_falls_silent_in_an_answer_has_lost_the_session(both, emulator, after):
    headers = {"x-emulator-fault": "stall-websocket", "x-emulator-after": str(after)}
    async with talking(both, both.client(emulator, default_headers=headers), timeout=0.2, **TEXT) as talk:
        await talk.say("send_text", LONG)
        with pytest.raises(StreamTimeoutError, match="silent for"):
            await talk.done()


async def test_silence_is_no_loss_while_no_answer_is_owed(both, emulator):
    seconds = {"ends_after": 0.8, "warn_before": 0.1, "timeout": 0.05}
    async with talking(both, both.client(emulator), **seconds, **TEXT) as talk:
        events = await talk.until("session.ending")
        assert events[-1].seconds_left == pytest.approx(0.1, abs=0.05)
        assert understood_text(await talk.ask("What is 6 * 7?")) == "6 * 7 = 42"


def understood_text(events):
    return "".join(event.delta for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("after", range(2, EVENTS_WITH_A_TOOL))
async def test_a_session_cut_at_every_event_goes_on_in_another(both, emulator, hasty, after):
    with lined(emulator.base_url, cut_after=after) as line:
        async with talking(both, both.client(line), reconnect=True, **TOOL, **TEXT) as talk:
            await talk.say("send_text", "What is the weather in Paris?")
            anew = (await talk.until("session.reconnected"))[-1]
            told = talk.session.history
            events = list(talk.events)
            await talk.say("send_text", "And now?")
            while talk.session.history[-1].role == "user" or talk.events[-1].type != "response.done":
                await talk.next()
            await talk.say("send_text", "What is 6 * 7?")
            while talk.session.history[-1].text != "6 * 7 = 42":
                await talk.next()

        assert isinstance(anew, Reconnected)
        assert "closed" in anew.reason
        assert [event for event in talk.events if isinstance(event, Reconnected)] == [anew]
        called = [event.call_id for event in events if isinstance(event, FunctionCall)]
        answered = [event.call_id for event in events if isinstance(event, ToolAnswered)]
        assert set(anew.lost_calls) <= set(called)
        assert not set(anew.lost_calls) & set(answered)
        update, *items = line.received[1][: anew.turns + 1]
        assert update["type"] == "session.update"
        assert [item["item"]["content"][0]["text"] for item in items] == [turn.text for turn in told]
        assert not [event for event in talk.events if isinstance(event, Problem)]


async def test_what_is_said_while_nobody_listens_is_told_or_counted(both, emulator, hasty, monkeypatch):
    monkeypatch.setattr(realtime_loop, "_FIRST_DELAY_SECONDS", 0.2)
    with lined(emulator.base_url) as line:
        async with talking(both, both.client(line), reconnect=True, turn_detection="manual", **TOOL) as talk:
            await talk.say("send_audio", PAUSE)
            await talk.until("session.updated")
            wait_for(lambda: len(line.received[0]) == 2)
            line.cut()
            time.sleep(0.1)  # noqa: ASYNC251 - the line has threads of its own
            for _ in range(3):
                await talk.say("send_audio", PAUSE)
            await talk.say("send_text", "What is 6 * 7?")
            anew = (await talk.until("session.reconnected"))[-1]
            assert anew.lost_audio_seconds == 4
            assert understood(await talk.done()) == "6 * 7 = 42"
        assert [event["type"] for event in line.received[1]] == [
            "session.update",
            "conversation.item.create",
            "response.create",
        ]


async def test_calls_that_the_old_session_made_are_named(both, emulator, hasty):
    with lined(emulator.base_url) as line:
        options = {"tools": [WEATHER], "reconnect": True, **TEXT}
        async with talking(both, both.client(line), **options) as talk:
            await talk.say("send_text", "What is the weather in Paris?")
            events = await talk.done()
            (call,) = [event for event in events if event.type == "response.function_call_arguments.done"]
            line.cut()
            anew = (await talk.until("session.reconnected"))[-1]
            assert anew.lost_calls == [call.call_id]
            with pytest.raises(InvalidParameterError, match="a session that is over"):
                await talk.say("send_tool_result", call.call_id, "18 degrees")


async def test_a_service_that_is_gone_is_tried_five_times(both, hasty, monkeypatch):
    waits = []
    perform = realtime_loop.Wait.__init__
    monkeypatch.setattr(
        realtime_loop.Wait, "__init__", lambda self, seconds: (waits.append(seconds), perform(self, seconds))[0]
    )
    with ExitStack() as stack:
        leaving = stack.enter_context(stepfun_emulator.serving())
        async with talking(both, both.client(leaving), reconnect=True) as talk:
            stack.close()
            with pytest.raises(APIConnectionError):
                await talk.until("session.reconnected")
    assert waits == [0.001, 0.002, 0.004, 0.008]


async def test_a_service_that_breaks_every_session_off_is_given_up(both, emulator, hasty):
    client = both.client(emulator, default_headers={"x-emulator-fault": "cut-websocket", "x-emulator-after": "2"})
    opened = len(emulator.sessions)
    events = []
    with pytest.raises(StreamInterruptedError):
        await outlast(both, client, events, reconnect=True)
    assert len(emulator.sessions) - opened == 6
    assert len([event for event in events if event.type == "session.reconnected"]) == 5


# --- Time ------------------------------------------------------------------------------------------------------------


async def test_the_end_of_a_session_is_told_before_it_strikes(both):
    events = []
    with (
        stepfun_emulator.serving(session_seconds=0.8) as brief,
        pytest.raises(StreamInterruptedError, match="reconnect=True"),
    ):
        await outlast(both, both.client(brief), events, ends_after=0.8, warn_before=0.5)
    (ending,) = [event for event in events if isinstance(event, SessionEnding)]
    assert 0.2 < ending.seconds_left <= 0.5
    assert events.index(ending) < [event.type for event in events].index("error")


async def test_a_session_whose_time_is_over_is_replaced(both, emulator):
    async with talking(both, both.client(emulator), ends_after=0.15, warn_before=0.05, reconnect=True, **TEXT) as talk:
        await talk.ask("My name is Ada.")
        for _ in range(7):
            anew = (await talk.until("session.reconnected"))[-1]
            assert (anew.reason, anew.turns) == ("the session's time is over", 2)
        await talk.ask("What is 6 * 7?")
        assert talk.session.history[-1].text == "6 * 7 = 42"
    endings = [event for event in talk.events if isinstance(event, SessionEnding)]
    assert len(endings) == 7
    wait_for(lambda: emulator.open_streams == 0)


async def test_a_session_in_which_nothing_is_said_is_closed(both):
    with (
        stepfun_emulator.serving(idle_seconds=0.2) as impatient,
        pytest.raises(StreamInterruptedError, match="nothing is said") as caught,
    ):
        await outlast(both, both.client(impatient), [])
    assert caught.value.trace_id


# --- Who is slow, and who are many -----------------------------------------------------------------------------------


async def test_who_does_not_listen_for_a_while_misses_nothing(both, emulator):
    async with talking(both, both.client(emulator)) as talk:
        await talk.say("send_text", LONG)
        await talk.next()
        await asyncio.sleep(0) if both.kind == "async" else None
        time.sleep(1)  # noqa: ASYNC251 - whoever plays sound may block
        events = await talk.done()
        assert understood(events).endswith("200")
        assert (
            "".join(
                event.delta for event in events if hasattr(event, "delta") and event.type.endswith("transcript.delta")
            )
            == talk.session.history[-1].text
        )


async def converse(both, client, number):
    async with talking(both, client, **TOOL) as talk:
        await talk.say("send_audio", spoken(f"What is {number} * 7?"))
        await talk.done()
        await talk.say("send_text", "What is the weather in Paris?")
        await talk.done(times=2)
        return [turn.text for turn in talk.session.history]


def expected(number):
    return [f"What is {number} * 7?", f"{number} * 7 = {number * 7}", "What is the weather in Paris?"]


async def test_ten_sessions_at_once_do_not_mix(both, emulator):
    client = both.client(emulator)
    if both.kind == "async":
        found = await asyncio.gather(*(converse(both, client, number) for number in range(2, 12)))
    else:
        found = [None] * 10

        def talk(number):
            found[number - 2] = asyncio.run(converse(both, client, number))

        threads = [threading.Thread(target=talk, args=[number]) for number in range(2, 12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, texts in zip(range(2, 12), found, strict=True):
        assert texts[:3] == expected(number)
        assert "18 degrees in Paris" in texts[3]


async def test_a_microphone_beside_the_one_who_listens(both, emulator):
    sound = b"".join(spoken(f"What is {number} + 1?") for number in range(5))
    pieces = [sound[at : at + 4800] for at in range(0, len(sound), 4800)]
    async with talking(both, both.client(emulator), **TEXT) as talk:
        if both.kind == "sync":
            microphone = threading.Thread(target=lambda: [talk.session.send_audio(piece) for piece in pieces])
            microphone.start()
        else:

            async def speak():
                for piece in pieces:
                    await talk.session.send_audio(piece)

            microphone = asyncio.create_task(speak())
        while len([turn for turn in talk.session.history if turn.role == "user"]) < 5:
            await talk.next()
        await talk.done()
        microphone.join() if both.kind == "sync" else await microphone
        users = [turn.text for turn in talk.session.history if turn.role == "user"]
        assert users == [f"What is {number} + 1?" for number in range(5)]
        assert talk.session.history[-1].text == "4 + 1 = 5"
