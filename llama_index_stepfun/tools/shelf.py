"""What tools made, kept a while under names that a model can repeat and nobody can guess."""

from __future__ import annotations

import secrets
from typing import Generic, SupportsBytes, TypeVar

ThingT = TypeVar("ThingT", bound=SupportsBytes)


class Shelf(Generic[ThingT]):
    """Keeps the last things made in this process; a copy or a pickle of a shelf is an empty one.

    A model names what an earlier call made, so that the content need not pass through the model. One shelf may serve
    several agents, threads and event loops: a name is random, so whoever knows it was told it.

    Args:
        kind: What lies here, e.g. `"audio"`: names begin with it.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, ThingT] = {}

    def put(self, thing: ThingT, *, most: int, most_bytes: int) -> str:
        """Keep a thing, and let the oldest ones go.

        Args:
            thing: What to keep; its bytes are what counts as its size.
            most: How many things to keep, this one included; with 0, not even this one.
            most_bytes: How many bytes to keep together; this one is kept however large it is.

        Returns:
            Its name.
        """
        name = f"{self.kind}-{secrets.token_hex(6)}"
        self._things[name] = thing
        for surplus in self._surplus(most, most_bytes):
            self._things.pop(surplus, None)  # another thread may have been here first
        return name

    def _surplus(self, most: int, most_bytes: int) -> list[str]:
        surplus, kept, total = [], 0, 0
        for name, thing in reversed(list(self._things.items())):
            kept, total = kept + 1, total + len(bytes(thing))
            if kept > most or (kept > 1 and total > most_bytes):
                surplus.append(name)
        return surplus

    def get(self, name: str) -> ThingT | None:
        """Return what has this name, or None: it never existed here, or went to make room."""
        return self._things.get(name)

    def is_name(self, text: str) -> bool:
        """Say whether a text looks like one of this shelf's names."""
        head, dash, tail = text.partition("-")
        return head == self.kind and bool(dash) and tail.isalnum()

    def __reduce__(self) -> tuple[type[Shelf[ThingT]], tuple[str]]:
        return type(self), (self.kind,)
