"""The pictures that answers point at by URL."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepfun_emulator.images.painting import Painted

_MOST_PICTURES = 200
_MOST_BYTES = 256 * 1024 * 1024


class Gallery:
    """Pictures by their names; the oldest make room for the newest.

    Args:
        most_pictures: How many are kept.
        most_bytes: How much they may hold together; the newest is kept whatever it holds.
    """

    def __init__(self, most_pictures: int = _MOST_PICTURES, most_bytes: int = _MOST_BYTES) -> None:
        self._pictures: dict[str, Painted] = {}
        self._most_pictures = most_pictures
        self._most_bytes = most_bytes
        self._bytes = 0

    def hang(self, picture: Painted) -> str:
        """Keep a picture; gives its name, which is the same for the same picture."""
        name = f"{hashlib.sha256(picture.content).hexdigest()[:32]}.{picture.ending}"
        self._take_down(name)
        self._pictures[name] = picture
        self._bytes += len(picture.content)
        while len(self._pictures) > 1 and (
            len(self._pictures) > self._most_pictures or self._bytes > self._most_bytes
        ):  # fmt: skip
            self._take_down(next(iter(self._pictures)))
        return name

    def find(self, name: str) -> Painted | None:
        """The picture of that name, if it still hangs."""
        return self._pictures.get(name)

    def _take_down(self, name: str) -> None:
        picture = self._pictures.pop(name, None)
        if picture is not None:
            self._bytes -= len(picture.content)
