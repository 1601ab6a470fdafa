"""Media: blocks from files, uploads for the time of an answer, spoken answers."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage

import stepfun_client
import stepfun_emulator
from demo.picture import BLUE, RED, bar_chart
from langchain_stepfun import audio_block, image_block, video_block
from langchain_stepfun.errors import ChatInvalidParameterError
from tests.unit_tests.langchain_stepfun.answers import ANSWERS
from tests.unit_tests.langchain_stepfun.conftest import STREAMED, V3, WHOLE
from tests.unit_tests.langchain_stepfun.test_connections import soon_async

DATA = Path(__file__).parents[2] / "data"
PNG = bar_chart([(RED, 1), (BLUE, 2)], width=60, height=60)
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
WAV = (DATA / "tone.wav").read_bytes()


@pytest.fixture
def emulator():
    """An emulator of its own, which remembers all that one test sent."""
    with stepfun_emulator.serving() as served:
        yield served


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- Blocks from files -----------------------------------------------------------------------------------------------

JPG = {"type": "image", "base64": encoded((DATA / "meadow.jpg").read_bytes()), "mime_type": "image/jpeg"}
PICTURE = {"type": "image", "base64": encoded(PNG), "mime_type": "image/png"}
SOUND = {"type": "audio", "base64": encoded(WAV), "mime_type": "audio/wav"}
FILM = {"type": "video", "base64": encoded(MP4), "mime_type": "video/mp4"}
URL = "https://example.com/a.png"


@pytest.mark.parametrize(
    ("make", "source", "block"),
    [
        (image_block, lambda: DATA / "meadow.jpg", JPG),
        (image_block, lambda: PNG, PICTURE),
        (image_block, lambda: io.BytesIO(PNG), PICTURE),
        (image_block, lambda: f"data:image/png;base64,{encoded(PNG)}", PICTURE),
        (image_block, lambda: URL, {"type": "image", "url": URL}),
        (image_block, lambda: "stepfile://file-1", {"type": "image", "file_id": "file-1"}),
        (video_block, lambda: MP4, FILM),
        (video_block, lambda: "https://example.com/a.mp4", {"type": "video", "url": "https://example.com/a.mp4"}),
        (video_block, lambda: "stepfile://file-1", {"type": "video", "file_id": "file-1"}),
        (audio_block, lambda: DATA / "tone.wav", SOUND),
        (audio_block, lambda: WAV, SOUND),
    ],
    ids=[
        *("path", "bytes", "open file", "data URI", "URL", "file id"),
        *("video bytes", "video URL", "video file id", "audio path", "audio bytes"),
    ],
)
def test_a_block_is_what_the_source_holds_and_goes_to_stepfun(wire, make, source, block) -> None:
    made = make(source())

    assert made == block
    wire.chat().invoke([HumanMessage([made, {"type": "text", "text": "What is it?"}])])
    assert wire.messages[0]["content"][0]["type"] in ("image_url", "video_url", "input_audio")


def test_a_detail_rides_in_the_extras(wire) -> None:
    block = image_block(PNG, detail="high")

    assert block == {**PICTURE, "extras": {"detail": "high"}}
    wire.chat().invoke([HumanMessage([block])])
    assert wire.messages[0]["content"][0]["image_url"]["detail"] == "high"


@pytest.mark.parametrize(
    ("make", "source", "why"),
    [
        (image_block, WAV, "wav"),
        (video_block, PNG, "Send it as a picture"),
        (audio_block, "https://example.com/a.wav", "not by URL"),
        (image_block, Path("/no/such/file.png"), "no/such/file.png"),
    ],
    ids=["sound as a picture", "picture as a video", "sound by URL", "no file"],
)
def test_what_is_no_such_file_is_refused(make, source, why) -> None:
    with pytest.raises((ChatInvalidParameterError, FileNotFoundError), match=why):
        make(source)


# --- Uploads ---------------------------------------------------------------------------------------------------------

ASKED = [HumanMessage([image_block(PNG), {"type": "text", "text": "Which bar is the tallest?"}])]
WAYS = {**WHOLE, **STREAMED, **V3}


def methods(emulator) -> list[str]:
    """What was sent to the service: a file, the question, the file's deletion."""
    return [request.method for request in emulator.requests]


@pytest.mark.parametrize("way", WAYS)
async def test_a_large_picture_is_uploaded_for_the_time_of_the_answer(emulator, chat, way) -> None:
    reply = await WAYS[way](chat(upload_above=10), ASKED)

    asked = next(request for request in emulator.requests if request.path.endswith("/completions"))
    assert "blue" in reply.text
    assert asked.body["messages"][0]["content"][0]["image_url"]["url"].startswith("stepfile://")
    assert methods(emulator) == ["POST", "POST", "DELETE"]
    assert ASKED[0].content[0] == PICTURE  # the caller's messages stay as they are


@pytest.mark.parametrize("way", WAYS)
async def test_a_file_is_deleted_when_the_answer_fails(emulator, chat, way) -> None:
    blocked = [HumanMessage([image_block(PNG), {"type": "text", "text": "Say censored-by-emulator"}])]

    with pytest.raises(stepfun_client.ContentModerationError):
        await WAYS[way](chat(upload_above=10), blocked)

    assert methods(emulator) == ["POST", "POST", "DELETE"]


@pytest.mark.parametrize("way", STREAMED)
async def test_a_file_is_deleted_when_a_stream_is_left(emulator, chat, way) -> None:
    model = chat(upload_above=10)

    if way == "stream":
        stream = model.stream(ASKED)
        next(stream)
        stream.close()
    else:
        stream = model.astream(ASKED)
        await anext(stream)
        await stream.aclose()

    # langchain-core leaves closing the inner asynchronous stream to the event loop
    assert await soon_async(lambda: methods(emulator) == ["POST", "POST", "DELETE"])


async def test_a_small_picture_is_sent_along(ask_whole, emulator, chat) -> None:
    await ask_whole(chat(upload_above=1_000_000), ASKED)

    assert methods(emulator) == ["POST"]


# --- Spoken answers --------------------------------------------------------------------------------------------------

SPEAKS = {"model": "step-audio-2", "modalities": ["text", "audio"], "audio": {"voice": "wenrounansheng"}}


@pytest.mark.parametrize(("ways", "kind"), [(WHOLE, "audio/wav"), (STREAMED, "audio/pcm"), (V3, "audio/pcm")])
async def test_a_spoken_answer_is_words_and_sound_with_its_type(chat, ways, kind) -> None:
    for ask in ways.values():
        reply = await ask(chat(**SPEAKS), "Say hello")

        text, sound = reply.content_blocks
        assert text["text"] == reply.text
        assert reply.text.startswith("Hello!")
        assert (sound["type"], sound["mime_type"]) == ("audio", kind)
        assert (base64.b64decode(sound["base64"], validate=True)[:4] == b"RIFF") is (kind == "audio/wav")


async def test_the_format_is_filled_in_where_it_is_left_out(ask_or_watch, wire) -> None:
    wire.answer = ANSWERS["audio"]

    await ask_or_watch(wire.chat(**SPEAKS), "Hi")

    assert wire.body["audio"] == {"voice": "wenrounansheng", "format": "pcm" if wire.body.get("stream") else "wav"}


@pytest.mark.parametrize(
    ("ways", "wrong", "why"),
    [
        (WHOLE, {**SPEAKS, "audio": {"voice": "a", "format": "pcm"}}, "'pcm'; a spoken answer is wav without stream"),
        (STREAMED, {**SPEAKS, "audio": {"voice": "a", "format": "wav"}}, "'wav'; .* pcm in a stream"),
        (V3, {**SPEAKS, "audio": {"voice": "a", "format": "wav"}}, "'wav'; .* pcm in a stream"),
        (WHOLE, {**SPEAKS, "model": "step-3.7-flash"}, "answers in text only"),
        (V3, {**SPEAKS, "model": "step-3.7-flash"}, "answers in text only"),
    ],
    ids=["pcm whole", "wav in a stream", "wav in v3", "no voice", "no voice in v3"],
)
async def test_a_wrong_pair_is_refused_before_it_is_sent(wire, ways, wrong, why) -> None:
    for ask in ways.values():
        with pytest.raises(ChatInvalidParameterError, match=why):
            await ask(wire.chat(**wrong), "Hi")
    assert wire.sent == []


@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_a_spoken_conversation_goes_on(ask_or_watch, emulator, chat, version) -> None:
    model = chat(**SPEAKS, output_version=version)
    heard = HumanMessage([audio_block(WAV), {"type": "text", "text": "Say hello"}])
    reply = await ask_or_watch(model, [heard])

    again = await ask_or_watch(model, [heard, reply, HumanMessage("Say hello again")])

    assert again.text.startswith("Hello!")
    assert emulator.requests[-1].body["messages"][1] == {"role": "assistant", "content": reply.text}
    assert isinstance(reply, AIMessage)
