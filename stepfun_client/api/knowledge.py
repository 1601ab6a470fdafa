"""Vector stores, StepFun's knowledge bases: `/vector_stores` (WIRE.md section 11).

No way is documented to search a store by itself: a chat uses it through the server tool `retrieval`, which
`retrieval_tool` describes.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Literal

from stepfun_client.api.knowledge_files import AsyncVectorStoreFiles, Removed, VectorStoreFiles, store_path
from stepfun_client.api.pages import Listed, Page, all_pages
from stepfun_client.api.resource import (
    AsyncResource,
    BodyOptions,
    CallOptions,
    Resource,
    WirePart,
    posting,
    read,
    sending,
    some_text,
)
from stepfun_client.core.call import Call, Flow, Pause
from stepfun_client.errors import APITimeoutError, InvalidParameterError

if TYPE_CHECKING:
    from typing_extensions import Unpack

StoreType = Literal["text", "image"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_PLACEHOLDERS = ("{{knowledge}}", "{{query}}")
_TEMPLATE = (
    "Answer the question {{query}} from this material alone:\n{{knowledge}}\n"
    "If the answer is not in it, say that it was not found. Use the language of the question."
)


class FileCounts(WirePart):
    """A store's files by the state of their processing."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class VectorStore(Listed):
    """A knowledge base.

    Attributes:
        id: What names it, here and in `retrieval_tool`.
        created_at: When it was made, in Unix seconds.
        type: `text` or `image`.
        file_counts: How far the processing of its files is.
    """

    name: str | None = None
    type: str | None = None
    file_counts: FileCounts | None = None

    @property
    def is_ready(self) -> bool:
        """Whether none of its files is still being processed."""
        return self.file_counts is None or not self.file_counts.in_progress


def create_store(name: str, type: StoreType = "text", **options: Unpack[BodyOptions]) -> Flow[VectorStore]:  # noqa: A002
    """Make a store."""
    if not _NAME.fullmatch(some_text(name, "name")):
        raise InvalidParameterError(
            f"the name is {name!r}; StepFun takes ASCII letters, digits and _, and no _ at the beginning", param="name"
        )
    if type not in ("text", "image"):
        raise InvalidParameterError(f"type is {type!r}; it must be 'text' or 'image'", param="type")
    reply = yield posting("/vector_stores", {"name": name, "type": type}, options)
    store = read(VectorStore, reply)
    store.type = store.type or type  # StepFun's sample of this reply holds no more than id and name
    return store


def list_stores(**options: Unpack[CallOptions]) -> Flow[list[VectorStore]]:
    """List the account's stores."""
    return (yield from all_pages(Page[VectorStore], "/vector_stores", options))


def retrieve_store(store_id: str, **options: Unpack[CallOptions]) -> Flow[VectorStore]:
    """Look one store up."""
    reply = yield Call("GET", store_path(store_id), **sending(options))
    return read(VectorStore, reply)


def wait_for_store(
    store_id: str, *, deadline: float = 120.0, poll: float = 1.0, **options: Unpack[CallOptions]
) -> Flow[VectorStore]:
    """Look a store up again and again until its files are processed."""
    end = time.monotonic() + deadline
    while True:
        store = yield from retrieve_store(store_id, **options)
        if store.is_ready:
            return store
        if time.monotonic() + poll > end:
            raise APITimeoutError(
                f"vector store {store_id} still has files in progress after {deadline:g} s; wait longer with "
                "deadline=...",
                trace_id=store.trace_id,
            )
        yield Pause(poll)


def delete_store(store_id: str, **options: Unpack[CallOptions]) -> Flow[Removed]:
    """Delete one store."""
    reply = yield Call("DELETE", store_path(store_id), **sending(options))
    return read(Removed, reply)


def retrieval_tool(store_id: str, *, name: str, description: str, prompt_template: str | None = None) -> dict[str, Any]:
    """Describe the server tool with which a chat looks into a vector store; it goes among the chat's `tools`.

    StepFun runs it by itself: the answer is built on what was found, and the reply shows no tool call.

    Args:
        store_id: The store's id.
        name: What to call it, as a function would be called.
        description: What the store knows; the model decides by it when to look.
        prompt_template: What the model is told, with the passages that were found in the place of `{{knowledge}}` and
            the question in the place of `{{query}}`. By default: answer from them alone, or say that nothing was
            found.

    Returns:
        The tool.

    Raises:
        InvalidParameterError: If something is missing, a placeholder of the template included.

    Example:
        >>> tool = retrieval_tool("167907758199320576", name="handbook", description="The rules of the office")
        >>> tool["type"], tool["function"]["options"]["vector_store_id"]
        ('retrieval', '167907758199320576')
    """
    template = _TEMPLATE if prompt_template is None else prompt_template
    given = {"store_id": store_id, "name": name, "description": description, "prompt_template": template}
    for param, value in given.items():
        some_text(value, param)
    for placeholder in _PLACEHOLDERS:
        if placeholder not in template:
            raise InvalidParameterError(
                f"prompt_template lacks {placeholder}; StepFun fills {' and '.join(_PLACEHOLDERS)}, and it must hold "
                "both",
                param="prompt_template",
            )
    options = {"vector_store_id": store_id, "prompt_template": template}
    return {"type": "retrieval", "function": {"name": name, "description": description, "options": options}}


class VectorStores(Resource):
    """`client.vector_stores`: knowledge bases; what they know is in `.files`."""

    @property
    def files(self) -> VectorStoreFiles:
        """The files of a store."""
        return VectorStoreFiles(self._runner)

    def create(self, name: str, type: StoreType = "text", **options: Unpack[BodyOptions]) -> VectorStore:  # noqa: A002
        """Make a store.

        Args:
            name: ASCII letters, digits and `_`, and no `_` at the beginning.
            type: `"text"` for documents, `"image"` for pictures with descriptions.
            **options: `timeout`, `extra_headers` and `extra_body` of this call.

        Returns:
            The store, empty.

        Raises:
            InvalidParameterError: If the name or the type is none.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> file = client.files.create(b"The office closes at six.", purpose="retrieval-text", filename="hours.md")
            >>> store = client.vector_stores.create("office")
            >>> added = client.vector_stores.files.create(store.id, [file.id])
            >>> client.vector_stores.wait(store.id, poll=0.1).file_counts.completed
            1
            >>> tool = retrieval_tool(store.id, name="office", description="The rules and hours of the office")
            >>> question = {"role": "user", "content": "When does the office close?"}
            >>> reply = client.chat.create(model="step-3.7-flash", messages=[question], tools=[tool])
            >>> "closes at six" in reply.text, reply.tool_calls
            (True, [])
        """
        return self._runner.run(create_store(name, type, **options))

    def list(self, **options: Unpack[CallOptions]) -> list[VectorStore]:
        """List the account's stores, the newest first, page after page to the end.

        Example:
            >>> all(store.id for store in client.vector_stores.list())
            True
        """
        return self._runner.run(list_stores(**options))

    def retrieve(self, store_id: str, **options: Unpack[CallOptions]) -> VectorStore:
        """Look one up by its id.

        Raises:
            NotFoundError: If there is no such store.
        """
        return self._runner.run(retrieve_store(store_id, **options))

    def wait(
        self, store_id: str, *, deadline: float = 120.0, poll: float = 1.0, **options: Unpack[CallOptions]
    ) -> VectorStore:
        """Wait until none of a store's files is still being processed: before that a chat may not find them.

        Args:
            store_id: The store's id.
            deadline: After how many seconds to give up.
            poll: Seconds between two looks.
            **options: `timeout` and `extra_headers` of each call.

        Returns:
            The store; `file_counts.failed` says whether a file could not be processed.

        Raises:
            APITimeoutError: If it is not ready by the deadline.
        """
        return self._runner.run(wait_for_store(store_id, deadline=deadline, poll=poll, **options))

    def delete(self, store_id: str, **options: Unpack[CallOptions]) -> Removed:
        """Delete one; its files stay, see `client.files.delete`.

        Raises:
            NotFoundError: If there is no such store.
        """
        return self._runner.run(delete_store(store_id, **options))


class AsyncVectorStores(AsyncResource):
    """`client.vector_stores` of the asynchronous client; see `VectorStores`."""

    @property
    def files(self) -> AsyncVectorStoreFiles:
        """The files of a store."""
        return AsyncVectorStoreFiles(self._runner)

    async def create(self, name: str, type: StoreType = "text", **options: Unpack[BodyOptions]) -> VectorStore:  # noqa: A002
        """Make a store; see `VectorStores.create`."""
        return await self._runner.run(create_store(name, type, **options))

    async def list(self, **options: Unpack[CallOptions]) -> list[VectorStore]:
        """List the account's stores; see `VectorStores.list`."""
        return await self._runner.run(list_stores(**options))

    async def retrieve(self, store_id: str, **options: Unpack[CallOptions]) -> VectorStore:
        """Look one up by its id; see `VectorStores.retrieve`."""
        return await self._runner.run(retrieve_store(store_id, **options))

    async def wait(
        self, store_id: str, *, deadline: float = 120.0, poll: float = 1.0, **options: Unpack[CallOptions]
    ) -> VectorStore:
        """Wait until a store's files are processed; see `VectorStores.wait`."""
        return await self._runner.run(wait_for_store(store_id, deadline=deadline, poll=poll, **options))

    async def delete(self, store_id: str, **options: Unpack[CallOptions]) -> Removed:
        """Delete one; see `VectorStores.delete`."""
        return await self._runner.run(delete_store(store_id, **options))
