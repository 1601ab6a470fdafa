"""What a chat message cannot hold as it is, made fit for it: large media uploaded, documents read.

A data URI grows a file by a third, and goes out again with each turn. Uploaded (purpose `storage`), a picture or a
video is named as `stepfile://<id>` (WIRE.md section 4); sound is taken inline only. A document is uploaded, extracted
as text by StepFun (purpose `file-extract`, section 11), and sent as that text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepfun_client.api.files import delete_file, file_content, upload, wait_for_file
from stepfun_client.errors import StepFunError
from stepfun_client.media import load
from stepfun_client.sniffing import ending_of

if TYPE_CHECKING:
    from stepfun_client.api.files import File, FileSource, FileText
    from stepfun_client.api.resource import AsyncRunner, Runner
    from stepfun_client.core.call import Flow

Message = Mapping[str, Any]
Part = Mapping[str, Any]

_HOLDERS = ("image_url", "video_url")


@dataclass
class Attached:
    """A conversation whose parts are fit to be sent, and the files to delete when it is answered."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    file_ids: list[str] = field(default_factory=list)


def has_documents(messages: Sequence[Message]) -> bool:
    """Whether a message holds a document, which must be read before it can be sent."""
    return any(
        isinstance(part, Mapping) and part.get("type") == "document"
        for message in messages
        if not isinstance(message.get("content"), str)
        for part in message.get("content") or ()
    )


def attach(messages: Sequence[Message], *, above: int | None, into: Attached) -> Flow[None]:
    """Upload what is large and read what is a document; the caller's messages stay as they are.

    Args:
        messages: The conversation as StepFun's message objects. A part `{"type": "document", "document": {"data":
            bytes, "name": "minutes.pdf"}}`, which is none of the wire's, becomes its text.
        above: Pictures and videos of more bytes than this are uploaded; None uploads none.
        into: Takes the conversation to send, and each file as soon as it is uploaded: whatever happens then, even a
            cancellation, its files are to be given to `detach`. One file is uploaded once, however often it occurs.
    """
    urls: dict[str, str] = {}
    for message in messages:
        content = message.get("content")
        if content and not isinstance(content, str):
            parts = []
            for part in content:
                fit = yield from _fit(part, above, urls, into.file_ids)
                parts.append(fit)
            into.messages.append({**message, "content": parts})
        else:
            into.messages.append(dict(message))


def detach(file_ids: Sequence[str]) -> Flow[None]:
    """Delete uploaded files; one that cannot be deleted does not keep the others, nor the answer."""
    for file_id in file_ids:
        with suppress(StepFunError):
            yield from delete_file(file_id)


@dataclass(frozen=True)
class Extracted:
    """A document's text, and the file it was extracted from as StepFun told of it when it was ready."""

    file: File
    text: FileText


def extract(
    source: FileSource, *, file_ids: list[str], name: str | None = None, deadline: float = 120.0, poll: float = 1.0
) -> Flow[Extracted]:
    """Read a document as text: upload it, which `file_ids` is told, wait until it is parsed, and fetch its text."""
    uploaded = yield from upload(source, purpose="file-extract", filename=name)
    file_ids.append(uploaded.id)
    file = yield from wait_for_file(uploaded.id, deadline=deadline, poll=poll)
    text = yield from file_content(file.id)
    return Extracted(file, text)


def extracted(runner: Runner, source: FileSource, *, delete: bool = True, **options: Any) -> Extracted:
    """Read a document as text and delete the upload, whatever happens; `options` are those of `extract`."""
    file_ids: list[str] = []
    try:
        return runner.run(extract(source, file_ids=file_ids, **options))
    finally:
        if delete and file_ids:
            runner.run(detach(file_ids))


async def extracted_async(runner: AsyncRunner, source: FileSource, *, delete: bool = True, **options: Any) -> Extracted:
    """Read a document as text asynchronously; see `extracted`."""
    file_ids: list[str] = []
    try:
        return await runner.run(extract(source, file_ids=file_ids, **options))
    finally:
        if delete and file_ids:
            await runner.run(detach(file_ids))


def _fit(part: Any, above: int | None, urls: dict[str, str], file_ids: list[str]) -> Flow[Any]:
    if isinstance(part, Mapping) and part.get("type") == "document":
        document = part["document"]
        read = yield from extract(document["data"], name=document["name"], file_ids=file_ids)
        return {"type": "text", "text": f"{document['name']}:\n{read.text}"}
    url = _data_uri(part)
    if url is None or above is None or _size(url) <= above:
        return part
    if url not in urls:
        media = load(url)
        name = f"attachment-{len(urls) + 1}{ending_of(media.media_type or '')}"
        file = yield from upload(media.data, purpose="storage", filename=name)
        file_ids.append(file.id)
        urls[url] = file.url
    return {**part, part["type"]: {**part[part["type"]], "url": urls[url]}}


def _data_uri(part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    url = (part.get(kind) or {}).get("url") if kind in _HOLDERS else None
    return url if isinstance(url, str) and url.startswith("data:") else None


def _size(data_uri: str) -> int:
    return (len(data_uri) - data_uri.index(",") - 1) * 3 // 4 - data_uri[-2:].count("=")
