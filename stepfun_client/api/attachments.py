"""Large pictures and videos of a chat, uploaded instead of sent along.

A data URI grows a file by a third, and goes out again with each turn. Uploaded (purpose `storage`), a picture or a
video is named as `stepfile://<id>` (WIRE.md section 4); sound is taken inline only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stepfun_client.api.files import delete_file, upload
from stepfun_client.errors import StepFunError
from stepfun_client.media import Media, load
from stepfun_client.sniffing import ending_of

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow

Message = Mapping[str, Any]

_HOLDERS = ("image_url", "video_url")


class Attached:
    """A conversation whose large parts have been uploaded, and the files to delete when it is answered."""

    def __init__(self, messages: list[dict[str, Any]], file_ids: list[str]) -> None:
        self.messages = messages
        self.file_ids = file_ids


def attach(messages: Sequence[Message], *, above: int) -> Flow[Attached]:
    """Upload what is larger than so many bytes; the caller's messages stay as they are.

    Args:
        messages: The conversation as StepFun's message objects.
        above: Files of more bytes than this are uploaded.

    Returns:
        The conversation with `stepfile://` in their place. One file is uploaded once, however often it occurs.
    """
    urls: dict[str, str] = {}
    file_ids: list[str] = []
    sent: list[dict[str, Any]] = []
    try:
        for message in messages:
            content = message.get("content")
            if not isinstance(content, str) and content:
                parts = []
                for part in content:
                    url = _data_uri(part)
                    if url is not None and _size(url) > above and url not in urls:
                        media = load(url)
                        file = yield from upload(media.data, purpose="storage", filename=_name(media, len(urls)))
                        file_ids.append(file.id)
                        urls[url] = file.url
                    parts.append(_replaced(part, urls.get(url or "")))
                message = {**message, "content": parts}  # noqa: PLW2901 - a copy takes its place
            sent.append(dict(message))
    except StepFunError:
        yield from detach(file_ids)
        raise
    return Attached(sent, file_ids)


def detach(file_ids: Sequence[str]) -> Flow[None]:
    """Delete uploaded files; one that cannot be deleted does not keep the others, nor the answer."""
    for file_id in file_ids:
        with suppress(StepFunError):
            yield from delete_file(file_id)


def _data_uri(part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    url = (part.get(kind) or {}).get("url") if kind in _HOLDERS else None
    return url if isinstance(url, str) and url.startswith("data:") else None


def _replaced(part: Any, url: str | None) -> Any:
    return part if url is None else {**part, part["type"]: {**part[part["type"]], "url": url}}


def _size(data_uri: str) -> int:
    return (len(data_uri) - data_uri.index(",") - 1) * 3 // 4


def _name(media: Media, number: int) -> str:
    return f"attachment-{number + 1}{ending_of(media.media_type or '')}"
