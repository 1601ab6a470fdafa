"""Content: pictures, videos and sound in every shape that LangChain users write, and what stands on the wire for it."""

from __future__ import annotations

import base64

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from demo.picture import BLUE, RED, bar_chart
from stepfun_client import InvalidParameterError

PNG = base64.b64encode(bar_chart([(RED, 1), (BLUE, 2)], width=60, height=60)).decode()
WAV = base64.b64encode(
    b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\x02\0\0\0\0\0"
).decode()
MP4 = base64.b64encode(b"\0\0\0\x18ftypisom\0\0\0\0isommp42").decode()


def text(words: str) -> dict:
    return {"type": "text", "text": words}


def image(url: str, **more: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def video(url: str) -> dict:
    return {"type": "video_url", "video_url": {"url": url}}


def audio(data: str) -> dict:
    return {"type": "input_audio", "input_audio": {"data": data}}


PNG_URI, WAV_URI, MP4_URI = (
    f"data:image/png;base64,{PNG}",
    f"data:audio/wav;base64,{WAV}",
    f"data:video/mp4;base64,{MP4}",
)
URL = "https://example.com/a.png"

STANDARD = [
    ("Hi", text("Hi")),
    (text("Hi"), text("Hi")),
    ({"type": "image", "url": URL}, image(URL)),
    ({"type": "image", "base64": PNG, "mime_type": "image/png"}, image(PNG_URI)),
    ({"type": "image", "base64": PNG, "mime_type": "image/jpeg"}, image(PNG_URI)),  # the content decides
    ({"type": "image", "file_id": "file-1"}, image("stepfile://file-1")),
    ({"type": "image", "url": "stepfile://file-1"}, image("stepfile://file-1")),
    ({"type": "image", "url": URL, "extras": {"detail": "high"}}, image(URL, detail="high")),
    ({"type": "video", "url": "https://example.com/a.mp4"}, video("https://example.com/a.mp4")),
    ({"type": "video", "base64": MP4, "mime_type": "video/mp4"}, video(MP4_URI)),
    ({"type": "video", "file_id": "file-2"}, video("stepfile://file-2")),
    ({"type": "audio", "base64": WAV, "mime_type": "audio/wav"}, audio(WAV_URI)),
    ({"type": "file", "base64": PNG, "mime_type": "image/png"}, image(PNG_URI)),
    ({"type": "file", "file_id": "file-2", "mime_type": "video/mp4"}, video("stepfile://file-2")),
    ({"type": "text-plain", "text": "a note", "mime_type": "text/plain"}, text("a note")),
]
OLDER = [
    ({"type": "image", "source_type": "url", "url": URL}, image(URL)),
    ({"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"}, image(PNG_URI)),
    ({"type": "image", "source_type": "id", "id": "file-1"}, image("stepfile://file-1")),
    ({"type": "audio", "source_type": "base64", "data": WAV, "mime_type": "audio/wav"}, audio(WAV_URI)),
]
OPENAI = [
    (image(URL), image(URL)),
    (image(URL, detail="low"), image(URL, detail="low")),
    (image(URL, detail="auto"), image(URL)),
    (image(PNG_URI), image(PNG_URI)),
    ({"type": "image_url", "image_url": URL}, image(URL)),
    ({"type": "input_text", "text": "Hi"}, text("Hi")),
    ({"type": "input_image", "image_url": URL, "detail": "high"}, image(URL, detail="high")),
    ({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}, audio(WAV_URI)),
    (audio(WAV_URI), audio(WAV_URI)),
    (video("https://example.com/a.mp4"), video("https://example.com/a.mp4")),
]
ANTHROPIC = [
    ({"type": "image", "source": {"type": "url", "url": URL}}, image(URL)),
    ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, image(PNG_URI)),
    ({"type": "image", "source": {"type": "file", "file_id": "file-1"}}, image("stepfile://file-1")),
]


@pytest.mark.parametrize(
    ("block", "part"),
    [*STANDARD, *OLDER, *OPENAI, *ANTHROPIC],
    ids=[
        f"{shape}-{number}"
        for shape, table in {"v1": STANDARD, "v0": OLDER, "openai": OPENAI, "anthropic": ANTHROPIC}.items()
        for number, _ in enumerate(table)
    ],
)
def test_blocks_of_a_user_message(wire, block, part) -> None:
    wire.chat().invoke([HumanMessage([block, text("What is it?")])])

    assert wire.messages == [{"role": "user", "content": [part, text("What is it?")]}]


def test_standard_blocks_of_a_message_made_of_them(wire) -> None:
    blocks = [{"type": "image", "base64": PNG, "mime_type": "image/png"}, {"type": "text", "text": "What is it?"}]

    wire.chat().invoke([HumanMessage(content_blocks=blocks)])

    assert wire.messages[0]["content"] == [image(PNG_URI), text("What is it?")]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"type": "hologram", "base64": "AA=="}, r"no 'hologram' block in a user message \(its keys: type, base64\)"),
        ({"url": URL}, r"no None block"),
        ({"type": "image"}, "holds none of url, base64 and file_id"),
        ({"type": "image", "base64": "not base64!", "mime_type": "image/png"}, "base64 is malformed"),
        ({"type": "image", "base64": WAV, "mime_type": "image/png"}, "wav"),
        ({"type": "image_url", "image_url": {}}, "image_url.url"),
        ({"type": "video_url", "video_url": {}}, "video_url.url"),
        ({"type": "image", "url": URL, "extras": {"detail": "huge"}}, "detail must be 'low' or 'high'"),
        ({"type": "audio", "url": "https://example.com/a.wav"}, "only as data inside the request, not by URL"),
        ({"type": "audio", "file_id": "file-3"}, "only as data inside the request, not by URL"),
        ({"type": "video", "base64": PNG, "mime_type": "video/mp4"}, "Send it as a picture"),
        ({"type": "text"}, "under 'text'"),
        ({"type": "file", "base64": "AA==", "mime_type": "application/pdf"}, "purpose='file-extract'"),
        ({"type": "tool_use", "id": "1", "name": "add", "input": {}}, "no 'tool_use' block"),
    ],
    ids=str,
)
async def test_a_block_without_a_place_is_named_not_dropped(ask_whole, wire, block, why) -> None:
    with pytest.raises(InvalidParameterError, match=why):
        await ask_whole(wire.chat(), [HumanMessage([block])])
    assert wire.sent == []


def test_at_most_sixty_pictures(wire) -> None:
    pictures = [{"type": "image", "url": URL}] * 60

    wire.chat().invoke([HumanMessage(pictures)])
    with pytest.raises(InvalidParameterError, match="60"):
        wire.chat().invoke([HumanMessage(pictures), HumanMessage(pictures[:1])])


# --- Pictures that a tool returned -----------------------------------------------------------------------------------

TWO_CALLS = AIMessage(
    "",
    tool_calls=[{"name": "look", "args": {}, "id": "call_1"}, {"name": "look", "args": {}, "id": "call_2"}],
)
NOTE = "[the tool returned 1 attachment, shown in the user message that follows]"


def test_a_tools_picture_follows_in_a_user_message_after_all_answers(wire) -> None:
    picture = {"type": "image", "base64": PNG, "mime_type": "image/png"}

    wire.chat().invoke(
        [
            HumanMessage("Look twice."),
            TWO_CALLS,
            ToolMessage([text("left"), picture], tool_call_id="call_1"),
            ToolMessage([picture], tool_call_id="call_2"),
            HumanMessage("And?"),
        ]
    )

    assert wire.messages[2:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": f"left\n{NOTE}"},
        {"role": "tool", "tool_call_id": "call_2", "content": NOTE},
        {
            "role": "user",
            "content": [
                text("Returned by the tool for call call_1:"),
                image(PNG_URI),
                text("Returned by the tool for call call_2:"),
                image(PNG_URI),
            ],
        },
        {"role": "user", "content": "And?"},
    ]


async def test_the_model_sees_a_picture_and_a_tools_picture(ask_whole, chat) -> None:
    picture = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    call = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "call_1"}])

    shown = await ask_whole(chat(), [HumanMessage([picture, text("Which bar is the tallest?")])])
    returned = await ask_whole(
        chat(),
        [HumanMessage("Which bar is the tallest?"), call, ToolMessage([picture], tool_call_id="call_1")],
    )

    assert "blue" in shown.text
    assert "blue" in returned.text
