"""The events of a realtime conversation, in their order (WIRE.md section 12)."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_emulator.realtime.voicing import pieces_of, words_of
from stepfun_emulator.sound import utter

RATE = 24_000
SILENCE = bytes(2 * RATE)
VAD = {"type": "server_vad", "prefix_padding_ms": 100, "silence_duration_ms": 500, "energy_awakeness_threshold": 500}
COMPLETED = "conversation.item.input_audio_transcription.completed"
COMMITTED = ["input_audio_buffer.committed", "conversation.item.created", COMPLETED]
SPOKEN = [
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


def joined(events, type_):
    return "".join(one["delta"] for one in events if one["type"] == type_)


# --- Settings --------------------------------------------------------------------------------------------------------


def test_a_session_states_its_settings(client):
    first = client.update()
    assert {**first, "id": ""} == {
        "id": "",
        "object": "realtime.session",
        "model": "stepaudio-2.5-realtime",
        "modalities": ["text", "audio"],
        "instructions": "",
        "voice": "linjiajiejie",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "turn_detection": None,
        "tools": [],
    }
    search = {"type": "web_search", "function": {"description": "the web"}}
    second = client.update(turn_detection=VAD, voice="cixingnansheng", tools=[search], instructions="Be kind.")
    assert second["turn_detection"] == VAD
    assert (second["id"], second["voice"], second["tools"]) == (first["id"], "cixingnansheng", [search])
    third = client.update(turn_detection=None, tools=[])
    assert (third["turn_detection"], third["tools"], third["instructions"]) == (None, [], "Be kind.")


def test_the_seeds_first_words_are_understood(dial, emulator):
    with dial(base_url=emulator.plan_url) as client:
        client.receive()
        session = {
            "modalities": ["text", "audio"],
            "instructions": "你是有耐心的陪伴搭子,回答自然、温暖、有人情味",
            "voice": "linjiajiejie",
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
        }
        answer = client.ask("session.update", event_id="event_001", session=session)
        assert answer["type"] == "session.updated"
        assert session.items() <= answer["session"].items()


def test_sound_before_session_updated_is_an_error(client):
    audio = base64.b64encode(SILENCE).decode()
    assert "session.update" in client.refused("input_audio_buffer.append", "type", audio=audio)
    client.update()
    client.append(SILENCE)
    client.quiet()


# --- Turns -----------------------------------------------------------------------------------------------------------


def test_the_client_ends_its_turn_where_none_are_detected(client, types, understood):
    client.update(turn_detection=None)
    speech = utter("What is 3 + 4?")
    for at in range(0, len(speech), 4801):  # portions end anywhere, inside a sample too
        client.append(speech[at : at + 4801])
    client.send("input_audio_buffer.commit")
    committed, created, completed = client.until(COMPLETED)
    item_id = committed["item_id"]
    assert committed["previous_item_id"] is None
    assert created["item"] == {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    assert (completed["item_id"], completed["content_index"]) == (item_id, 0)
    assert completed["transcript"] == "What is 3 + 4?"
    client.quiet()  # nobody answers before response.create
    events = client.respond()
    assert types(events) == SPOKEN
    assert understood(events) == joined(events, "response.audio_transcript.delta") == "3 + 4 = 7"


def test_an_answer_is_shown_whole_and_in_pieces(client):
    client.update()
    client.write("What is 3 + 4?")
    events = {one["type"]: one for one in client.respond()}
    response, item = events["response.done"]["response"], events["response.output_item.done"]["item"]
    assert events["response.created"]["response"] == {
        "id": response["id"], "object": "realtime.response", "status": "in_progress", "output": [], "usage": None,
    }  # fmt: skip
    assert (response["status"], response["output"]) == ("completed", [item])
    content = [{"type": "audio", "transcript": "3 + 4 = 7"}]
    assert (item["role"], item["status"], item["content"]) == ("assistant", "completed", content)
    added = events["response.output_item.added"]["item"]
    assert (added["id"], added["status"], added["content"]) == (item["id"], "in_progress", [])
    place = {"response_id": response["id"], "item_id": item["id"], "output_index": 0, "content_index": 0}
    for name in ("content_part.added", "audio_transcript.delta", "audio.delta", "audio.done", "content_part.done"):
        assert place.items() <= events[f"response.{name}"].items()
    assert events["response.content_part.added"]["part"] == {"type": "audio", "transcript": ""}
    assert events["response.content_part.done"]["part"] == content[0]
    assert events["response.audio_transcript.done"]["transcript"] == "3 + 4 = 7"
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_token_details"]["text_tokens"] > 0
    assert usage["output_token_details"]["audio_tokens"] > 25


def test_the_service_takes_turns_by_the_energy_of_the_samples(client, types, understood):
    client.update(turn_detection=VAD)
    speech = SILENCE + utter("What is 3 + 4? Tell me.") + SILENCE
    for at in range(0, len(speech), 960):
        client.append(speech[at : at + 960])
    events = client.until("response.done")
    edges = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
    assert types(events) == [*edges, *COMMITTED, *SPOKEN]
    started, stopped, committed = events[:3]
    assert started["item_id"] == stopped["item_id"] == committed["item_id"]
    assert started["audio_start_ms"] == pytest.approx(1000 + 50 - 100, abs=20)  # the lead, the padding
    assert stopped["audio_end_ms"] == pytest.approx(len(speech) / 48 - 1000 - 400, abs=40)
    assert events[4]["transcript"] == "What is 3 + 4? Tell me."
    assert understood(events) == "3 + 4 = 7"


def test_silence_says_nothing(client):
    client.update(turn_detection=VAD)
    client.append(5 * SILENCE)
    client.quiet()
    assert "empty" in client.refused("input_audio_buffer.commit", "type")
    client.update(turn_detection=None)
    client.append(SILENCE)
    client.send("input_audio_buffer.commit")
    assert client.until(COMPLETED)[-1]["transcript"] == ""


def test_other_peoples_voices_are_not_made_up(client):
    noise = (np.random.default_rng(3).normal(0, 4000, RATE)).astype("<i2").tobytes()
    client.update(turn_detection=VAD)
    client.append(noise + SILENCE)
    events = client.until("response.done")
    assert "hears only its own speech" in events[4]["transcript"]


def test_quiet_speech_is_not_noticed_where_the_threshold_is_high(client):
    client.update(turn_detection={**VAD, "energy_awakeness_threshold": 5000})
    client.append(utter("Hello.", volume=0.2) + SILENCE)
    client.quiet()
    client.update(turn_detection={**VAD, "energy_awakeness_threshold": 0})
    client.append(utter("What is 1 + 1?", volume=0.2) + SILENCE)
    assert client.until("response.done")[4]["transcript"] == "What is 1 + 1?"


def test_positions_count_from_the_first_sample_of_the_session(client):
    client.update()
    client.append(3 * SILENCE)
    client.send("input_audio_buffer.commit")
    client.until(COMPLETED)
    client.update(turn_detection={"type": "server_vad", "prefix_padding_ms": 0})
    assert client.say("What is 1 + 1?")[0]["audio_start_ms"] == pytest.approx(3050, abs=20)


def test_the_client_may_end_a_turn_early_where_turns_are_detected(client):
    client.update(turn_detection={**VAD, "silence_duration_ms": 5000})
    client.append(utter("What is 1 + 1?"))
    client.send("input_audio_buffer.commit")
    events = client.until("response.done")
    assert [one["type"] for one in events[:5]] == [
        "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", *COMMITTED,
    ]  # fmt: skip


@pytest.mark.parametrize("turns", [None, VAD])
def test_cleared_sound_was_never_said(client, turns):
    client.update(turn_detection=turns)
    client.append(utter("What is 5 + 5?"))
    client.send("input_audio_buffer.clear")
    assert client.until("input_audio_buffer.cleared")
    client.append(SILENCE)
    if turns is None:
        client.append(utter("What is 1 + 1?"))
        client.send("input_audio_buffer.commit")
        assert client.until(COMPLETED)[-1]["transcript"] == "What is 1 + 1?"
    else:
        client.quiet()
        assert client.say("What is 1 + 1?")[4]["transcript"] == "What is 1 + 1?"


# --- What is said ----------------------------------------------------------------------------------------------------


def test_two_turns_keep_their_history(client, understood):
    client.update(turn_detection=VAD)
    first = client.say("My name is Ada.")
    second = client.say("What is my name?")
    assert understood(second) == "Your name is Ada."
    answer = next(one["item"] for one in first if one["type"] == "response.output_item.done")
    assert second[2]["previous_item_id"] == answer["id"]


def test_instructions_come_first(client):
    known = "The city museum closes at five. The library is open on Sundays. The park has a lake."
    client.update(instructions=known, modalities=["text"])
    client.write("When is it that the city museum closes?")
    assert joined(client.respond(), "response.text.delta") == "The city museum closes at five."


def test_answers_in_writing(client, types):
    client.update(modalities=["text"])
    client.write("What is 3 + 4?")
    events = client.respond()
    assert types(events) == [
        "response.created", "response.output_item.added", "response.content_part.added", "response.text.delta",
        "response.text.done", "response.content_part.done", "response.output_item.done", "response.done",
    ]  # fmt: skip
    assert joined(events, "response.text.delta") == events[-4]["text"] == "3 + 4 = 7"
    assert events[2]["part"] == {"type": "text", "text": ""}
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "text", "text": "3 + 4 = 7"}]


def test_only_a_model_that_reasons_tells_its_thoughts(dial, types):
    with dial("step-audio-r1.1") as client:
        client.receive()
        client.update()
        client.write("What is 3 + 4?")
        events = client.respond()
        thinking = ["response.thinking.delta", "response.thinking.done"]
        assert types(events) == [*SPOKEN[:2], *thinking, *SPOKEN[2:]]
        thought = joined(events, thinking[0])
        assert "What is 3 + 4?" in thought
        assert next(one for one in events if one["type"] == thinking[1])["thinking"] == thought


def test_items_may_be_put_in_and_taken_out(client):
    client.update()
    told = [{"type": "input_text", "text": "My name is Ada."}]
    created = client.ask(
        "conversation.item.create", item={"id": "name", "type": "message", "role": "user", "content": told}
    )
    assert (created["item"]["id"], created["item"]["content"]) == ("name", told)
    spoken = {"type": "input_audio", "audio": base64.b64encode(utter("What is my name?")).decode()}
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": [spoken]})
    asked, completed = client.until(COMPLETED)
    assert (asked["previous_item_id"], completed["transcript"]) == ("name", "What is my name?")
    assert client.respond()[-1]["response"]["output"][0]["content"][0]["transcript"] == "Your name is Ada."
    deleted = client.ask("conversation.item.delete", item_id="name")
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "name")
    client.write("What is my name?")
    assert "Ada" not in client.respond()[-1]["response"]["output"][0]["content"][0]["transcript"]


def test_a_conversation_may_be_told_again(client):
    client.update()
    for role, kind, text in (("system", "input_text", "Be kind."), ("user", "input_text", "My name is Ada."),
                             ("assistant", "text", "Hello, Ada.")):  # fmt: skip
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        assert client.ask("conversation.item.create", item=item)["item"]["role"] == role
    client.append(utter("What is my name?"))
    client.send("input_audio_buffer.commit")
    client.until(COMPLETED)
    assert client.respond()[-1]["response"]["output"][0]["content"][0]["transcript"] == "Your name is Ada."


@given(st.text())
def test_pieces_of_speech_carry_every_word_once(text):
    assert "".join(words_of(text)) == text


@pytest.mark.parametrize("text", ["", "你好，世界！很高兴。", "One two. " * 30, "a" * 500])
def test_pieces_of_speech_are_short(text):
    pieces = list(pieces_of(text))
    assert "".join(piece.words for piece in pieces) == text
    assert all(0 < len(piece.sound) <= 7200 for piece in pieces)
