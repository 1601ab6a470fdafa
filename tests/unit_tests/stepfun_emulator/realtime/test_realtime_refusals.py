"""What the realtime socket refuses, and that it goes on talking (WIRE.md sections 2 and 12)."""

from __future__ import annotations

import base64
import sys

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import stepfun_emulator

MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
LARGEST = 15 * 1024 * 1024


@pytest.mark.parametrize(
    ("session", "param"),
    [
        (None, "session"),
        ([], "session"),
        ({"temperature": 1}, "session.temperature"),
        ({"modalities": []}, "session.modalities"),
        ({"modalities": ["audio"]}, "session.modalities"),
        ({"modalities": ["text", "video"]}, "session.modalities"),
        ({"modalities": "text"}, "session.modalities"),
        ({"instructions": 1}, "session.instructions"),
        ({"voice": "nobody"}, "session.voice"),
        ({"input_audio_format": "g711"}, "session.input_audio_format"),
        ({"output_audio_format": "mp3"}, "session.output_audio_format"),
        ({"turn_detection": {}}, "session.turn_detection.type"),
        ({"turn_detection": {"type": "semantic_vad"}}, "session.turn_detection.type"),
        ({"turn_detection": "server_vad"}, "session.turn_detection"),
        ({"turn_detection": {"type": "server_vad", "threshold": 0.5}}, "session.turn_detection.threshold"),
        *(
            ({"turn_detection": {"type": "server_vad", name: value}}, f"session.turn_detection.{name}")
            for name, value in (
                ("prefix_padding_ms", -1),
                ("silence_duration_ms", 0.5),
                ("energy_awakeness_threshold", 5001),
            )
        ),
        ({"tools": {}}, "session.tools"),
        ({"tools": [{"type": "function", "name": "flat"}]}, "session.tools[0].function"),
        ({"tools": [{"type": "browser"}]}, "session.tools[0].type"),
    ],
)
def test_settings_that_are_wrong_change_nothing(client, session, param):
    before = client.update(voice="cixingnansheng")
    client.refused("session.update", param, session=session)
    assert client.update() == before


@pytest.mark.parametrize(
    ("type_", "fields", "param"),
    [
        ("response.creat", {}, "type"),
        ("session.update", {"session": {}, "model": "other"}, "model"),
        ("input_audio_buffer.append", {}, "audio"),
        ("input_audio_buffer.append", {"audio": "not base64"}, "audio"),
        ("input_audio_buffer.commit", {}, "type"),
        ("input_audio_buffer.clear", {"all": True}, "all"),
        ("conversation.item.delete", {}, "item_id"),
        ("conversation.item.delete", {"item_id": "item_none"}, "item_id"),
        ("response.create", {"response": {}}, "response"),
        ("response.cancel", {}, "type"),
    ],
)
def test_events_that_are_wrong(client, type_, fields, param):
    client.update()
    client.refused(type_, param, **fields)
    client.update()


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (None, "item.type"),
        ({"type": "function_call", "call_id": "x"}, "item.type"),
        ({**MESSAGE, "status": "completed"}, "item.status"),
        ({**MESSAGE, "role": "tool"}, "item.role"),
        ({**MESSAGE, "content": "Hi"}, "item.content"),
        ({**MESSAGE, "content": []}, "item.content"),
        ({**MESSAGE, "content": ["Hi"]}, "item.content[0]"),
        ({**MESSAGE, "content": [{"type": "text", "text": "Hi"}]}, "item.content[0].type"),
        ({**MESSAGE, "role": "assistant"}, "item.content[0].type"),
        ({**MESSAGE, "content": [{"type": "input_text"}]}, "item.content[0].text"),
        ({**MESSAGE, "content": [{"type": "input_audio", "audio": "?"}]}, "item.content[0].audio"),
        ({**MESSAGE, "id": "taken"}, "item.id"),
        ({"type": "function_call_output", "call_id": "call_none", "output": "1"}, "item.call_id"),
        ({"type": "function_call_output", "output": "1"}, "item.call_id"),
    ],
)
def test_items_that_are_wrong(client, item, param):
    client.ask("conversation.item.create", item={**MESSAGE, "id": "taken"})
    client.refused("conversation.item.create", param, item=item)


def test_a_call_is_answered_once(client, tool):
    client.update(tools=[tool("roll_dice", "Roll the dice")])
    client.write("Please roll dice")
    call_id = client.respond()[-1]["response"]["output"][0]["call_id"]
    item = {"type": "function_call_output", "call_id": call_id}
    client.refused("conversation.item.create", "item.output", item=item)
    assert client.ask("conversation.item.create", item={**item, "output": ""})["type"] == "conversation.item.created"
    assert "already" in client.refused("conversation.item.create", "item.call_id", item={**item, "output": "2"})


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"no": "type"}', '{"type": 1}'])
def test_what_is_no_event_is_refused(client, text):
    client.socket.send(text)
    assert client.receive()["type"] == "error"
    client.update()


def test_an_event_id_must_be_a_string(client):
    answer = client.ask("session.update", event_id=7, session={})
    assert (answer["error"]["param"], answer["error"]["event_id"]) == ("event_id", 7)


def test_an_append_has_at_most_15_megabytes(client):
    client.update()
    client.append(bytes(LARGEST))
    client.quiet()
    client.refused("input_audio_buffer.append", "audio", audio=base64.b64encode(bytes(LARGEST + 1)).decode())
    client.quiet()


def test_moderation_fails_the_response_and_not_the_session(client):
    client.update()
    created = client.write("This is censored-by-emulator")
    events = client.respond()
    assert [one["type"] for one in events] == ["response.created", "response.done"]
    response = events[-1]["response"]
    assert (response["status"], response["output"]) == ("failed", [])
    assert response["status_details"]["error"]["type"] == "censorship_blocked"
    client.ask("conversation.item.delete", item_id=created["item"]["id"])
    client.write("What is 1 + 1?")
    assert client.respond()[-1]["response"]["status"] == "completed"


def test_a_failure_in_the_middle_ends_the_item_too(client, monkeypatch):
    def refuse(text):
        raise stepfun_emulator.errors.Refusal(400, "request_params_invalid", "no voice today")

    monkeypatch.setattr("stepfun_emulator.sound.utter", refuse)
    client.update()
    client.write("Hello")
    item, done = client.respond()[-2:]
    assert (item["type"], item["item"]["status"]) == ("response.output_item.done", "incomplete")
    assert (done["response"]["status"], done["response"]["status_details"]["error"]["message"]) == (
        "failed", "no voice today",
    )  # fmt: skip
    client.quiet()


def test_lenient_ignores_what_is_not_documented(dial):
    with (
        stepfun_emulator.running(lenient=True) as base_url,
        dial(base_url=base_url) as client,
    ):
        client.receive()
        assert "temperature" not in client.update(temperature=1)
        client.send("response.create", response={"modalities": ["text"]})
        assert client.until("response.done")


# --- The handshake ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "key", "status", "kind"),
    [
        ("", "test", 400, "request_params_invalid"),
        ("step-3.7-flash", "test", 400, "request_params_invalid"),
        ("stepaudio-2.5-tts", "test", 400, "request_params_invalid"),
        ("step-99", "test", 404, "model_invalid"),
        ("stepaudio-2.5-realtime", "invalid", 401, "invalid_api_key"),
        ("stepaudio-2.5-realtime", "broke", 402, "quota_exceeded"),
    ],
)
def test_a_handshake_is_refused_over_http(emulator, model, key, status, kind):
    url = emulator.base_url.replace("http://", "ws://") + f"/realtime?model={model}"
    with pytest.raises(InvalidStatus) as caught:
        connect(url, additional_headers={"authorization": f"Bearer {key}"})
    response = caught.value.response
    assert (response.status_code, kind in response.body.decode()) == (status, True)
    assert len(response.headers["x-trace-id"]) == 32


@pytest.mark.parametrize(
    "model",
    [
        "stepaudio-2.5-realtime", "stepaudio-3-realtime-preview", "step-audio-2", "step-audio-2-mini", "step-1o-audio",
        "step-audio-r1.1",
    ],
)  # fmt: skip
def test_these_models_converse(dial, model):
    with dial(model) as client:
        assert client.receive()["session"]["model"] == model


def test_without_numpy_the_session_says_what_to_install(client, monkeypatch):
    monkeypatch.setitem(sys.modules, "stepfun_emulator.sound.energy", None)
    monkeypatch.delattr("stepfun_emulator.sound.energy", raising=False)
    assert "pip install" in client.refused("session.update", None, session={})
