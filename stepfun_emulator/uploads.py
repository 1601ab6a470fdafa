"""The endpoints under /files (WIRE.md section 11)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from stepfun_emulator.errors import invalid, undocumented, unfetchable
from stepfun_emulator.media import read_data_uri
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request

_OWN = re.compile(r"/v1/files/(?P<id>[^/]+)/content")
_ENDINGS = {"text/plain": "txt", "text/markdown": "md", "image/jpeg": "jpg", "audio/mpeg": "mp3", "audio/x-wav": "wav"}


async def create(request: Request) -> Response:
    """Upload a file, or name one by URL."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise invalid("file", "files are uploaded as multipart/form-data")
    try:
        async with request.form() as form:
            filename, data = await _content(form, request)
            purpose = form.get("purpose")
    except HTTPException as error:
        raise invalid("file", f"the form cannot be read: {error.detail}") from None
    if not isinstance(purpose, str):
        raise invalid("purpose", "purpose is required")
    return JSONResponse(service_of(request).files.add(filename, purpose, data))


async def _content(form: FormData, request: Request) -> tuple[str, bytes]:
    """The name and the bytes: of exactly one of ``file`` and ``url``."""
    if not service_of(request).lenient:
        for name in form:
            if name not in ("purpose", "file", "url"):
                raise undocumented(name)
    file, url = form.get("file"), form.get("url")
    if (file is None) == (url is None):
        raise invalid("file", "exactly one of file and url is required")
    if isinstance(file, UploadFile):
        return file.filename or "upload", await file.read()
    if not isinstance(url, str):
        raise invalid("file", "file must be a file and url a string")
    return _by_url(url, request)


def _by_url(url: str, request: Request) -> tuple[str, bytes]:
    """The emulator fetches nothing: data URIs and its own files are all that it can read."""
    try:
        declared, data = read_data_uri(url)
    except ValueError:
        own = _OWN.fullmatch(url.removeprefix(str(request.base_url).rstrip("/")))
        if own is None:
            raise unfetchable(url) from None
        return "upload.txt", service_of(request).files.text(own["id"]).encode()
    return f"upload.{_ENDINGS.get(declared, declared.partition('/')[2] or 'txt')}", data


async def list_all(request: Request) -> Response:
    """All files, on one page: at most a thousand, and clients that page must be told that there is no other."""
    return JSONResponse({"object": "list", "data": service_of(request).files.list_all(), "has_more": False})


async def retrieve(request: Request) -> Response:
    """One file, with the state of its parsing."""
    return JSONResponse(service_of(request).files.poll(request.path_params["id"]))


async def content(request: Request) -> Response:
    """The text of a file of purpose ``file-extract``."""
    return PlainTextResponse(service_of(request).files.text(request.path_params["id"]))


async def delete(request: Request) -> Response:
    """Delete a file."""
    return JSONResponse(service_of(request).files.remove(request.path_params["id"]))
