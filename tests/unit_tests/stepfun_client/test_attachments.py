"""Large pictures, videos and documents of a chat: uploaded for the time of an answer, deleted whatever happens."""

from __future__ import annotations

import asyncio
import base64
import copy
from contextlib import asynccontextmanager

import httpx
import pytest

from stepfun_client import AsyncStepFunClient, ConcurrencyLimit, ServerError
from stepfun_client.api.sending import sending, sending_async

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 3000
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0" * 3000
SMALL = b"\x89PNG\r\n\x1a\n"


def image(data: bytes, **more: str) -> dict:
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(data).decode()}", **more},
    }


def video(data: bytes) -> dict:
    return {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{base64.b64encode(data).decode()}"}}


def user(*parts: dict) -> dict:
    return {"role": "user", "content": list(parts)}


TEXT = {"type": "text", "text": "What is it?"}
SOUND = {"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64," + "A" * 4000}}
ELSEWHERE = {"type": "image_url", "image_url": {"url": "https://example.com/" + "a" * 4000}}


class Shelf:
    """StepFun's files, as far as a chat needs them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.uploads = 0
        self.refuses: set[str] = set()  # methods that fail
        self.sent: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(f"{request.method} {request.url.path}")
        if request.method in self.refuses:
            return httpx.Response(500, json={"error": {"message": "no"}})
        name = request.url.path.rsplit("/", 1)[1]
        if request.method == "POST":
            self.uploads += 1
            name = f"file-{self.uploads}"
            self.files[name] = request.content
            return httpx.Response(200, json={"id": name, "status": "processed"})
        if request.method == "DELETE":
            self.files.pop(name)
            return httpx.Response(200, json={"id": name, "deleted": True})
        if name == "content":
            return httpx.Response(200, text="the minutes")
        return httpx.Response(200, json={"id": name, "status": "success"})


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def prepared(both, shelf):
    """`sending`, or its asynchronous twin: the messages that go out while the block lasts."""
    client = both.mocked(shelf, max_retries=0)

    @asynccontextmanager
    async def prepare(*messages: dict, above: int | None = 1000, limit: ConcurrencyLimit | None = None):
        request = {"model": "step-3.7-flash", "messages": list(messages)}
        if both.kind == "sync":
            with sending(client, request, upload_above=above, limit=limit) as made:
                yield made["messages"]
        else:
            async with sending_async(client, request, upload_above=above, limit=limit) as made:
                yield made["messages"]

    return prepare


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (image(PNG), {"type": "image_url", "image_url": {"url": "stepfile://file-1"}}),
        (image(PNG, detail="high"), {"type": "image_url", "image_url": {"url": "stepfile://file-1", "detail": "high"}}),
        (video(MP4), {"type": "video_url", "video_url": {"url": "stepfile://file-1"}}),
    ],
    ids=["picture", "picture with a detail", "video"],
)
async def test_what_is_large_is_uploaded_and_named_in_its_place(prepared, shelf, part, sent):
    async with prepared(user(part, TEXT)) as messages:
        assert messages == [user(sent, TEXT)]
        assert list(shelf.files) == ["file-1"]
    assert shelf.files == {}


async def test_the_file_arrives_whole_with_a_name_that_fits(prepared, shelf):
    async with prepared(user(image(PNG))):
        assert PNG in shelf.files["file-1"]
        assert b'filename="attachment-1.png"' in shelf.files["file-1"]
        assert b"storage" in shelf.files["file-1"]


@pytest.mark.parametrize(
    "message",
    [
        user(image(SMALL), TEXT),
        user(SOUND),  # StepFun takes sound inside the request only
        user(ELSEWHERE),
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": []},
    ],
    ids=["small", "sound", "url", "text", "nothing"],
)
async def test_what_is_not_large_goes_along_as_it_is(prepared, shelf, message):
    async with prepared(message) as messages:
        assert messages == [message]
    assert shelf.sent == []


async def test_without_a_threshold_nothing_is_uploaded(prepared, shelf):
    async with prepared(user(image(PNG)), above=None) as messages:
        assert messages == [user(image(PNG))]
    assert shelf.sent == []


@pytest.mark.parametrize(("above", "uploaded"), [(len(PNG) - 1, 1), (len(PNG), 0)], ids=["above", "at the threshold"])
async def test_the_threshold_is_the_files_size_not_its_base64s(prepared, shelf, above, uploaded):
    async with prepared(user(image(PNG)), above=above):
        assert shelf.uploads == uploaded


async def test_a_file_is_uploaded_once_however_often_it_occurs(prepared, shelf):
    async with prepared(user(image(PNG), image(PNG, detail="high")), user(image(PNG), video(MP4))) as messages:
        urls = [part[part["type"]]["url"] for message in messages for part in message["content"]]
    assert urls == ["stepfile://file-1"] * 3 + ["stepfile://file-2"]
    assert shelf.uploads == 2


async def test_the_callers_messages_stay_as_they_are(prepared):
    given = user(image(PNG), TEXT)
    before = copy.deepcopy(given)
    async with prepared(given) as messages:
        assert messages != [before]
    assert given == before


async def test_a_document_becomes_its_text(prepared, shelf):
    document = {"type": "document", "document": {"data": b"%PDF-1.7", "name": "minutes.pdf"}}
    async with prepared(user(document, TEXT), above=None) as messages:
        assert messages == [user({"type": "text", "text": "minutes.pdf:\nthe minutes"}, TEXT)]
    assert shelf.files == {}


# --- Clean-up --------------------------------------------------------------------------------------------------------


async def test_files_are_deleted_when_the_answer_fails(prepared, shelf):
    with pytest.raises(ZeroDivisionError):
        async with prepared(user(image(PNG), video(MP4))):
            raise ZeroDivisionError
    assert (shelf.uploads, shelf.files) == (2, {})


async def test_files_are_deleted_when_a_later_upload_fails(prepared, shelf, monkeypatch):
    upload = Shelf.__call__

    def only_one(self: Shelf, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and self.uploads == 1:
            return httpx.Response(400, json={"error": {"message": "too much"}})
        return upload(self, request)

    monkeypatch.setattr(Shelf, "__call__", only_one)
    limit = ConcurrencyLimit(1)
    with pytest.raises(Exception, match="too much"):
        async with prepared(user(image(PNG), video(MP4)), limit=limit):
            pytest.fail("a request with half of its files must not go out")
    assert (shelf.uploads, shelf.files, limit.free) == (1, {}, 1)


async def test_a_file_that_cannot_be_deleted_keeps_neither_the_answer_nor_the_other_files(prepared, shelf):
    async with prepared(user(image(PNG), video(MP4))):
        shelf.refuses.add("DELETE")
    assert [sent for sent in shelf.sent if sent.startswith("DELETE")] == [
        "DELETE /v1/files/file-1",
        "DELETE /v1/files/file-2",
    ]


async def test_an_error_of_the_answer_is_told_even_where_the_clean_up_fails(prepared, shelf):
    shelf.refuses.add("DELETE")
    with pytest.raises(ServerError, match="of the answer"):
        async with prepared(user(image(PNG))):
            raise ServerError("of the answer", status_code=500)
    assert "DELETE /v1/files/file-1" in shelf.sent


@pytest.mark.parametrize("stage", ["POST", "GET"])
async def test_a_cancelled_upload_leaves_no_file_behind(shelf, stage):
    """Cancelled between two uploads, or while a document is read."""
    begun = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.method == stage and shelf.uploads == 1:
            begun.set()
            await asyncio.sleep(60)
        return shelf(request)

    client = AsyncStepFunClient("key", http_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    document = {"type": "document", "document": {"data": b"%PDF-1.7", "name": "minutes.pdf"}}
    messages = [user(image(PNG), video(MP4)) if stage == "POST" else user(document)]

    async def ask() -> None:
        async with sending_async(client, {"messages": messages}, upload_above=1000):
            pytest.fail("it was cancelled before")

    task = asyncio.create_task(ask())
    await begun.wait()
    assert list(shelf.files) == ["file-1"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shelf.files == {}


async def test_place_and_files_are_held_until_the_end(prepared, shelf):
    limit = ConcurrencyLimit(2)
    async with prepared(user(image(PNG)), limit=limit):
        assert (limit.free, len(shelf.files)) == (1, 1)
    assert (limit.free, len(shelf.files)) == (2, 0)
