"""Files: `/files` (WIRE.md section 11). Uploaded once, a picture or video is named in any chat as `stepfile://<id>`."""

from __future__ import annotations

import io
import mimetypes
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stepfun_client.api.resource import AsyncResource, CallOptions, Resource, WireModel, checked, read
from stepfun_client.core.call import Call, Flow, Pause, Source, Upload
from stepfun_client.errors import APITimeoutError, InvalidParameterError
from stepfun_client.progress import progress_bar
from stepfun_client.sniffing import by_name

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Self, Unpack

FileSource: TypeAlias = "Source | str"

MB = 1024 * 1024
_TEXT_FORMATS = ["txt", "md", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv", "html", "htm", "xml"]
_LIMITS: dict[str, tuple[int, list[str] | None]] = {  # purpose -> most bytes, endings
    "file-extract": (64 * MB, _TEXT_FORMATS),
    "retrieval-text": (64 * MB, _TEXT_FORMATS),
    "retrieval-image": (64 * MB, ["jpg", "jpeg", "png"]),
    "storage": (128 * MB, None),
}


class File(WireModel):
    """A file StepFun keeps.

    Attributes:
        id: What names it; in a chat message as `stepfile://<id>`.
        bytes: Its size.
        created_at: When it came, in Unix seconds.
        status: `success` when it is ready, `processed` while it is still being parsed (so says the service).
    """

    id: str
    bytes: int | None = None
    created_at: int | None = None
    filename: str | None = None
    purpose: str | None = None
    status: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it can be used; a file without a status can."""
        return self.status in (None, "success")

    @property
    def url(self) -> str:
        """How a chat message names it."""
        return f"stepfile://{self.id}"


class FileText(str):
    """The text StepFun extracted from a file: a string, with the exchange's trace id.

    Attributes:
        trace_id: The exchange's trace id; quote it to StepFun's support.
    """

    __slots__ = ("trace_id",)

    trace_id: str | None

    def __new__(cls, text: str, *, trace_id: str | None = None) -> Self:
        """Make the text."""
        made = super().__new__(cls, text)
        made.trace_id = trace_id
        return made


class FileList(WireModel):
    """The account's files."""

    data: list[File]


class DeletedFile(WireModel):
    """What the service says of a deleted file."""

    id: str
    deleted: bool = True


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    given = checked(CallOptions, options)
    return {"kind": "file", "timeout": given.get("timeout"), "headers": given.get("extra_headers") or {}}


def upload(
    file: FileSource,
    *,
    purpose: str,
    filename: str | None = None,
    report: Callable[[int], object] | None = None,
    **options: Unpack[CallOptions],
) -> Flow[File]:
    """Upload a file, or let the service fetch it from a URL; `report` is told how many bytes have been read."""
    if isinstance(file, io.TextIOBase):
        raise InvalidParameterError("the file is open as text; open it in binary mode: open(path, 'rb')", param="file")
    if isinstance(file, str):
        if not file.startswith(("http://", "https://")):
            raise InvalidParameterError(
                f"{file[:80]!r} is no http(s) URL; pass a path as pathlib.Path(...), or bytes, or a file open for "
                "reading in binary mode",
                param="file",
            )
        call = Call("POST", "/files", form={"purpose": purpose, "url": file}, **_options(options))
    else:
        name = filename or _name_of(file)
        _check(purpose, name, _size_of(file))
        media_type = by_name(name) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        body = Upload(file, name, media_type, report)
        call = Call("POST", "/files", form={"purpose": purpose}, upload=("file", body), **_options(options))
    reply = yield call
    return read(File, reply)


def list_files(**options: Unpack[CallOptions]) -> Flow[list[File]]:
    """List the account's files."""
    reply = yield Call("GET", "/files", **_options(options))
    listed = read(FileList, reply)
    for file in listed.data:
        file.trace_id = listed.trace_id
    return listed.data


def _path(file_id: str) -> str:
    if not file_id:
        raise InvalidParameterError("file_id is empty; it must be the id of one file", param="file_id")
    return f"/files/{quote(file_id, safe='')}"


def retrieve_file(file_id: str, **options: Unpack[CallOptions]) -> Flow[File]:
    """Look one file up."""
    reply = yield Call("GET", _path(file_id), **_options(options))
    return read(File, reply)


def file_content(file_id: str, **options: Unpack[CallOptions]) -> Flow[FileText]:
    """Read the text StepFun extracted."""
    reply = yield Call("GET", f"{_path(file_id)}/content", **_options(options))
    return FileText(reply.content.decode("utf-8", "replace"), trace_id=reply.trace_id)


def delete_file(file_id: str, **options: Unpack[CallOptions]) -> Flow[DeletedFile]:
    """Delete one file."""
    reply = yield Call("DELETE", _path(file_id), **_options(options))
    return read(DeletedFile, reply)


def wait_for_file(
    file_id: str, *, deadline: float = 120.0, poll: float = 1.0, **options: Unpack[CallOptions]
) -> Flow[File]:
    """Look a file up again and again until it is ready."""
    end = time.monotonic() + deadline
    while True:
        file = yield from retrieve_file(file_id, **options)
        if file.is_ready:
            return file
        if time.monotonic() + poll > end:
            raise APITimeoutError(
                f"file {file_id} still has status {file.status!r} after {deadline:g} s; wait longer with deadline=..., "
                "or upload it again",
                trace_id=file.trace_id,
            )
        yield Pause(poll)


class Files(Resource):
    """`client.files`: upload, wait, list, content, delete."""

    def create(
        self,
        file: FileSource,
        *,
        purpose: str = "storage",
        filename: str | None = None,
        progress: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> File:
        """Upload a file. A path is read in pieces, so its size does not count in memory.

        Args:
            file: A `pathlib.Path`, bytes, a file open for reading in binary mode (sent from where it stands, not
                closed), or an http(s) URL the service fetches by itself.
            purpose: `"storage"` (pictures, videos, sound for chat; up to 128 MB), `"file-extract"` (documents as text,
                up to 64 MB), `"retrieval-text"`, `"retrieval-image"` (knowledge base, up to 64 MB).
            filename: The name the service is told; the file's own by default.
            progress: Whether to show a bar over the bytes read; None for files of 1 MB and more where somebody is
                watching.
            **options: `timeout` and `extra_headers` of this call.

        Returns:
            The file; documents may still be parsed, see `wait`.

        Raises:
            InvalidParameterError: If it is too large for its purpose, or of a kind the purpose does not take.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> file = client.files.create(b"# Minutes", purpose="file-extract", filename="minutes.md")
            >>> client.files.wait(file.id, poll=0.1).status
            'success'
            >>> client.files.content(file.id)
            '# Minutes'
        """
        with _watched(file, wanted=progress) as report:
            return self._runner.run(upload(file, purpose=purpose, filename=filename, report=report, **options))

    def list(self, **options: Unpack[CallOptions]) -> list[File]:
        """List the account's files; an account keeps up to 1,000.

        Example:
            >>> all(file.id for file in client.files.list())
            True
        """
        return self._runner.run(list_files(**options))

    def retrieve(self, file_id: str, **options: Unpack[CallOptions]) -> File:
        """Look one up by its id.

        Raises:
            NotFoundError: If there is no such file.
        """
        return self._runner.run(retrieve_file(file_id, **options))

    def wait(self, file_id: str, *, deadline: float = 120.0, poll: float = 1.0, **options: Unpack[CallOptions]) -> File:
        """Wait until a file is ready: `processed` means that it is still being parsed.

        Args:
            file_id: The file's id.
            deadline: After how many seconds to give up.
            poll: Seconds between two looks.
            **options: `timeout` and `extra_headers` of each call.

        Returns:
            The file, ready.

        Raises:
            APITimeoutError: If it is not ready by the deadline.
        """
        return self._runner.run(wait_for_file(file_id, deadline=deadline, poll=poll, **options))

    def content(self, file_id: str, **options: Unpack[CallOptions]) -> FileText:
        """Read the text StepFun extracted from a `file-extract` file.

        Raises:
            APIStatusError: If the file has another purpose, or is not ready.
        """
        return self._runner.run(file_content(file_id, **options))

    def delete(self, file_id: str, **options: Unpack[CallOptions]) -> DeletedFile:
        """Delete one.

        Raises:
            NotFoundError: If there is no such file.
        """
        return self._runner.run(delete_file(file_id, **options))


class AsyncFiles(AsyncResource):
    """`client.files` of the asynchronous client; see `Files`."""

    async def create(
        self,
        file: FileSource,
        *,
        purpose: str = "storage",
        filename: str | None = None,
        progress: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> File:
        """Upload a file; see `Files.create`."""
        with _watched(file, wanted=progress) as report:
            return await self._runner.run(upload(file, purpose=purpose, filename=filename, report=report, **options))

    async def list(self, **options: Unpack[CallOptions]) -> list[File]:
        """List the account's files; see `Files.list`."""
        return await self._runner.run(list_files(**options))

    async def retrieve(self, file_id: str, **options: Unpack[CallOptions]) -> File:
        """Look one up by its id; see `Files.retrieve`."""
        return await self._runner.run(retrieve_file(file_id, **options))

    async def wait(
        self, file_id: str, *, deadline: float = 120.0, poll: float = 1.0, **options: Unpack[CallOptions]
    ) -> File:
        """Wait until a file is ready; see `Files.wait`."""
        return await self._runner.run(wait_for_file(file_id, deadline=deadline, poll=poll, **options))

    async def content(self, file_id: str, **options: Unpack[CallOptions]) -> FileText:
        """Read the text StepFun extracted; see `Files.content`."""
        return await self._runner.run(file_content(file_id, **options))

    async def delete(self, file_id: str, **options: Unpack[CallOptions]) -> DeletedFile:
        """Delete one; see `Files.delete`."""
        return await self._runner.run(delete_file(file_id, **options))


@contextmanager
def _watched(file: FileSource, *, wanted: bool | None) -> Iterator[Callable[[int], object] | None]:
    """Show a bar for a large file of our own; give what is to be told of the bytes read, None where nobody looks."""
    size = None if isinstance(file, (str, io.TextIOBase)) else _size_of(file)
    is_small = size is None or size < MB
    shown = False if isinstance(file, str) or (wanted is None and is_small) else wanted
    with progress_bar(size, unit="B", description="upload", wanted=shown) as bar:
        yield bar.reach if bar.is_shown else None


def _name_of(file: Source) -> str:
    if isinstance(file, os.PathLike):
        return Path(file).name
    name = getattr(file, "name", None)
    if isinstance(name, str) and name:
        return Path(name).name
    raise InvalidParameterError(
        "the file has no name of its own; pass filename='...', whose ending tells StepFun its format", param="filename"
    )


def _size_of(file: Source) -> int | None:
    if isinstance(file, os.PathLike):
        return Path(file).stat().st_size
    if isinstance(file, (bytes, bytearray, memoryview)):
        return len(file)
    if not file.seekable():
        return None
    here = file.tell()
    size = file.seek(0, os.SEEK_END) - here
    file.seek(here)
    return size


def _check(purpose: str, name: str, size: int | None) -> None:
    most, endings = _LIMITS.get(purpose, (None, None))
    if size is not None and most is not None and size > most:
        raise InvalidParameterError(
            f"{name} has {size / MB:.1f} MB; StepFun takes at most {most // MB} MB for purpose {purpose!r}. Split a "
            "video with: ffmpeg -i input.mp4 -c copy -f segment -segment_time 120 -reset_timestamps 1 output_%d.mp4",
            param="file",
        )
    ending = Path(name).suffix.lower().lstrip(".")
    if endings and ending not in endings:
        raise InvalidParameterError(
            f"{name}: purpose {purpose!r} takes {', '.join(endings)}; give the file such a name with filename=..., or "
            "use purpose='storage' for pictures, videos and sound",
            param="file",
        )
