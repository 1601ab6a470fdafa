"""What holds while a request is answered: a place among the calls that run at once, and files uploaded for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from stepfun_client.api.attachments import attach, detach

if TYPE_CHECKING:
    from stepfun_client import AsyncStepFunClient, ConcurrencyLimit, StepFunClient

Request = dict[str, Any]


@contextmanager
def sending(
    client: StepFunClient, request: Request, *, limit: ConcurrencyLimit | None, upload_above: int | None
) -> Iterator[Request]:
    """Wait for a place, upload what is large, and give both back at the end of the block.

    Args:
        client: Who uploads and deletes.
        request: The request as it would be sent.
        limit: How many may run at once; None for any number.
        upload_above: Pictures and videos of more bytes than this are uploaded; None uploads nothing.
    """
    with limit.held() if limit else nullcontext():
        if upload_above is None:
            yield request
            return
        attached = client.run(attach(request["messages"], above=upload_above))
        try:
            yield {**request, "messages": attached.messages}
        finally:
            client.run(detach(attached.file_ids))


@asynccontextmanager
async def sending_async(
    client: AsyncStepFunClient, request: Request, *, limit: ConcurrencyLimit | None, upload_above: int | None
) -> AsyncIterator[Request]:
    """Wait and upload asynchronously; see `sending`."""
    async with limit.held_async() if limit else nullcontext():
        if upload_above is None:
            yield request
            return
        attached = await client.run(attach(request["messages"], above=upload_above))
        try:
            yield {**request, "messages": attached.messages}
        finally:
            await client.run(detach(attached.file_ids))
