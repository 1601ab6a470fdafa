"""The files of a vector store: `/vector_stores/{id}/files` (WIRE.md section 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import AliasChoices, Field

from stepfun_client.api.pages import Listed, Page, all_pages
from stepfun_client.api.resource import (
    AsyncResource,
    BodyOptions,
    CallOptions,
    Resource,
    WireModel,
    WirePart,
    posting,
    read,
    sending,
    some_text,
)
from stepfun_client.core.call import Call, Flow
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Unpack

FileToAdd: TypeAlias = "str | Mapping[str, str]"

_LONGEST_DESCRIPTION = 255


class FileMetadata(WirePart):
    """What was said of a file when it was put into its store."""

    description: str | None = None


class VectorStoreFile(Listed):
    """A file in a vector store.

    Attributes:
        id: The file's own id, as `client.files` gave it.
        created_at: When it was put into the store, in Unix seconds.
        vector_store_id: The store.
    """

    id: str = Field(validation_alias=AliasChoices("id", "file_id"))
    vector_store_id: str | None = None
    metadata: FileMetadata | None = None

    @property
    def description(self) -> str | None:
        """What was said of it when it was put into the store."""
        return self.metadata.description if self.metadata else None


class AddedFiles(WireModel):
    """The files that were put into a store."""

    files: list[VectorStoreFile]


class Removed(WireModel):
    """What the service says of a store that was deleted, or of a file that was taken out of one."""

    id: str
    deleted: bool = True


def store_path(store_id: str) -> str:
    """The path of a store."""
    return f"/vector_stores/{quote(some_text(store_id, 'store_id'), safe='')}"


def add_files(store_id: str, files: Sequence[FileToAdd], **options: Unpack[BodyOptions]) -> Flow[list[VectorStoreFile]]:
    """Put uploaded files into a store."""
    if isinstance(files, (str, Mapping)) or not (named := list(files)):
        raise InvalidParameterError(
            'files must be a list of at least one file id or {"file_id": ..., "description": ...}', param="files"
        )
    body = {"files": [_entry(file, f"files[{at}]") for at, file in enumerate(named)]}
    reply = yield posting(f"{store_path(store_id)}/files", body, options)
    added = read(AddedFiles, reply)
    for file in added.files:
        file.trace_id = added.trace_id
    return added.files


def _entry(file: Any, at: str) -> dict[str, str]:
    """One file as the wire wants it; a text is its id."""
    given = {"file_id": file} if isinstance(file, str) else file if isinstance(file, Mapping) else {}
    entry = {name: value for name, value in given.items() if value is not None}
    file_id, description = entry.get("file_id"), entry.get("description", "")
    if not isinstance(file_id, str) or not file_id or entry.keys() - {"file_id", "description"}:
        raise InvalidParameterError(
            f'{at} is {file!r:.80}; it must be the id of a file, or {{"file_id": ..., "description": ...}}',
            param="files",
        )
    if not isinstance(description, str) or len(description) > _LONGEST_DESCRIPTION:
        raise InvalidParameterError(
            f"the description of {at} must be a text of at most {_LONGEST_DESCRIPTION} characters", param="files"
        )
    return entry


def list_files(store_id: str, **options: Unpack[CallOptions]) -> Flow[list[VectorStoreFile]]:
    """List a store's files."""
    return (yield from all_pages(Page[VectorStoreFile], f"{store_path(store_id)}/files", options))


def remove_file(store_id: str, file_id: str, **options: Unpack[CallOptions]) -> Flow[Removed]:
    """Take a file out of a store."""
    path = f"{store_path(store_id)}/files/{quote(some_text(file_id, 'file_id'), safe='')}"
    reply = yield Call("DELETE", path, **sending(options))
    return read(Removed, reply)


class VectorStoreFiles(Resource):
    """`client.vector_stores.files`: what a store knows."""

    def create(
        self, store_id: str, files: Sequence[FileToAdd], **options: Unpack[BodyOptions]
    ) -> list[VectorStoreFile]:
        """Put uploaded files into a store. They are processed afterwards; see `VectorStores.wait`.

        Args:
            store_id: The store's id.
            files: Ids of files whose purpose is `"retrieval-text"`, or for a store of images `"retrieval-image"`; or
                `{"file_id": ..., "description": ...}`. An image needs its description, of at most 255 characters.
            **options: `timeout`, `extra_headers` and `extra_body` of this call.

        Returns:
            The files.

        Raises:
            InvalidParameterError: If `files` is no list of such.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> file = client.files.create(b"The office closes at six.", purpose="retrieval-text", filename="hours.md")
            >>> store = client.vector_stores.create("office")
            >>> (added,) = client.vector_stores.files.create(store.id, [{"file_id": file.id, "description": "hours"}])
            >>> added.id == file.id, added.description
            (True, 'hours')
        """
        return self._runner.run(add_files(store_id, files, **options))

    def list(self, store_id: str, **options: Unpack[CallOptions]) -> list[VectorStoreFile]:
        """List a store's files, the newest first, page after page to the end.

        Raises:
            NotFoundError: If there is no such store.
        """
        return self._runner.run(list_files(store_id, **options))

    def delete(self, store_id: str, file_id: str, **options: Unpack[CallOptions]) -> Removed:
        """Take a file out of a store; the file itself stays, see `client.files.delete`.

        Raises:
            NotFoundError: If there is no such store, or no such file in it.
        """
        return self._runner.run(remove_file(store_id, file_id, **options))


class AsyncVectorStoreFiles(AsyncResource):
    """`client.vector_stores.files` of the asynchronous client; see `VectorStoreFiles`."""

    async def create(
        self, store_id: str, files: Sequence[FileToAdd], **options: Unpack[BodyOptions]
    ) -> list[VectorStoreFile]:
        """Put uploaded files into a store; see `VectorStoreFiles.create`."""
        return await self._runner.run(add_files(store_id, files, **options))

    async def list(self, store_id: str, **options: Unpack[CallOptions]) -> list[VectorStoreFile]:
        """List a store's files; see `VectorStoreFiles.list`."""
        return await self._runner.run(list_files(store_id, **options))

    async def delete(self, store_id: str, file_id: str, **options: Unpack[CallOptions]) -> Removed:
        """Take a file out of a store; see `VectorStoreFiles.delete`."""
        return await self._runner.run(remove_file(store_id, file_id, **options))
