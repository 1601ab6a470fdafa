"""Content blocks: what LlamaIndex users put into messages, and what stands on the wire for it."""

from __future__ import annotations

import base64
import copy
import io

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from demo.picture import BLUE, RED, bar_chart
from stepfun_client import InvalidParameterError
from tests.unit_tests.llama_index_stepfun.conftest import call

PNG = bar_chart([(RED, 1), (BLUE, 2)], width=60, height=60)
WAV = b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\x02\0\0\0\0\0"
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"


def uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


PNG_URI, WAV_URI, MP4_URI = uri(PNG, "image/png"), uri(WAV, "audio/wav"), uri(MP4, "video/mp4")
URL = "https://example.com/a.png"


def text(words: str) -> dict:
    return {"type": "text", "text": words}


def image(url: str, **more: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def video(url: str) -> dict:
    return {"type": "video_url", "video_url": {"url": url}}


def audio(data: str) -> dict:
    return {"type": "input_audio", "input_audio": {"data": data}}


CITABLE = CitableBlock(title="Minutes", source="minutes.md", content=[TextBlock(text="We met."), ImageBlock(url=URL)])
CITATION = CitationBlock(
    cited_content=TextBlock(text="We met."), source="minutes.md", title="Minutes", additional_location_info={}
)

# In a user message. Media stand beside a text, as in life.
SHOWN = [
    (ImageBlock(url=URL), [image(URL)]),
    (ImageBlock(url=URL, detail="high"), [image(URL, detail="high")]),
    (ImageBlock(url=URL, detail="auto"), [image(URL)]),
    (ImageBlock(url="stepfile://file-AbC"), [image("stepfile://file-AbC")]),
    (ImageBlock(url=PNG_URI), [image(PNG_URI)]),
    (ImageBlock(image=PNG), [image(PNG_URI)]),
    (ImageBlock(image=base64.b64encode(PNG)), [image(PNG_URI)]),
    (ImageBlock(image=PNG, image_mimetype="image/jpeg"), [image(PNG_URI)]),  # the content decides
    (ImageBlock(image=io.BytesIO(PNG)), [image(PNG_URI)]),
    (VideoBlock(url="https://example.com/a.mp4"), [video("https://example.com/a.mp4")]),
    (VideoBlock(url="stepfile://file-AbC"), [video("stepfile://file-AbC")]),
    (VideoBlock(video=MP4), [video(MP4_URI)]),
    (AudioBlock(audio=WAV), [audio(WAV_URI)]),
    (AudioBlock(audio=WAV, format="wav"), [audio(WAV_URI)]),
    (AudioBlock(url=WAV_URI), [audio(WAV_URI)]),
    (CITABLE, [text("Minutes (minutes.md)"), text("We met."), image(URL)]),
]


@pytest.mark.parametrize(("block", "sent"), SHOWN, ids=lambda one: type(one).__name__)
async def test_media_in_a_user_message(ask_whole, wire, block, sent) -> None:
    await ask_whole(wire.llm(), ChatMessage(role="user", content=[block, TextBlock(text="Look.")]))

    assert wire.messages == [{"role": "user", "content": [*sent, text("Look.")]}]


FILES = {
    "chart.png": (PNG, ImageBlock, image(PNG_URI)),
    "clip.mp4": (MP4, VideoBlock, video(MP4_URI)),
    "voice.wav": (WAV, AudioBlock, audio(WAV_URI)),
}


@pytest.mark.parametrize("name", FILES)
def test_media_from_a_file(wire, tmp_path, name) -> None:
    data, block, sent = FILES[name]
    (tmp_path / name).write_bytes(data)

    wire.llm().chat([ChatMessage(role="user", content=[block(path=tmp_path / name)])])

    assert wire.messages == [{"role": "user", "content": [sent]}]


@pytest.mark.parametrize(
    ("blocks", "sent"),
    [
        ([TextBlock(text="Hi")], "Hi"),
        ([TextBlock(text="Hi"), TextBlock(text="you")], "Hi\nyou"),
        ([TextBlock(text="Hi"), CachePoint(cache_control=CacheControl(type="ephemeral"))], "Hi"),
        ([CITATION, TextBlock(text="So?")], "We met.\nSo?"),
        ([CitableBlock(title="T", source="s", content="c")], "T (s)\nc"),
    ],
    ids=["text", "texts", "cache point", "citation", "citable"],
)
async def test_what_is_text_is_sent_as_one_text(ask_whole, wire, blocks, sent) -> None:
    await ask_whole(wire.llm(), ChatMessage(role="user", content=blocks))

    assert wire.messages == [{"role": "user", "content": sent}]


@pytest.mark.parametrize(
    ("role", "sent"),
    [
        (MessageRole.SYSTEM, "system"),
        (MessageRole.DEVELOPER, "system"),
        (MessageRole.USER, "user"),
        (MessageRole.ASSISTANT, "assistant"),
        (MessageRole.CHATBOT, "assistant"),
        (MessageRole.MODEL, "assistant"),
    ],
)
async def test_roles(ask_whole, wire, role, sent) -> None:
    await ask_whole(wire.llm(), ChatMessage(role=role, content="Hi"))

    assert wire.messages == [{"role": sent, "content": "Hi"}]


ADD = call("add", '{"a": 1, "b": "二"}')


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (ChatMessage(role="assistant", content=""), {"content": ""}),
        (
            ChatMessage(role="assistant", content=[ThinkingBlock(content="hm"), TextBlock(text="Hi")]),
            {"content": "Hi"},  # thoughts of a finished turn stay here
        ),
        (
            ChatMessage(
                role="assistant",
                content=[
                    ThinkingBlock(content="hm"),
                    ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1, "b": "二"}),
                ],
            ),
            {"content": None, "tool_calls": [ADD], "reasoning_content": "hm"},
        ),
        (
            ChatMessage(
                role="assistant",
                content=[
                    TextBlock(text="I add."),
                    ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs='{"a": 1, "b": "二"}'),
                ],
            ),
            {"content": "I add.", "tool_calls": [ADD]},
        ),
        (
            ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [ADD]}),
            {"content": None, "tool_calls": [ADD]},
        ),
        (
            ChatMessage(role="assistant", content=[TextBlock(text="As I said."), AudioBlock(audio=WAV), CITATION]),
            {"content": "As I said."},
        ),
    ],
    ids=["empty", "thoughts", "call", "text and call", "call of older code", "spoken and cited"],
)
async def test_assistant_messages(ask_whole, wire, message, sent) -> None:
    history = [ChatMessage(role="user", content="Hi"), message]
    if "tool_calls" in sent:
        history.append(ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "call_1"}))

    await ask_whole(wire.llm(), history)

    assert wire.messages[1] == {"role": "assistant", **sent}


# --- What tools return -----------------------------------------------------------------------------------------------


def called(*ids: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=[ToolCallBlock(tool_call_id=one, tool_name="look") for one in ids])


def returned(call_id: str, *blocks: object) -> ChatMessage:
    return ChatMessage(role="tool", content=list(blocks), additional_kwargs={"tool_call_id": call_id})


async def test_pictures_and_sound_of_parallel_calls_follow_all_the_tool_messages(ask_whole, wire) -> None:
    """The service wants every call answered before anything else, and takes only text in the answers."""
    history = [
        ChatMessage(role="user", content="Look around."),
        called("call_1", "call_2"),
        returned("call_1", TextBlock(text="a chart"), ImageBlock(image=PNG), ImageBlock(url=URL)),
        returned("call_2", AudioBlock(audio=WAV)),
        ChatMessage(role="user", content="Well?"),
    ]

    await ask_whole(wire.llm("step-3"), history)  # which sees and hears

    assert wire.messages[2:] == [
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": "a chart\n[the tool returned 2 attachments, shown in the user message that follows]",
        },
        {
            "role": "tool",
            "tool_call_id": "call_2",
            "content": "[the tool returned 1 attachment, shown in the user message that follows]",
        },
        {
            "role": "user",
            "content": [
                text("Returned by the tool for call call_1:"),
                image(PNG_URI),
                image(URL),
                text("Returned by the tool for call call_2:"),
                audio(WAV_URI),
            ],
        },
        {"role": "user", "content": "Well?"},
    ]


async def test_the_service_takes_pictures_of_tools_in_that_order(ask, stepfun) -> None:
    history = [
        ChatMessage(role="user", content="Look at both charts. Which colour has the tallest bar?"),
        called("call_1", "call_2"),
        returned("call_1", ImageBlock(image=PNG)),
        returned("call_2", TextBlock(text="nothing here")),
    ]

    assert "blue" in (await ask(stepfun(), history)).message.content.lower()


async def test_a_function_message_is_a_tool_message(ask_whole, wire) -> None:
    answer = ChatMessage(role="function", content="3", additional_kwargs={"tool_call_id": "call_1"})

    await ask_whole(wire.llm(), [ChatMessage(role="user", content="Hi"), called("call_1"), answer])

    assert wire.messages[2] == {"role": "tool", "tool_call_id": "call_1", "content": "3"}


# --- What there is no place for --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (ChatMessage(role="user", content=[ThinkingBlock(content="hm")]), "no ThinkingBlock in a user message"),
        (ChatMessage(role="user", content=[ToolCallBlock(tool_name="add")]), "no ToolCallBlock in a user message"),
        (ChatMessage(role="assistant", content=[ImageBlock(url=URL)]), "no ImageBlock in an assistant message"),
        (ChatMessage(role="system", content=[ImageBlock(url=URL)]), "a system message takes text only"),
        (ChatMessage(role="tool", content="3"), r"must name the call it answers in additional_kwargs\['tool_call_id'"),
        (ChatMessage(role="user", content=[ImageBlock()]), "the image block is empty: give it bytes, a path or a url"),
        (ChatMessage(role="user", content=[AudioBlock(url="https://example.com/a.wav")]), "not by URL"),
        (ChatMessage(role="user", content=[ImageBlock(image=b"%PDF-1.4")]), "image_url"),
    ],
    ids=["thinking", "call", "picture of assistant", "picture of system", "no id", "empty", "sound by url", "no image"],
)
async def test_what_has_no_place_is_refused_before_anything_is_sent(ask, wire, message, told) -> None:
    with pytest.raises(InvalidParameterError, match=told):
        await ask(wire.llm(), message)

    assert wire.sent == []


# --- The caller's messages -------------------------------------------------------------------------------------------


async def test_the_callers_messages_stay_as_they_are(ask, wire) -> None:
    history = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content=[TextBlock(text="Hi"), ImageBlock(image=PNG)]),
        called("call_1"),
        returned("call_1", ImageBlock(image=PNG)),
    ]
    before = copy.deepcopy(history)

    await ask(wire.llm(), history)

    assert history == before


async def test_a_file_object_is_sent_again_in_the_next_turn(ask, wire) -> None:
    llm, question = wire.llm(), ChatMessage(role="user", content=[ImageBlock(image=io.BytesIO(PNG))])

    for _ in range(2):
        await ask(llm, question)

        assert wire.messages == [{"role": "user", "content": [image(PNG_URI)]}]
