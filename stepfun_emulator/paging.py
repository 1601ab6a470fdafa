"""Lists in pages, as StepFun's documents describe them: ``limit``, ``order``, ``before`` and ``after``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepfun_emulator.errors import invalid, undocumented

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_USUAL, _MOST = 20, 100


def page(entries: Sequence[dict[str, Any]], asked: Mapping[str, str], *, lenient: bool) -> dict[str, Any]:
    """The page of a list that a query asks for.

    Args:
        entries: The whole list, the oldest first; each has an ``id``.
        asked: The query's parameters.
        lenient: Ignore parameters that are not documented.

    Raises:
        Refusal: A parameter is out of range, or points at nothing.
    """
    for name in asked:
        if name not in ("limit", "order", "before", "after") and not lenient:
            raise undocumented(name)
    limit, order = asked.get("limit", str(_USUAL)), asked.get("order", "desc")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= _MOST):
        raise invalid("limit", f"limit must be a whole number from 1 to {_MOST}")
    if order not in ("asc", "desc"):
        raise invalid("order", "order must be asc or desc")
    inside = list(entries) if order == "asc" else list(reversed(entries))
    if "after" in asked:
        inside = inside[_position(inside, asked, "after") + 1 :]
    if "before" in asked:
        inside = inside[: _position(inside, asked, "before")]
    # What stands before a pointer ends at it; everything else begins at the beginning.
    shown = inside[-int(limit) :] if "before" in asked and "after" not in asked else inside[: int(limit)]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else "",
        "last_id": shown[-1]["id"] if shown else "",
        "has_more": len(shown) < len(inside),
    }


def _position(entries: list[dict[str, Any]], asked: Mapping[str, str], name: str) -> int:
    for at, entry in enumerate(entries):
        if entry["id"] == asked[name]:
            return at
    raise invalid(name, f"{name} is {asked[name]!r}, which is not in the list")
