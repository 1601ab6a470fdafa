"""Files: pictures and videos inline or uploaded, documents read as text; nothing of it stays behind."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from llama_index.core.base.llms.types import DocumentBlock, ImageBlock, TextBlock
from llama_index.core.llms import ChatMessage

from demo.picture import BLUE, GREEN, RED, bar_chart
from stepfun_client import InvalidParameterError, NotFoundError

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

pytestmark = pytest.mark.usefixtures("no_naps")

CHART = bar_chart([(RED, 30), (GREEN, 50), (BLUE, 90)], width=240, height=160)
MINUTES = "# Minutes\nThe picnic is on Friday."


def about(block: object, question: str) -> ChatMessage:
    return ChatMessage(role="user", content=[block, TextBlock(text=question)])


def chats(emulator: Emulator) -> list[list[dict]]:
    """The messages of each chat request."""
    return [one.body["messages"] for one in emulator.requests if one.path.endswith("/chat/completions")]


@pytest.fixture
def asked_of(emulator) -> Callable[[], list[tuple[str, str]]]:
    """What this test has asked of the emulator: method and path, ids left out."""
    before = len(emulator.requests)

    def since() -> list[tuple[str, str]]:
        paths = [(one.method, one.path.removeprefix("/v1")) for one in emulator.requests[before:]]
        return [(method, "/files/<id>" if path.startswith("/files/") else path) for method, path in paths]

    return since


CHAT, UPLOAD, DELETE = ("POST", "/chat/completions"), ("POST", "/files"), ("DELETE", "/files/<id>")


@pytest.mark.parametrize(
    ("given", "uploaded"),
    [
        ({}, False),
        ({"file_mode": "inline", "upload_above": 0}, False),
        ({"file_mode": "upload"}, True),
        ({"file_mode": "upload", "upload_above": 10**9}, True),
        ({"file_mode": "hybrid", "upload_above": 100}, True),
        ({"file_mode": "hybrid", "upload_above": 10**6}, False),
        ({"file_mode": "hybrid"}, False),
    ],
    ids=str,
)
async def test_how_a_picture_goes(ask, stepfun, asked_of, given, uploaded) -> None:
    response = await ask(stepfun(**given), about(ImageBlock(image=CHART), "Which colour has the tallest bar?"))

    assert "blue" in response.message.content.lower()
    assert asked_of() == ([UPLOAD, CHAT, DELETE] if uploaded else [CHAT])


async def test_an_uploaded_picture_is_named(ask, stepfun, emulator) -> None:
    await ask(stepfun(file_mode="upload"), about(ImageBlock(image=CHART), "What is it?"))

    url = chats(emulator)[-1][0]["content"][0]["image_url"]["url"]
    assert url.startswith("stepfile://")


async def test_a_document_is_read_as_its_text(ask, stepfun, emulator, asked_of) -> None:
    block = DocumentBlock(data=MINUTES.encode(), title="minutes.md")

    response = await ask(stepfun(), about(block, "When is the picnic?"))

    assert "Friday" in response.message.content
    assert [one for one in asked_of() if one[0] != "GET"] == [UPLOAD, CHAT, DELETE]
    (sent,) = chats(emulator)[-1]
    assert sent["content"] == [
        {"type": "text", "text": f"minutes.md:\n{MINUTES}"},
        {"type": "text", "text": "When is the picnic?"},
    ]


async def test_documents_wherever_they_are(stepfun, emulator, tmp_path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("The picnic is on Friday.")
    encoded = base64.b64encode(path.read_bytes()).decode()
    wherever = [
        DocumentBlock(path=path),
        DocumentBlock(path=str(path)),
        DocumentBlock(url=f"data:text/plain;base64,{encoded}"),
        DocumentBlock(data=io.BytesIO(path.read_bytes()), document_mimetype="text/plain"),
    ]
    for block in wherever:
        assert "Friday" in stepfun().chat([about(block, "When is the picnic?")]).message.content


# The service parses a file by its ending.
NAMES = [
    ({"title": "minutes.md"}, "minutes.md"),
    ({}, "document.txt"),
    ({"document_mimetype": "text/markdown"}, "document.md"),
    ({"document_mimetype": "text/html"}, "document.html"),
    ({"document_mimetype": "application/pdf"}, "document.pdf"),
    ({"document_mimetype": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}, "document.docx"),
    ({"title": "Minutes", "document_mimetype": "application/pdf"}, "Minutes.pdf"),
    ({"title": "Minutes"}, "Minutes.txt"),
]


@pytest.mark.parametrize(("given", "name"), NAMES)
def test_names_of_documents(stepfun, emulator, given, name) -> None:
    stepfun().chat([about(DocumentBlock(data=b"We met on Friday.", **given), "When?")])

    (sent,) = chats(emulator)[-1]
    assert sent["content"][0]["text"].startswith(f"{name}:\n")


async def test_the_name_of_a_path(ask_whole, stepfun, emulator, tmp_path) -> None:
    path = tmp_path / "Minutes.MD"
    path.write_text(MINUTES)

    for given in ({}, {"title": "Minutes of May"}):
        await ask_whole(stepfun(), about(DocumentBlock(path=path, **given), "When?"))

        (sent,) = chats(emulator)[-1]
        assert sent["content"][0]["text"].startswith(f"{given.get('title', 'Minutes')}.MD:\n")


@pytest.mark.parametrize("url", ["https://example.com/minutes.pdf", "stepfile://file-1"])
async def test_a_document_by_its_address_is_refused(ask, wire, url) -> None:
    with pytest.raises(InvalidParameterError, match="nothing is downloaded behind your back; fetch the url"):
        await ask(wire.llm(), about(DocumentBlock(url=url), "When?"))

    assert wire.sent == []


# --- Nothing stays behind --------------------------------------------------------------------------------------------


async def test_one_picture_twice_is_one_file(ask, stepfun, asked_of) -> None:
    twice = ChatMessage(role="user", content=[ImageBlock(image=CHART), ImageBlock(image=CHART), TextBlock(text="?")])

    await ask(stepfun(file_mode="upload"), twice)

    assert asked_of() == [UPLOAD, CHAT, DELETE]


async def test_files_are_deleted_when_the_call_fails(ask, stepfun, asked_of) -> None:
    with pytest.raises(NotFoundError):
        await ask(stepfun("step-99", file_mode="upload"), about(ImageBlock(image=CHART), "?"))

    assert asked_of() == [UPLOAD, CHAT, DELETE]


def test_files_are_deleted_when_a_stream_is_abandoned(stepfun, asked_of) -> None:
    for _ in stepfun(file_mode="upload").stream_chat([about(ImageBlock(image=CHART), "Which colour is tallest?")]):
        break

    assert asked_of() == [UPLOAD, CHAT, DELETE]


async def test_files_are_deleted_when_an_asynchronous_stream_is_closed(stepfun, asked_of) -> None:
    asked = [about(ImageBlock(image=CHART), "Which colour is tallest?")]
    stream = await stepfun(file_mode="upload").astream_chat(asked)
    await anext(stream)

    await stream.aclose()
    del stream
    await asyncio.sleep(0.1)

    assert asked_of() == [UPLOAD, CHAT, DELETE]
