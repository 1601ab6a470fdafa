"""Answers that are broken off (WIRE.md section 12)."""

from __future__ import annotations

import pytest

from stepfun_emulator.sound import utter

VAD = {"type": "server_vad"}
SILENCE = bytes(48_000)
LONG = "Count from 1 to 200"


def late_of(client, response_id):
    """What still comes of a response that is over."""
    client.send("input_audio_buffer.clear")
    *late, _ = client.until("input_audio_buffer.cleared")
    assert {one["type"] for one in late} <= {"response.audio.delta"}
    assert {one["response_id"] for one in late} <= {response_id}
    return late


@pytest.mark.parametrize("modalities", [["text", "audio"], ["text"]])
def test_a_cancelled_answer_ends_with_one_or_two_late_deltas_of_sound(slow, modalities):
    slow.update(modalities=modalities)
    slow.write(LONG)
    slow.send("response.create")
    delta = "response.audio.delta" if "audio" in modalities else "response.text.delta"
    events = [*slow.until(delta), *slow.until(delta), *slow.until(delta)]
    slow.send("response.cancel")
    events += slow.until("response.done")
    response = events[-1]["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert [one["type"] for one in events[-2:]] == ["response.output_item.done", "response.done"]
    (item,) = response["output"]
    spoken = "audio" in modalities
    told = "".join(
        one["delta"] for one in events if one["type"] in ("response.audio_transcript.delta", "response.text.delta")
    )
    assert item["status"] == "incomplete"
    assert item["content"][0]["transcript" if spoken else "text"] == told
    assert len(late_of(slow, response["id"])) == (2 if spoken else 0)
    slow.quiet()


def test_who_speaks_breaks_the_answer_off(slow):
    slow.update(turn_detection=VAD)
    slow.append(utter(LONG) + SILENCE)
    slow.until("response.audio.delta")
    slow.append(utter("What is 3 + 4?") + SILENCE)
    events = slow.until("conversation.item.input_audio_transcription.completed")
    names = [one["type"] for one in events]
    start, done = names.index("input_audio_buffer.speech_started"), names.index("response.done")
    assert names[start + 1 : done + 1] == ["response.output_item.done", "response.done"]
    cancelled = events[done]["response"]
    assert (cancelled["status"], cancelled["status_details"]["reason"]) == ("cancelled", "turn_detected")
    late = [one for one in events[done:] if one["type"] == "response.audio.delta"]
    assert 1 <= len(late) <= 2
    assert {one["response_id"] for one in late} == {cancelled["id"]}
    answer = slow.until("response.done")[-1]["response"]
    assert answer["output"][0]["content"][0]["transcript"] == "3 + 4 = 7"


def test_an_answer_may_be_cancelled_before_its_first_word(slow):
    slow.update()
    slow.write(LONG)
    slow.send("response.create")
    slow.send("response.cancel")
    response = slow.until("response.done")[-1]["response"]
    assert response["status"] == "cancelled"
    assert late_of(slow, response["id"]) == []
    slow.write("What is 1 + 1?")
    assert slow.respond()[-1]["response"]["status"] == "completed"


def test_a_call_that_is_cancelled_cannot_be_answered(slow, tool):
    slow.update(tools=[tool("note", "Write a note", text={"type": "string"})])
    slow.write(f"Write a note: “{'a long text ' * 30}”")
    slow.send("response.create")
    slow.until("response.function_call_arguments.delta")
    slow.send("response.cancel")
    (call,) = slow.until("response.done")[-1]["response"]["output"]
    assert call["status"] == "incomplete"
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
    assert "no function call" in slow.refused("conversation.item.create", "item.call_id", item=item)


def test_one_answer_at_a_time(slow):
    slow.update()
    slow.write(LONG)
    slow.send("response.create")
    slow.until("response.audio.delta")
    slow.send("response.create", event_id="second")
    while (event := slow.receive())["type"] != "error":
        assert event["type"].startswith("response.")
    assert (event["error"]["code"], event["error"]["event_id"]) == ("response_already_active", "second")
    slow.send("response.cancel")
    assert slow.until("response.done")[-1]["response"]["status"] == "cancelled"


def test_an_item_may_go_while_it_is_being_said(slow):
    slow.update()
    slow.write("What is 3 + 4?")
    slow.send("response.create")
    item = slow.until("response.output_item.added")[-1]["item"]
    slow.send("conversation.item.delete", item_id=item["id"])
    assert slow.until("response.done")[-1]["response"]["status"] == "completed"


def test_what_was_broken_off_is_not_asked_again(slow):
    slow.update(modalities=["text"])
    slow.write("My name is Ada.")
    slow.write("What is 5 + 5?")
    slow.send("response.create")
    slow.send("response.cancel")
    slow.until("response.done")
    slow.write("What is 1 + 1?")
    assert slow.respond()[-1]["response"]["output"][0]["content"][0]["text"] == "1 + 1 = 2"
