"""What holds while a request is answered: a place among the calls that run at once, and files uploaded for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from stepfun_client.api.attachments import Attached, attach, detach, has_documents

if TYPE_CHECKING:
    from stepfun_client.client import AsyncStepFunClient, StepFunClient
    from stepfun_client.core.concurrency import ConcurrencyLimit

Request = dict[str, Any]


@contextmanager
def sending(
    client: StepFunClient, request: Request, *, upload_above: int | None, limit: ConcurrencyLimit | None = None
) -> Iterator[Request]:
    """Wait for a place, upload what is large, read what is a document; give place and files back at the block's end.

    Args:
        client: Who uploads and deletes.
        request: The request as it would be sent, with its `messages`.
        upload_above: Pictures and videos of more bytes than this are uploaded; None uploads none.
        limit: How many may run at once; None for any number.
    """
    with limit.held() if limit else nullcontext():
        if upload_above is None and not has_documents(request["messages"]):
            yield request
            return
        attached = Attached()
        try:
            client.run(attach(request["messages"], above=upload_above, into=attached))
            yield {**request, "messages": attached.messages}
        finally:
            if attached.file_ids:
                client.run(detach(attached.file_ids))


@asynccontextmanager
async def sending_async(
    client: AsyncStepFunClient, request: Request, *, upload_above: int | None, limit: ConcurrencyLimit | None = None
) -> AsyncIterator[Request]:
    """Wait, upload and read asynchronously; see `sending`."""
    async with limit.held_async() if limit else nullcontext():
        if upload_above is None and not has_documents(request["messages"]):
            yield request
            return
        attached = Attached()
        try:
            await client.run(attach(request["messages"], above=upload_above, into=attached))
            yield {**request, "messages": attached.messages}
        finally:
            if attached.file_ids:
                await client.run(detach(attached.file_ids))
