"""Files: uploaded from wherever they lie without lying in memory, waited for, listed, read and deleted."""

from __future__ import annotations

import email
import io
import os
import subprocess
import sys
from email.policy import HTTP

import pytest

from stepfun_client import APIResponseError, APITimeoutError, InvalidParameterError, NotFoundError
from stepfun_client.core.files import Window

READY = {"id": "file-1", "object": "file", "bytes": 5, "created_at": 1, "purpose": "storage", "status": "success"}
PARSING = READY | {"status": "processed"}
MB = 1 << 20


def form(request) -> dict[str, tuple[str | None, str, bytes]]:
    """A multipart body, field by field: file name, media type, content."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + request.body, policy=HTTP).iter_parts()
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in parts
    }


class TestUpload:
    """`files.create`, from each kind of source."""

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "会议 notes.md"
        path.write_bytes(b"# Hi\n")
        return path

    async def test_from_a_path(self, both, server, wire, path):
        client = both.client(server.answers(wire.reply(READY)))
        file = await both.get(client.files.create(path, purpose="file-extract"))
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/v1/files")
        assert form(request) == {
            "purpose": (None, "text/plain", b"file-extract"),
            "file": ("会议 notes.md", "text/markdown", b"# Hi\n"),
        }
        assert "content-length" in request.headers
        assert (file.id, file.url, file.is_ready, file.trace_id) == ("file-1", "stepfile://file-1", True, wire.trace_id)

    @pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, io.BytesIO])
    async def test_from_memory(self, both, server, wire, wrap):
        client = both.client(server.answers(wire.reply(READY)))
        await both.get(client.files.create(wrap(b"# Hi\n"), filename="a.mp3"))
        assert form(server.requests[0]) == {
            "purpose": (None, "text/plain", b"storage"),
            "file": ("a.mp3", "audio/mpeg", b"# Hi\n"),
        }

    async def test_from_an_open_file_from_where_it_stands(self, both, server, wire, path):
        with path.open("rb") as file:
            file.seek(2)
            await both.get(both.client(server.answers(wire.reply(READY))).files.create(file))
        assert form(server.requests[0])["file"] == ("会议 notes.md", "text/markdown", b"Hi\n")

    async def test_from_a_pipe_whose_length_nobody_knows(self, both, server, wire):
        reading, writing = os.pipe()
        os.write(writing, b"# Hi\n")
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            await both.get(both.client(server.answers(wire.reply(READY))).files.create(pipe, filename="a.png"))
        assert form(server.requests[0])["file"] == ("a.png", "image/png", b"# Hi\n")
        assert server.requests[0].headers["transfer-encoding"] == "chunked"

    async def test_from_a_url_which_the_service_fetches(self, both, server, wire):
        client = both.client(server.answers(wire.reply(READY)))
        await both.get(client.files.create("https://example.com/a.mp4", purpose="storage"))
        assert form(server.requests[0]) == {
            "purpose": (None, "text/plain", b"storage"),
            "url": (None, "text/plain", b"https://example.com/a.mp4"),
        }

    async def test_what_the_name_does_not_tell_is_bytes(self, both, server, wire):
        await both.get(both.client(server.answers(wire.reply(READY))).files.create(b"?", filename="thing"))
        assert form(server.requests[0])["file"] == ("thing", "application/octet-stream", b"?")


REFUSED = {
    "a path as a text": (lambda _: "minutes.md", {}, "file", "pass a path as pathlib.Path(...), or bytes"),
    "a text file": (lambda _: io.StringIO("x"), {}, "file", "open it in binary mode"),
    "no name": (lambda _: b"x", {}, "filename", "pass filename='...'"),
    "a temporary file's number": (lambda _: Numbered(b"x"), {}, "filename", "pass filename='...'"),
    "an ending": (
        lambda _: b"x",
        {"filename": "a.mp4", "purpose": "file-extract"},
        "file",
        "takes txt, md, pdf, doc, docx, xls, xlsx, ppt, pptx, csv, html, htm, xml; give the file such a name",
    ),
    "no ending": (lambda _: b"x", {"filename": "a", "purpose": "retrieval-image"}, "file", "takes jpg, jpeg, png"),
    "64 MB": (
        lambda folder: sparse(folder, 64 * MB + 1, "a.pdf"),
        {"purpose": "file-extract"},
        "file",
        "at most 64 MB for purpose 'file-extract'",
    ),
    "128 MB": (lambda folder: sparse(folder, 128 * MB + 1, "a.mp4"), {}, "file", "ffmpeg -i input.mp4 -c copy"),
    "an unknown option": (lambda _: b"x", {"filename": "a", "retries": 3}, "retries", "no parameter of this call"),
}


class Numbered(io.BytesIO):
    """An unnamed temporary file's name is its descriptor."""

    name = 7


def sparse(folder, size: int, name: str):
    """A file of any size that takes no room."""
    path = folder / name
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
async def test_refused_before_anything_is_sent(both, server, tmp_path, refused):
    make, options, param, message = refused
    with pytest.raises(InvalidParameterError) as raised:
        await both.get(both.client(server).files.create(make(tmp_path), **options))
    assert message in str(raised.value)
    assert (raised.value.param, server.accepted) == (param, 0)


async def test_a_purpose_nobody_knows_is_the_services_to_judge(both, server, wire):
    client = both.client(server.answers(wire.reply(READY)))
    await both.get(client.files.create(b"x", purpose="fine-tune", filename="a.jsonl"))
    assert form(server.requests[0])["purpose"][2] == b"fine-tune"


def test_a_window_is_the_callers_file_with_its_zero_where_it_stood():
    file = io.BytesIO(b"abcdef")
    with Window(file, 2) as window:
        assert window.readable()
        assert window.seekable()
        assert (window.read(2), window.tell()) == (b"cd", 2)
        assert [window.seek(0), window.seek(1, os.SEEK_CUR), window.seek(-1, os.SEEK_END)] == [0, 1, 3]
        assert window.read() == b"f"
    assert not file.closed


def test_a_window_on_a_pipe_can_only_be_read():
    with Window(io.BytesIO(b"abc"), None) as window:
        assert not window.seekable()
        for job in (window.tell, lambda: window.seek(0)):
            with pytest.raises(io.UnsupportedOperation, match="cannot be rewound"):
                job()
        assert window.read() == b"abc"


class TestWait:
    """`processed` means that the file is still being parsed."""

    async def test_until_it_is_ready(self, both, server, wire, naps):
        server.answers(wire.reply(PARSING), wire.reply(PARSING), wire.reply(READY))
        file = await both.get(both.client(server).files.wait("file-1", poll=0.5))
        assert (file.status, naps) == ("success", [0.5, 0.5])

    async def test_a_file_without_a_status_is_ready(self, both, server, wire, naps):
        server.answers(wire.reply(READY | {"status": None}))
        assert (await both.get(both.client(server).files.wait("file-1"))).is_ready
        assert naps == []

    async def test_until_the_deadline(self, both, server, wire):
        client = both.client(server.answers(wire.reply(PARSING)))
        with pytest.raises(APITimeoutError, match=r"status 'processed' after 0.05 s; wait longer") as raised:
            await both.get(client.files.wait("file-1", poll=0.02, deadline=0.05))
        assert raised.value.trace_id == wire.trace_id
        assert 2 <= len(server.requests) <= 3


async def test_list(both, server, wire):
    server.answers(wire.reply({"object": "list", "data": [READY, PARSING]}))
    files = await both.get(both.client(server).files.list())
    assert [file.is_ready for file in files] == [True, False]
    assert server.requests[0].path == "/v1/files"


async def test_retrieve(both, server, wire):
    file = await both.get(both.client(server.answers(wire.reply(READY))).files.retrieve("file-1"))
    assert (file.bytes, file.purpose, file.trace_id) == (5, "storage", wire.trace_id)
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/v1/files/file-1")


async def test_content(both, server, wire):
    server.answers(wire.reply("会议".encode(), content_type="text/plain"))
    assert await both.get(both.client(server).files.content("file-1")) == "会议"
    assert server.requests[0].path == "/v1/files/file-1/content"


async def test_delete(both, server, wire):
    server.answers(wire.reply({"id": "file-1", "deleted": True}))
    assert (await both.get(both.client(server).files.delete("file-1"))).deleted
    assert (server.requests[0].method, server.requests[0].path) == ("DELETE", "/v1/files/file-1")


async def test_an_id_cannot_leave_its_place_in_the_path(both, server, wire):
    await both.get(both.client(server.answers(wire.reply(READY))).files.retrieve("a/b?c#d e"))
    assert server.requests[0].path == "/v1/files/a%2Fb%3Fc%23d%20e"


@pytest.mark.parametrize("verb", ["retrieve", "wait", "content", "delete"])
async def test_an_empty_id_would_name_all_files(both, server, verb):
    with pytest.raises(InvalidParameterError, match="file_id is empty"):
        await both.get(getattr(both.client(server).files, verb)(""))
    assert server.accepted == 0


async def test_no_such_file(both, server, wire):
    server.answers(wire.error(404, "invalid_request_error", "no such file"))
    with pytest.raises(NotFoundError, match="no such file"):
        await both.get(both.client(server).files.retrieve("file-1"))


async def test_a_reply_without_an_id_is_no_file(both, server, wire):
    with pytest.raises(APIResponseError):
        await both.get(both.client(server.answers(wire.reply({}))).files.retrieve("file-1"))


# A process's peak begins with its parent's, and pytest's would hide all.
SMALL_PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"
MEASURE = {
    "sync": """
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from stepfun_client import StepFunClient

base_url, small, large = sys.argv[1:]
with StepFunClient("key", base_url=base_url) as client:
    client.files.create(Path(small))  # loads httpx
    before = getrusage(RUSAGE_SELF).ru_maxrss
    client.files.create(Path(large))
    print((getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024)
""",
    "async": """
import asyncio, sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from stepfun_client import AsyncStepFunClient

async def main(base_url, small, large):
    async with AsyncStepFunClient("key", base_url=base_url) as client:
        await client.files.create(Path(small))  # loads httpx
        before = getrusage(RUSAGE_SELF).ru_maxrss
        await client.files.create(Path(large))
        print((getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024)

asyncio.run(main(*sys.argv[1:]))
""",
}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_100_megabytes_from_a_path_take_less_than_16_of_memory(server, wire, tmp_path, kind):
    server.answers(wire.reply(READY))
    paths = sparse(tmp_path, 1000, "small.mp4"), sparse(tmp_path, 100 * MB, "large.mp4")
    command = [sys.executable, "-c", SMALL_PARENT, MEASURE[kind], server.base_url, *map(str, paths)]
    grown_by = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert server.requests[1].size > 100 * MB
    assert grown_by < 16
