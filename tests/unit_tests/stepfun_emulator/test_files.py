"""Uploading and reading files (WIRE.md section 11)."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest

import stepfun_emulator
from stepfun_emulator.errors import Refusal
from stepfun_emulator.extracting import extract
from stepfun_emulator.files import Cabinet

MB = 1024 * 1024


@pytest.fixture
def upload(http):
    def send(name: str, data: bytes = b"data", purpose: str = "storage", **fields) -> httpx.Response:
        return http.post("/files", data={"purpose": purpose, **fields}, files={"file": (name, data)})

    return send


def test_upload_list_retrieve_delete(http, upload):
    entry = upload("picture.PNG").json()
    assert set(entry) == {"id", "object", "bytes", "created_at", "filename", "purpose", "status"}
    assert (entry["object"], entry["bytes"], entry["status"]) == ("file", 4, "success")
    assert entry["id"] in [one["id"] for one in http.get("/files").json()["data"]]
    assert http.get(f"/files/{entry['id']}").json() == entry
    assert http.delete(f"/files/{entry['id']}").json() == {"id": entry["id"], "object": "file", "deleted": True}
    for response in (http.get(f"/files/{entry['id']}"), http.delete(f"/files/{entry['id']}")):
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_documents_are_processed_before_they_are_success(http, upload):
    entry = upload("notes.txt", "你好".encode(), "file-extract").json()
    path = f"/files/{entry['id']}"
    assert entry["status"] == "processed"
    early = http.get(f"{path}/content")
    assert early.status_code == 400
    assert "still being parsed" in early.json()["error"]["message"]
    assert [http.get(path).json()["status"] for _ in range(4)] == ["processed", "processed", "success", "success"]
    content = http.get(f"{path}/content")
    assert content.headers["content-type"].startswith("text/plain")
    assert content.text == "你好"


def test_only_extracted_documents_have_content(http, upload):
    for name, purpose in (("a.wav", "storage"), ("a.txt", "retrieval-text"), ("a.png", "retrieval-image")):
        entry = upload(name, purpose=purpose).json()
        assert http.get(f"/files/{entry['id']}/content").status_code == 400


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("a.png", "file-extract"),
        ("a.txt", "storage"),
        ("a.gif", "retrieval-image"),
        ("noending", "storage"),
        ("a.txt", "assistants"),
    ],
)
def test_purposes_accept_their_kinds_only(upload, name, purpose):
    response = upload(name, purpose=purpose)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "request_params_invalid"


def test_forms_are_checked(http, upload):
    assert upload("a.png", b"").status_code == 400
    assert upload("a.png", expires_after="1").json()["error"]["param"] == "expires_after"
    assert http.post("/files", json={"purpose": "storage"}).status_code == 400
    assert http.post("/files", files={"file": ("a.png", b"x")}).json()["error"]["param"] == "purpose"
    assert http.post("/files", data={"purpose": "storage"}, files={"other": ("a.png", b"x")}).status_code == 400
    assert (
        http.post("/files", data={"purpose": "storage", "file": "text"}, files={"url": ("a", b"x")}).status_code == 400
    )
    no_file = http.post("/files", files={"purpose": (None, "storage")})
    assert no_file.json()["error"]["message"] == "exactly one of file and url is required"
    as_text = http.post("/files", files={"purpose": (None, "storage"), "file": (None, "text")})
    assert as_text.status_code == 400
    broken = http.post("/files", content=b"nonsense", headers={"content-type": "multipart/form-data; boundary=x"})
    assert broken.status_code == 400


def test_lenient_ignores_other_fields():
    with stepfun_emulator.running(lenient=True) as base_url:
        response = httpx.post(
            f"{base_url}/files",
            data={"purpose": "storage", "expires_after": "1"},
            files={"file": ("a.png", b"x")},
            headers={"authorization": "Bearer a"},
        )
        assert response.status_code == 200


def test_urls_are_data_or_own_files(http, upload, emulator, data_uri):
    def by_url(url: str, purpose: str = "file-extract") -> httpx.Response:
        return http.post("/files", files={"purpose": (None, purpose), "url": (None, url)})

    assert by_url(data_uri(b"text", "text/plain")).json()["filename"] == "upload.txt"
    assert by_url(data_uri(b"RIFF", "audio/wav"), "storage").json()["filename"] == "upload.wav"
    entry = upload("a.md", b"# Title", "file-extract").json()
    for _ in range(2):
        http.get(f"/files/{entry['id']}")
    copied = by_url(f"{emulator.base_url}/files/{entry['id']}/content").json()
    assert copied["bytes"] == 7
    foreign = by_url("https://example.com/a.txt")
    assert foreign.json()["error"]["type"] == "input_invalid"
    assert "Cannot fetch the content of url(s)" in foreign.json()["error"]["message"]


@pytest.mark.parametrize(("name", "purpose", "limit"), [("a.txt", "file-extract", 64), ("a.mp4", "storage", 128)])
def test_sizes_are_limited(name, purpose, limit):
    assert Cabinet().add(name, purpose, bytes(limit * MB))["bytes"] == limit * MB
    with pytest.raises(Refusal, match="too large"):
        Cabinet().add(name, purpose, bytes(limit * MB + 1))


def test_an_account_has_a_thousand_files():
    cabinet = Cabinet()
    for _ in range(1000):
        cabinet.add("a.png", "storage", b"x")
    with pytest.raises(Refusal, match="at most 1000"):
        cabinet.add("a.png", "storage", b"x")


def office(name: str, content: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
        archive.writestr("other.xml", "<a>no</a>")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("ending", "data", "text"),
    [
        ("txt", b"\xef\xbb\xbfplain", "plain"),
        ("csv", "名称,数量".encode("gb18030"), "名称,数量"),
        ("xml", b"<a>1</a>", "<a>1</a>"),
        (
            "html",
            b"<head><title>No</title></head><p>One &amp; <b>two</b><script>x()</script></p></i><p>three",
            "One & two\nthree",
        ),
        ("docx", office("word/document.xml", "<w:p>A &lt; B</w:p><w:p>C</w:p>"), "A < B\nC"),
        ("xlsx", office("xl/sharedStrings.xml", "<si><t>cell</t></si>"), "cell"),
        ("docx", b"no zip", "[The StepFun emulator could not read this Office file.]"),
        ("pdf", b"%PDF", "[The StepFun emulator does not read pdf files: 4 bytes were uploaded.]"),
    ],
)
def test_texts_are_extracted(ending, data, text):
    assert extract(ending, data) == text
