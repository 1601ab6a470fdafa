"""Lists that come in pages, followed to their end (WIRE.md sections 7 and 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from stepfun_client.api.resource import WireModel, read, sending
from stepfun_client.core.call import Call, Flow

_MOST = 100  # the most the service puts on one page; unasked it puts 20


class Listed(WireModel):
    """What comes in pages."""

    id: str
    created_at: int | None = None


ItemT = TypeVar("ItemT", bound=Listed)


class Page(WireModel, Generic[ItemT]):
    """A page of a list, the newest first.

    Attributes:
        last_id: What the next page begins after.
    """

    data: list[ItemT]
    has_more: bool = False
    last_id: str | None = None


def all_pages(page_of: type[Page[ItemT]], path: str, options: Mapping[str, Any]) -> Flow[list[ItemT]]:
    """List everything: the first page alone would lose the rest unnoticed."""
    kept, after = sending(options), None
    found: dict[str, ItemT] = {}
    while True:
        reply = yield Call("GET", path, query={"limit": _MOST, "after": after}, **kept)
        page = read(page_of, reply)
        new = {item.id: item for item in page.data if item.id not in found}
        for item in new.values():
            item.trace_id = page.trace_id
        found |= new
        if not page.has_more or not new:  # a page without news would come again for ever
            return list(found.values())
        after = page.last_id or page.data[-1].id
