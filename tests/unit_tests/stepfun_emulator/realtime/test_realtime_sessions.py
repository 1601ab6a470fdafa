"""How long realtime sessions last, what they keep, and that they do not disturb each other (WIRE.md section 12)."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import tracemalloc
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import stepfun_emulator
from stepfun_emulator.catalogue import MODELS
from stepfun_emulator.realtime.session import Session
from stepfun_emulator.service import Service
from stepfun_emulator.sound import utter

VAD = {"type": "server_vad"}
SILENCE = bytes(48_000)


# --- Ends ------------------------------------------------------------------------------------------------------------


def test_a_session_ends_with_its_time(dial):
    with (
        stepfun_emulator.serving(session_seconds=0.4) as limited,
        dial(base_url=limited.base_url) as client,
    ):
        client.receive()
        began = time.monotonic()
        client.update()
        error = client.receive()
        assert 0.3 < time.monotonic() - began < 5
        assert (error["type"], error["error"]["code"]) == ("error", "session_expired")
        with pytest.raises(ConnectionClosed) as caught:
            client.receive()
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1000, "session limit of 0.4 seconds reached")
        assert limited.sessions[-1].closed == 1000


def test_an_answer_does_not_outlive_its_session(dial):
    with (
        stepfun_emulator.serving(session_seconds=0.4, delay=0.01) as limited,
        dial(base_url=limited.base_url) as client,
    ):
        client.receive()
        client.update()
        client.write("Count from 1 to 2000")
        client.send("response.create")
        while (event := client.receive())["type"] != "error":
            assert event["type"] != "response.done"
        assert event["error"]["code"] == "session_expired"


def test_who_says_nothing_is_closed_but_not_during_an_answer(dial):
    with (
        stepfun_emulator.serving(idle_seconds=0.3, delay=0.02) as impatient,
        dial(base_url=impatient.base_url) as client,
    ):
        client.receive()
        client.update()
        client.write("Count from 1 to 15")
        began = time.monotonic()
        client.respond()
        assert time.monotonic() - began > 0.4
        with pytest.raises(ConnectionClosed) as caught:
            client.receive()
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1000, "idle for 0.3 seconds")


@pytest.mark.parametrize(
    ("fault", "after", "code"), [("cut-websocket", 4, None), ("close-websocket", 7, 1011), ("close-websocket", 0, 1011)]
)
def test_the_faults_of_websockets_befall_it(dial, fault, after, code):
    with dial(**{"x-emulator-fault": fault, "x-emulator-after": str(after)}) as client:
        with suppress(ConnectionClosed):
            client.send("session.update", session={"turn_detection": VAD})
            client.append(utter("What is 1 + 1?") + SILENCE)
        for _ in range(after):
            client.receive()
        with pytest.raises(ConnectionClosed) as caught:
            client.receive()
        assert code == (None if caught.value.rcvd is None else caught.value.rcvd.code)


def test_a_stalled_socket_is_silent(dial):
    with dial(**{"x-emulator-fault": "stall-websocket", "x-emulator-after": "2"}) as client:
        client.receive()
        client.update()
        client.send("session.update", session={})
        with pytest.raises(TimeoutError):
            client.socket.recv(timeout=0.3)


def test_a_client_that_goes_during_an_answer_leaves_nothing_behind(dial, slow_emulator):
    with dial(base_url=slow_emulator.base_url) as client:
        client.receive()
        client.update()
        client.write("Count from 1 to 500")
        client.send("response.create")
        client.until("response.audio.delta")
    for _ in range(100):
        if slow_emulator.open_streams == 0:
            break
        time.sleep(0.05)
    assert slow_emulator.open_streams == 0
    assert slow_emulator.sessions[-1].closed is not None


def test_the_journal_has_the_events_without_the_sound(dial, emulator):
    with dial() as client:
        client.receive()
        client.update(turn_detection=VAD)
        client.say("What is 1 + 1?")
    session = emulator.sessions[-1]
    assert (session.path, session.query) == ("/v1/realtime", {"model": "stepaudio-2.5-realtime"})
    assert "authorization" not in session.headers
    assert session.received[-1]["audio"].endswith("characters of base64>")
    sounds = [one["delta"] for one in session.sent if one["type"] == "response.audio.delta"]
    assert sounds
    assert all(one.endswith("characters of base64>") for one in sounds)


# --- Many and long ones ----------------------------------------------------------------------------------------------


def test_ten_sessions_at_once_keep_to_themselves(slow_emulator):
    url = slow_emulator.base_url.replace("http://", "ws://") + "/realtime?model=stepaudio-2.5-realtime"

    async def converse(number: int) -> list[str]:
        answers: list[str] = []
        async with connect(url, additional_headers={"authorization": "Bearer test"}, max_size=None) as socket:
            await socket.send(json.dumps({"type": "session.update", "session": {"turn_detection": VAD}}))
            for question in (f"My name is User{number}.", "What is my name?", f"What is {number} + 1?"):
                audio = base64.b64encode(utter(question) + SILENCE).decode()
                await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
                while (event := json.loads(await socket.recv()))["type"] != "response.done":
                    assert event["type"] != "error"
                answers.append(event["response"]["output"][0]["content"][0]["transcript"])
        return answers[1:]

    async def all_of_them() -> list[list[str]]:
        return await asyncio.gather(*(converse(number) for number in range(10)))

    for number, answers in enumerate(asyncio.run(all_of_them())):
        assert answers == [f"Your name is User{number}.", f"{number} + 1 = {number + 1}"]


@pytest.mark.parametrize("turns", [VAD, None])
def test_ten_minutes_of_talking_keep_no_sound(turns):
    session = Session("one", MODELS["stepaudio-2.5-realtime"], Service())
    for _ in session.receive({"type": "session.update", "session": {"turn_detection": turns}}):
        pass
    samples = utter("What is 3 + 4?") + 8 * SILENCE
    event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(samples).decode()}
    seconds = len(samples) / 48_000

    def talk(rounds: int) -> int:
        done = 0
        for _ in range(rounds):
            for _ in session.receive(event):
                pass
            if turns is None:
                continue  # one turn of ten minutes
            while (answer := session.step()) is not None:
                done += answer["type"] == "response.done"
        return done

    talk(2)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    rounds = round(600 / seconds)
    assert talk(rounds) == (0 if turns is None else rounds)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert kept < 2**20
