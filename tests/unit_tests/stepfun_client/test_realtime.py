"""Conversations in realtime, on the wire: how one is set up, spoken turns and written ones, every verb, handlers."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading

import pytest

import stepfun_emulator
from benchmarks.realtime_worker import TASKS
from stepfun_client import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InsufficientBalanceError,
    InvalidParameterError,
    NotFoundError,
    RateLimitError,
    StreamInterruptedError,
)
from stepfun_client.api.realtime_events import AudioDelta, Problem, ResponseDone, Transcribed, UnknownEvent
from stepfun_client.api.realtime_params import Turn
from stepfun_emulator.sound import utter
from tests.unit_tests.stepfun_client.talking import (
    LONG,
    MODEL,
    PAUSE,
    TEXT,
    WEATHER,
    lined,
    names,
    outlast,
    sent,
    spoken,
    talking,
    understood,
    wait_for,
)

APPEND = "input_audio_buffer.append"


@pytest.fixture
def client(both, emulator):
    return both.client(emulator)


# --- Setting up ------------------------------------------------------------------------------------------------------


async def test_the_session_is_set_up_before_anything_else_is_sent(both, client, emulator):
    detection = {"prefix_padding_ms": 100, "silence_duration_ms": 400, "energy_awakeness_threshold": 900}
    options = {"voice": "linjiajiejie", "instructions": "Be brief.", "turn_detection": detection, "tools": [WEATHER]}
    async with talking(both, client, **options) as talk:
        await talk.say("send_audio", spoken("What is 6 * 7?"))
        await talk.done()
        assert talk.session.trace_id

    session = emulator.sessions[-1]
    assert (session.path, session.query) == ("/v1/realtime", {"model": MODEL})
    update, *rest = session.received
    assert update == {
        "type": "session.update",
        "session": {
            "modalities": ["text", "audio"],
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "turn_detection": {"type": "server_vad", **detection},
            "instructions": "Be brief.",
            "voice": "linjiajiejie",
            "tools": [WEATHER],
        },
    }
    assert [event["type"] for event in rest] == [APPEND]
    assert [event["type"] for event in session.sent[:2]] == ["session.created", "session.updated"]


async def test_sound_waits_for_session_updated(both, emulator):
    with lined(emulator.base_url) as line:
        async with talking(both, both.client(line), **TEXT) as talk:
            assert line.passed == [2]
            await talk.say("send_audio", PAUSE)
            wait_for(lambda: len(line.received[0]) == 2)
            assert [event.type for event in [await talk.next(), await talk.next()]] == [
                "session.created",
                "session.updated",
            ]


async def test_what_was_said_before_is_told(both, client, emulator):
    history = [Turn("user", "My name is Ada."), Turn("assistant", "Hello, Ada.")]
    async with talking(both, client, history=history, extra_session={"voice": "cixingnansheng"}, **TEXT) as talk:
        assert talk.session.history == history
        await talk.ask("What is 1 + 1?")
        assert [turn.role for turn in talk.session.history] == ["user", "assistant", "user", "assistant"]

    told = [event["item"] for event in sent(emulator.sessions[-1], "conversation.item.create")]
    assert [(item["role"], item["content"][0]) for item in told[:2]] == [
        ("user", {"type": "input_text", "text": "My name is Ada."}),
        ("assistant", {"type": "text", "text": "Hello, Ada."}),
    ]
    assert emulator.sessions[-1].received[0]["session"]["voice"] == "cixingnansheng"


@pytest.mark.parametrize(
    ("made", "model", "error"),
    [
        ({"api_key": "invalid-key"}, MODEL, AuthenticationError),
        ({"api_key": "broke-key"}, MODEL, InsufficientBalanceError),
        ({}, "step-of-tomorrow", NotFoundError),
        ({"default_headers": {"x-emulator-fault": "rate-limit"}}, MODEL, RateLimitError),
    ],
)
async def test_a_refused_handshake_is_a_typed_error(both, emulator, made, model, error):
    for reconnect in (False, True):
        with pytest.raises(error) as caught:
            async with talking(both, both.client(emulator, **made), model=model, reconnect=reconnect):
                pass
        assert made.get("api_key", "none") not in str(caught.value)


async def test_a_service_that_is_not_there_is_a_connection_error(both):
    with pytest.raises(APIConnectionError):
        async with talking(both, both.client(base_url="http://127.0.0.1:9/v1")):
            pass


async def test_settings_that_the_service_refuses_are_raised_on_entering(both, client, emulator):
    with pytest.raises(BadRequestError, match="undocumented") as caught:
        async with talking(both, client, extra_session={"undocumented": 1}):
            pass
    assert caught.value.trace_id
    assert "broke off" not in str(caught.value)
    wait_for(lambda: emulator.open_streams == 0)


# --- Turns -----------------------------------------------------------------------------------------------------------


async def test_a_spoken_turn(both, client):
    async with talking(both, client) as talk:
        await talk.say("send_audio", spoken("What is 6 * 7?"))
        events = await talk.done()

        assert names(events) == [
            "session.created",
            "session.updated",
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.created",
            "conversation.item.input_audio_transcription.completed",
            "response.created",
            "response.output_item.added",
            "response.content_part.added",
            "response.audio_transcript.delta",
            "response.audio.delta",
            "response.audio.done",
            "response.audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        assert understood(events) == "6 * 7 = 42"
        assert events[-1].status == "completed"
        assert talk.session.history == [Turn("user", "What is 6 * 7?"), Turn("assistant", "6 * 7 = 42")]
        assert all(event.event_id for event in events)


async def test_manual_turns_end_where_the_client_says_so(both, client, emulator):
    async with talking(both, client, turn_detection="manual") as talk:
        sound = utter("What is 6 * 7?")
        for at in range(0, len(sound), 4801):
            await talk.say("send_audio", sound[at : at + 4801])
        await talk.say("commit")
        await talk.say("respond")
        events = await talk.done()

        assert "input_audio_buffer.speech_started" not in names(events)
        assert understood(events) == "6 * 7 = 42"
        assert talk.session.history[0] == Turn("user", "What is 6 * 7?")
    assert emulator.sessions[-1].received[0]["session"]["turn_detection"] is None
    assert [event["type"] for event in emulator.sessions[-1].received[-2:]] == [
        "input_audio_buffer.commit",
        "response.create",
    ]


async def test_sound_that_is_taken_back_is_not_heard(both, client):
    async with talking(both, client, turn_detection="manual", **TEXT) as talk:
        await talk.say("send_audio", utter("What is 6 * 7?"))
        await talk.say("clear")
        await talk.until("input_audio_buffer.cleared")
        await talk.say("send_audio", utter("What is 1 + 1?"))
        await talk.say("commit")
        await talk.say("respond")
        await talk.done()

        assert [turn.text for turn in talk.session.history] == ["What is 1 + 1?", "1 + 1 = 2"]


async def test_a_written_question_and_a_written_answer(both, client, emulator):
    async with talking(both, client, **TEXT) as talk:
        events = await talk.ask("What is 6 * 7?")

        assert "".join(event.delta for event in events if event.type == "response.text.delta") == "6 * 7 = 42"
        assert not [event for event in events if isinstance(event, AudioDelta)]
    assert emulator.sessions[-1].received[1:] == [
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "What is 6 * 7?"}],
            },
        },
        {"type": "response.create"},
    ]


async def test_thinking_is_passed_on_and_is_no_part_of_what_was_said(both, client):
    async with talking(both, client, model="step-audio-r1.1", **TEXT) as talk:
        events = await talk.ask("What is 6 * 7?")

        assert [event.delta for event in events if event.type == "response.thinking.delta"]
        assert talk.session.history[-1].text == "6 * 7 = 42"


async def test_an_answer_that_is_asked_for_meanwhile_comes_after(both, client, emulator):
    async with talking(both, client, **TEXT) as talk:
        await talk.say("send_text", "What is 1 + 1?")
        await talk.say("send_text", "What is 2 + 2?")
        await talk.say("respond")
        events = await talk.done(times=2)

        assert not [event for event in events if isinstance(event, Problem)]
    kinds = [event["type"] for event in emulator.sessions[-1].received]
    assert kinds.count("response.create") == 2


async def test_the_same_words_again_are_a_turn_of_their_own(both, client):
    async with talking(both, client, remembered=2, **TEXT) as talk:
        for _ in range(3):
            await talk.ask("What is 1 + 1?")
        assert [turn.text for turn in talk.session.history] == ["What is 1 + 1?", "1 + 1 = 2"]


async def test_any_event_may_be_sent(both, client, emulator):
    async with talking(both, client, **TEXT) as talk:
        await talk.ask("What is 1 + 1?")
        item_id = next(event.item["id"] for event in talk.events if event.type == "conversation.item.created")
        await talk.say("send", {"type": "conversation.item.delete", "item_id": item_id})
        assert (await talk.until("conversation.item.deleted"))[-1].item_id == item_id
        with pytest.raises(InvalidParameterError, match="JSON"):
            await talk.say("send", {"type": "x", "y": object()})


async def test_a_refusal_is_an_event_and_the_session_goes_on(both, client):
    async with talking(both, client, turn_detection="manual", **TEXT) as talk:
        await talk.say("commit")
        problem = (await talk.until("error"))[-1]
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, BadRequestError)
        assert problem.error.trace_id == talk.session.trace_id
        assert "broke off" not in str(problem.error)  # which is said where an answer ends so
        await talk.ask("What is 1 + 1?")


@pytest.mark.parametrize("task", TASKS)
def test_in_a_minute_of_talk_no_turn_is_lost_or_told_twice(task):
    """The benchmark's conversation, with functions and interruptions; it raises where a turn is not as it should be."""
    with stepfun_emulator.serving(delay=0.002) as talkative:
        assert TASKS[task](talkative.base_url, seconds=60) < 16


# --- Handlers --------------------------------------------------------------------------------------------------------


async def test_handlers_by_class_and_by_name_while_run_iterates(both, client):
    session = client.realtime.connect(model=MODEL)
    heard, said = [], []
    assert session.on(Transcribed, heard.append) == heard.append
    session.on("response.audio_transcript.delta", lambda event: said.append(event.delta))
    if both.kind == "sync":
        session.on(ResponseDone, lambda event: session.close())
        with session:
            session.send_audio(spoken("What is 6 * 7?"))
            session.run()
    else:

        async def over(event):
            await asyncio.sleep(0)
            await session.close()

        session.on(ResponseDone, over)
        async with session:
            await session.send_audio(spoken("What is 6 * 7?"))
            await session.run()

    assert [event.transcript for event in heard] == ["What is 6 * 7?"]
    assert "".join(said) == "6 * 7 = 42"


async def test_a_handler_that_raises_ends_the_block_and_the_session(both, client, emulator):
    def fail(event):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await outlast(both, client, [], on=("session.created", fail))
    wait_for(lambda: emulator.sessions[-1].closed == 1000)


# --- Misuse ----------------------------------------------------------------------------------------------------------


async def test_a_session_is_used_once_and_inside_its_block(both, client):
    session = client.realtime.connect(model=MODEL)
    with pytest.raises(InvalidParameterError, match="inside its `with` block"):
        await both.get(session.send_text("Hi"))
    with pytest.raises(InvalidParameterError, match="inside its `with` block"):
        iter(session) if both.kind == "sync" else aiter(session)
    async with talking(both, client, **TEXT) as talk:
        used = talk.session
        with pytest.raises(InvalidParameterError, match="opened once"):
            used.__enter__() if both.kind == "sync" else await used.__aenter__()
        await talk.ask("What is 1 + 1?")
    with pytest.raises(InvalidParameterError, match="inside its `with` block"):
        await both.get(used.send_text("Hi"))
    with pytest.raises(InvalidParameterError, match="opened once"):
        used.__enter__() if both.kind == "sync" else await used.__aenter__()
    await both.get(used.close())  # again


REFUSED = {
    "a model for chat": ({"model": "step-3.7-flash"}, "model", "does not converse"),
    "no model": ({"model": " "}, "model", "text"),
    "a modality": ({"modalities": ["smell"]}, "modalities", "text"),
    "a detection": ({"turn_detection": "push"}, "turn_detection", "^turn_detection is .push.: .*server_vad"),
    "a loud threshold": (
        {"turn_detection": {"energy_awakeness_threshold": 5001}},
        "energy_awakeness_threshold",
        "5000",
    ),
    "a negative silence": ({"turn_detection": {"silence_duration_ms": -1}}, "silence_duration_ms", "greater"),
    "a negative padding": ({"turn_detection": {"prefix_padding_ms": -1}}, "prefix_padding_ms", "greater"),
    "a tool's name": ({"tools": [{"type": "function", "function": {"name": "1 2"}}]}, "tools", "letter"),
    "an unannounced callable": ({"callables": {"f": print}}, "callables", "tools"),
    "no callable": ({"callables": {"get_weather": 1}, "tools": [WEATHER]}, "callables", "called"),
    "no time": ({"ends_after": 0}, "ends_after", "greater"),
    "a late warning": ({"warn_before": -1}, "warn_before", "greater"),
    "a negative memory": ({"remembered": -1}, "remembered", "greater"),
    "a strange history": ({"history": ["Hi"]}, "history", "Turn"),
    "a typing error": ({"instruction": "Be brief."}, "instruction", "no parameter.*extra_session="),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_refused_before_a_session_is_opened(both, client, given):
    options, param, words = REFUSED[given]
    with pytest.raises(InvalidParameterError, match=words) as caught:
        client.realtime.connect(**{"model": MODEL, **options})
    assert param in caught.value.param


def test_a_synchronous_session_refuses_asynchronous_functions(emulator):
    from stepfun_client import StepFunClient

    async def get_weather(city):
        return city

    client = StepFunClient(api_key="k", base_url=emulator.base_url)
    with pytest.raises(InvalidParameterError, match="AsyncStepFunClient"):
        client.realtime.connect(model=MODEL, tools=[WEATHER], callables={"get_weather": get_weather})


async def test_blank_text_is_refused_before_it_is_sent(both, client, emulator):
    async with talking(both, client, **TEXT) as talk:
        with pytest.raises(InvalidParameterError, match="blank"):
            await talk.say("send_text", " \n")
        assert talk.session.history == []
    assert len(emulator.sessions[-1].received) == 1


async def test_the_key_is_nowhere_to_be_read(both, emulator, caplog):
    key = "sk-realtime-0123456789abcdef"
    caplog.set_level(logging.DEBUG)
    headers = {"x-emulator-fault": "cut-websocket", "x-emulator-after": "6"}
    client = both.client(emulator, api_key=key, default_headers=headers)
    async with talking(both, client, **TEXT) as talk:
        assert key not in repr(talk.session) + repr(vars(talk.session))
        with pytest.raises(StreamInterruptedError) as caught:
            await talk.ask("What is 1 + 1?")
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("stepfun_client")]
    assert any("realtime" in line for line in logged)
    assert key not in str(caught.value) + repr(caught.value) + "".join(logged)


# --- Leaving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [0, 1, 4, 9])
async def test_leaving_early_closes_in_good_order_and_leaves_nothing_behind(both, client, emulator, events):
    threads = set(threading.enumerate())
    async with talking(both, client, tools=[WEATHER], callables={"get_weather": lambda city: "sun"}) as talk:
        await talk.say("send_text", "What is the weather in Paris?")
        for _ in range(events):
            await talk.next()
    gc.collect()
    wait_for(lambda: emulator.sessions[-1].closed is not None and emulator.open_streams == 0)
    assert emulator.sessions[-1].closed in (1000, 1006)  # the latter where it was just speaking
    await asyncio.sleep(0.01)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    wait_for(lambda: not [one for one in set(threading.enumerate()) - threads if "AnyIO" not in one.name])


async def test_an_exception_in_the_block_leaves_it(both, client, emulator):
    with pytest.raises(ZeroDivisionError):
        async with talking(both, client, reconnect=True, **TEXT):
            raise ZeroDivisionError
    wait_for(lambda: emulator.sessions[-1].closed == 1000)


@pytest.mark.parametrize("phase", ["at once", "handshake", "idle", "answering", "calling", "sending"])
async def test_a_task_may_be_cancelled_at_any_time(emulator, phase):
    from stepfun_client import AsyncStepFunClient

    reached = asyncio.Event()
    called = []

    async def get_weather(city):
        reached.set()
        try:
            await asyncio.sleep(60)
        finally:
            called.append(city)

    async def converse(client):
        tools = {"tools": [WEATHER], "callables": {"get_weather": get_weather}}
        if phase == "handshake":
            reached.set()
        async with client.realtime.connect(model=MODEL, reconnect=True, **tools) as session:
            await session.send_text("What is the weather in Paris?" if phase == "calling" else LONG)
            if phase == "sending":
                reached.set()
                while True:
                    await session.send_audio(PAUSE)
            async for event in session:
                if (phase, event.type) in {("answering", "response.audio.delta"), ("idle", "session.created")}:
                    reached.set()

    async with AsyncStepFunClient(api_key="k", base_url=emulator.base_url) as client:
        task = asyncio.create_task(converse(client))
        if phase != "at once":
            await asyncio.wait_for(reached.wait(), 10)
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert called == (["Paris"] if phase == "calling" else [])
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    wait_for(lambda: emulator.open_streams == 0)


async def test_another_may_close_the_session_while_it_is_iterated(both, client, emulator):
    async with talking(both, client, reconnect=True, **TEXT) as talk:
        await talk.say("send_text", "What is 1 + 1?")
        if both.kind == "sync":
            ending = threading.Timer(0.2, talk.session.close)
            ending.start()
            talk.session.run()
            ending.join()
        else:

            async def end():
                await asyncio.sleep(0.2)
                await talk.session.close()

            ending = asyncio.create_task(end())
            await talk.session.run()
            await ending
        assert talk.session.history[-1].text == "1 + 1 = 2"
    wait_for(lambda: emulator.sessions[-1].closed == 1000)


async def test_an_unknown_event_is_kept_whole(both, emulator, monkeypatch):
    from stepfun_emulator.realtime import session

    def react(self, event):
        yield {"type": "response.tomorrow", "item_id": "i", "x": [1]}
        yield {"type": "response.text.delta", "delta": {"odd": 1}}

    monkeypatch.setattr(session.Session, "_clear", react)
    async with talking(both, both.client(emulator), **TEXT) as talk:
        await talk.say("clear")
        event = (await talk.until("response.tomorrow"))[-1]
        assert isinstance(event, UnknownEvent)
        assert (event.item_id, event.x) == ("i", [1])
        odd = await talk.next()
        assert isinstance(odd, UnknownEvent)
        assert odd.delta == {"odd": 1}


@pytest.mark.parametrize("samples", [b"RIFF\0\0\0\0WAVE", "text"], ids=["a file", "text"])
async def test_what_is_no_samples_is_not_sent(both, emulator, samples):
    async with talking(both, both.client(emulator)) as talk:
        with pytest.raises(InvalidParameterError, match="bare samples"):
            await talk.say("send_audio", samples)
    assert not sent(emulator.sessions[-1], "input_audio_buffer.append")
