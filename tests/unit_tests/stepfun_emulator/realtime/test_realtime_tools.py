"""Functions and server tools in a realtime conversation (WIRE.md section 12)."""

from __future__ import annotations

import json

import pytest

from stepfun_emulator.sound import utter

VAD = {"type": "server_vad"}
SILENCE = bytes(48_000)


@pytest.fixture
def weather(tool):
    return tool("get_weather", "Get the weather of a city", city={"type": "string", "description": "The city"})


def calls_of(events):
    return [one["item"] for one in events if one["type"] == "response.output_item.done"]


def answer(client, call, output):
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    return client.ask("conversation.item.create", item=item)


def said(events):
    return events[-1]["response"]["output"][-1]["content"][0].get("transcript")


def test_a_call_and_its_answer(client, types, weather):
    client.update(tools=[weather], turn_detection=VAD)
    events = client.say("What is the weather in Paris?")[5:]
    assert types(events) == [
        "response.created", "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done", "response.done",
    ]  # fmt: skip
    (call,) = calls_of(events)
    assert list(call) == ["id", "object", "type", "status", "call_id", "name", "arguments"]
    assert (call["type"], call["status"], call["name"]) == ("function_call", "completed", "get_weather")
    assert json.loads(call["arguments"]) == {"city": "Paris"}
    assert {**events[1]["item"], "status": "completed", "arguments": call["arguments"]} == call
    deltas = [one["delta"] for one in events if one["type"].endswith("arguments.delta")]
    assert "".join(deltas) == call["arguments"]
    done = next(one for one in events if one["type"].endswith("arguments.done"))
    assert (done["call_id"], done["name"], done["arguments"]) == (call["call_id"], "get_weather", call["arguments"])
    assert (events[-1]["response"]["status"], events[-1]["response"]["output"]) == ("completed", [call])
    client.quiet()  # it waits

    created = answer(client, call, "18 degrees")
    item = created["item"]
    assert (created["type"], item["call_id"], item["output"]) == (
        "conversation.item.created", call["call_id"], "18 degrees",
    )  # fmt: skip
    client.quiet()
    assert "18 degrees" in said(client.respond())


def test_several_calls_in_one_response(client, weather):
    client.update(tools=[weather])
    client.write("What is the weather in Paris and London?")
    events = client.respond()
    calls = calls_of(events)
    assert [json.loads(call["arguments"])["city"] for call in calls] == ["Paris", "London"]
    assert calls[0]["call_id"] != calls[1]["call_id"]
    done = [one["output_index"] for one in events if one["type"] == "response.output_item.done"]
    assert done == [0, 1]
    answer(client, calls[1], "rain in London")
    answer(client, calls[0], "sun in Paris")
    spoken = said(client.respond())
    assert "rain in London" in spoken
    assert "sun in Paris" in spoken


def test_a_result_that_comes_after_the_user_went_on_is_still_told(client, weather):
    client.update(tools=[weather], turn_detection=VAD)
    (call,) = calls_of(client.say("What is the weather in Paris?"))
    assert said(client.say("What is 3 + 4?")) == "3 + 4 = 7"
    answer(client, call, "18 degrees")
    told = said(client.respond())
    assert "18 degrees" in told
    assert "7" not in told
    assert said(client.say("What is 1 + 1?")) == "1 + 1 = 2"


def test_calls_that_are_deleted_have_no_answers(client, weather):
    client.update(tools=[weather])
    client.write("What is the weather in Paris?")
    (call,) = calls_of(client.respond())
    answer(client, call, "18 degrees")
    client.ask("conversation.item.delete", item_id=call["id"])
    client.write("What is 1 + 1?")
    assert said(client.respond()) == "1 + 1 = 2"
    assert "no function call" not in client.refused(
        "conversation.item.create",
        "item.call_id",
        item={"type": "function_call_output", "call_id": call["call_id"], "output": ""},
    )


def test_the_service_searches_by_itself(client, types):
    client.update(tools=[{"type": "web_search", "function": {"description": "the web"}}], modalities=["text"])
    client.write("What is the latest news about Mars?")
    events = client.respond()
    assert "response.function_call_arguments.delta" not in types(events)
    assert "search.stepfun-emulator.invalid" in events[-1]["response"]["output"][0]["content"][0]["text"]


def test_the_service_looks_into_a_store_by_itself(client, http):
    store = http.post("/vector_stores", json={"name": "shop", "type": "text"}).json()["id"]
    file = http.post("/files", data={"purpose": "retrieval-text"},
                     files={"file": ("hours.txt", b"The shop opens at nine o'clock.")}).json()["id"]  # fmt: skip
    http.post(f"/vector_stores/{store}/files", json={"files": [{"file_id": file}]})
    for _ in range(3):  # it is parsed meanwhile
        http.get(f"/vector_stores/{store}/files")
        http.get(f"/files/{file}")
    options = {"vector_store_id": store, "prompt_template": "{{knowledge}} {{query}}"}
    retrieval = {"type": "retrieval", "function": {"name": "shop", "description": "the shop", "options": options}}
    client.update(tools=[retrieval], modalities=["text"])
    client.write("When does the shop open?")
    assert "nine o'clock" in client.respond()[-1]["response"]["output"][0]["content"][0]["text"]


def test_a_model_without_tools_refuses_them(dial, weather):
    with dial("step-audio-r1.1") as client:
        client.receive()
        assert "does not support tools" in client.refused(
            "session.update", "session.tools", session={"tools": [weather]}
        )


def test_a_spoken_turn_replaces_the_answer_asked_for_meanwhile(slow, weather):
    slow.update(tools=[weather], turn_detection=VAD)
    (call,) = calls_of(slow.say("What is the weather in Paris?"))
    slow.append(utter("What is 3 + 4?"))
    slow.until("input_audio_buffer.speech_started")
    answer(slow, call, "18 degrees, and it will not rain, and there is no wind, for as long as anybody can tell.")
    slow.send("response.create")
    slow.until("response.audio.delta")
    slow.append(SILENCE)
    first = slow.until("response.done")[-1]["response"]
    assert (first["status"], first["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert said(slow.until("response.done")) == "3 + 4 = 7"
