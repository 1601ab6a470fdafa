"""The conversation's state without a network: whatever the service says, in whatever order."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import APIResponseError, StepFunError
from stepfun_client.api.realtime_events import AudioDelta, Interrupted, Problem, ToolAnswered, UnknownEvent
from stepfun_client.api.realtime_params import RealtimeSettings, Turn
from stepfun_client.api.realtime_state import Conversation

VAD = {"turn_detection": {"type": "server_vad"}}
SOUND = base64.b64encode(b"\1\0").decode()
CREATE = {"type": "response.create"}


def conversation(**options):
    made = Conversation(RealtimeSettings("m", options.pop("session", VAD), {"f": print}, **options))
    made.begin()
    return made


def created(name="r1"):
    return {"type": "response.created", "response": {"id": name}}


def done(name="r1", status="completed", *calls):
    return {"type": "response.done", "response": {"id": name, "status": status, "output": list(calls)}}


def call(name="c1", status="completed", **more):
    return {"type": "function_call", "id": f"i-{name}", "call_id": name, "status": status, "name": "f", **more}


def called(name="c1"):
    return {"type": "response.function_call_arguments.done", "call_id": name, "name": "f", "arguments": "{}"}


def delta(name="r1", text="a"):
    return {"type": "response.audio_transcript.delta", "response_id": name, "delta": text}


def sound(name="r1"):
    return {"type": "response.audio.delta", "response_id": name, "delta": SOUND}


def sent(made):
    events = list(made.outbox)
    made.outbox.clear()
    return [
        event["item"].get("output", event["item"]["type"]) if "item" in event else event["type"] for event in events
    ]


def feed(made, *events):
    return [told for event in events for told in made.receive(event)]


STARTED, STOPPED = {"type": "input_audio_buffer.speech_started"}, {"type": "input_audio_buffer.speech_stopped"}
COMMITTED = {"type": "input_audio_buffer.committed", "item_id": "u1"}
ERROR = {"type": "error", "error": {"type": "request_params_invalid", "message": "no"}}


def test_late_pieces_are_dropped_by_their_answer():
    made = conversation()
    assert len(feed(made, created(), sound(), sound("r0"))) == 2  # another answer's
    feed(made, done(status="cancelled"))
    assert feed(made, sound(), delta(), {"type": "response.audio.delta", "delta": SOUND}) == []
    feed(made, created("r2"))
    assert feed(made, sound()) == []
    assert [event.audio for event in feed(made, {"type": "response.audio.delta", "delta": SOUND})] == [b"\1\0"]
    assert made.turns() == []


def test_an_answer_that_the_service_breaks_off_by_itself_is_interrupted_once():
    made = conversation()
    assert isinstance(feed(made, created(), delta(), done(status="cancelled"))[-1], Interrupted)
    assert [
        event
        for event in feed(made, created("r2"), STARTED, done("r2", "cancelled"))
        if event.type.endswith("interrupted")
    ]
    assert made.turns() == [Turn("assistant", "a")]


def test_a_call_that_only_the_end_of_its_answer_tells_is_told_before_it():
    made = conversation()
    events = feed(made, created(), done("r1", "completed", call(arguments="{}")))
    assert [event.type for event in events] == [
        "response.created",
        "response.function_call_arguments.done",
        "response.done",
    ]
    assert [one.call_id for one in made.to_run()] == ["c1"]
    assert made.to_run() == []


def test_a_call_is_told_once_and_its_name_may_come_before():
    made = conversation()
    added = {"type": "response.output_item.added", "item": call("c1")}
    nameless = {**called(), "name": None}
    events = feed(made, created(), added, nameless, done("r1", "completed", call()))
    assert [event.name for event in events if hasattr(event, "call_id") and event.type.endswith("arguments.done")] == [
        "f"
    ]
    assert len(made.to_run()) == 1


def test_results_wait_for_the_end_of_the_answer_and_for_each_other():
    made = conversation()
    feed(made, created(), called("c1"), called("c2"))
    made.answer("c2", "two")
    assert sent(made) == []
    feed(made, done())
    assert sent(made) == []
    made.answer("c1", "one")
    assert sent(made) == ["one", "two", "response.create"]
    assert [event.output for event in feed(made, created("r2")) if isinstance(event, ToolAnswered)] == ["one", "two"]


def test_a_wish_and_results_are_answered_by_one_answer():
    made = conversation()
    feed(made, created(), called())
    made.text("Hi")
    made.answer("c1", "one")
    assert sent(made) == ["message"]
    feed(made, done())
    assert sent(made) == ["one", "response.create"]
    feed(made, created("r2"), done("r2"))
    assert sent(made) == []


def test_a_result_waits_while_the_user_speaks_and_until_that_was_answered():
    made = conversation()
    feed(made, created(), called(), done(), STARTED)
    made.answer("c1", "one")
    for event in (STOPPED, COMMITTED, created("r2"), delta("r2")):
        feed(made, event)
        assert sent(made) == []
    feed(made, done("r2"))
    assert sent(made) == ["one", "response.create"]


def test_a_result_sent_at_the_moment_the_turn_ended_is_asked_for_again():
    made = conversation()
    feed(made, created(), called(), done())
    made.answer("c1", "one")
    assert sent(made) == ["one", "response.create"]
    feed(made, STARTED, STOPPED, COMMITTED, created("r2"), ERROR, delta("r2"))
    assert sent(made) == []
    feed(made, done("r2"))
    assert sent(made) == ["response.create"]


def test_an_answer_that_was_refused_does_not_block_the_next():
    made = conversation()
    made.respond()
    assert isinstance(feed(made, ERROR)[0], Problem)
    made.respond()
    assert sent(made) == ["response.create"] * 2


def test_the_end_of_an_answer_that_never_began_does_not_block_the_next():
    made = conversation()
    made.respond()
    feed(made, COMMITTED, done("r1", "cancelled"), created("r2"), done("r2"))
    made.respond()
    assert sent(made) == ["response.create"] * 2


def test_manual_turns_expect_no_answer_of_the_services_own():
    made = conversation(session={"turn_detection": None})
    feed(made, created(), called(), done(), COMMITTED)
    made.answer("c1", "one")
    assert sent(made) == ["one", "response.create"]


def test_sound_is_lost_until_a_turn_has_been_made_of_it():
    made = conversation()
    made.audio(b"\0" * 48_000)
    feed(made, COMMITTED)
    made.audio(b"\0" * 24_000)
    made.leave()
    made.audio(b"\0" * 24_000)
    assert made.begin().lost_audio_seconds == 2
    made.audio(b"\0" * 48_000)
    feed(made, COMMITTED)
    made.audio(b"\0" * 24_000)
    feed(made, {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u1", "transcript": "Hi"})
    made.leave()
    sent(made)
    assert made.begin().lost_audio_seconds == 0.5
    assert sent(made) == ["message", "response.create"]  # what was heard is answered


def test_long_sound_is_sent_in_pieces():
    made = conversation()
    made.audio(bytes(5 << 19))
    sizes = [len(base64.b64decode(event["audio"])) for event in made.outbox]
    assert sizes == [1 << 20, 1 << 20, 1 << 19]


def test_an_answer_that_had_said_nothing_is_asked_for_again():
    made = conversation()
    made.text("Hi")
    feed(made, created())
    made.leave()
    assert sent(made) == []
    made.begin()
    assert sent(made) == ["message", "response.create"]
    feed(made, created("r2"), delta("r2", "Hello"))
    made.leave()
    made.begin()
    assert sent(made) == ["message", "message"]  # half an answer was heard


def test_no_more_is_remembered_than_was_asked_for():
    made = conversation(remembered=3, history=(Turn("user", "one"), Turn("assistant", "two")))
    for word in ("three", "four"):
        made.text(word)
    assert [turn.text for turn in made.turns()] == ["two", "three", "four"]
    none = conversation(remembered=0)
    none.text("one")
    assert none.turns() == []


def test_sound_that_is_no_base64_is_an_error():
    for odd in ("?", "\ud800", {"a": 1}):
        with pytest.raises(APIResponseError):
            feed(conversation(), {"type": "response.audio.delta", "delta": odd})


def test_an_event_that_is_not_as_it_should_be_is_kept_whole():
    (event,) = feed(conversation(), {"type": "response.done", "response": [1], "event_id": 7})
    assert isinstance(event, UnknownEvent)
    assert (event.response, event.event_id) == ([1], 7)


# --- Anything, in any order ------------------------------------------------------------------------------------------

RESPONSES = st.sampled_from(["r1", "r2", "r3"])
CALLS = st.sampled_from(["c1", "c2", "c3", "c4"])
KNOWN = st.one_of(
    st.builds(created, RESPONSES),
    st.builds(delta, RESPONSES, st.text(max_size=3)),
    st.builds(sound, RESPONSES),
    st.builds(called, CALLS),
    st.builds(
        done,
        RESPONSES,
        st.sampled_from(["completed", "cancelled", "failed", "incomplete"]),
        st.builds(call, CALLS, st.sampled_from(["completed", "incomplete"])),
    ),
    st.builds(done, RESPONSES),
    st.sampled_from([STARTED, STOPPED, COMMITTED, ERROR, {"type": "input_audio_buffer.cleared"}]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
TYPES = st.sampled_from(
    ["response.done", "response.created", "error", "response.output_item.added", "x", "response.audio.delta"]
)
ODD = st.builds(
    lambda kind, rest: {**rest, "type": kind},
    TYPES,
    st.dictionaries(
        st.sampled_from(["response", "item", "error", "delta", "response_id", "call_id"]), JSON, max_size=3
    ),
)
VERBS = st.one_of(
    st.sampled_from([("respond",), ("cancel",), ("clear",), ("commit",), ("text", "Hi"), ("audio", b"\0\0")]),
    st.tuples(st.just("answer"), CALLS, st.just("out")),
)


@given(st.lists(KNOWN | VERBS, max_size=40))
def test_one_answer_is_asked_for_at_a_time_and_results_are_told_in_order(steps):
    made = conversation()
    log, order = [], []
    for step in steps:
        if isinstance(step, dict):
            told = made.receive(step)
            log.append(step["type"])
            order += [event.call_id for event in told if event.type == "response.function_call_arguments.done"]
        else:
            try:
                getattr(made, step[0])(*step[1:])
            except StepFunError:
                assert step[0] == "answer"
        for event in made.outbox:
            log.append(("told", event["item"]["call_id"]) if "output" in event.get("item", {}) else event["type"])
        made.outbox.clear()
    told = [one[1] for one in log if isinstance(one, tuple)]
    remaining = iter(order)
    assert all(one in remaining for one in told)  # in the order of the calls
    asked = [at for at, one in enumerate(log) if one == "response.create"]
    for first, second in pairwise(asked):
        assert {"response.done", "error"} & set(log[first:second])
    assert all(turn.text for turn in made.turns())


@given(st.lists(ODD | KNOWN, max_size=15))
def test_whatever_comes_nothing_but_an_error_of_ours_is_raised(events):
    made = conversation()
    for event in events:
        try:
            told = made.receive(event)
        except StepFunError:
            continue
        assert all(one.type for one in told)
        assert not [one for one in told if isinstance(one, AudioDelta) and one.response_id in made._over]
