"""A file object seen from a position on: it can be measured, read and rewound without losing the caller's place."""

from __future__ import annotations

import io
import os
from typing import IO


class Window(io.RawIOBase):
    """A seekable file from `start` to its end, with its own zero at `start`. Closing it leaves the file open."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        file.seek(start)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be rewound."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all where it is negative."""
        return self._file.read(size)

    def tell(self) -> int:
        """Return the position, counted from the window's start."""
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position counted from the window's start, the present one, or the end."""
        self._file.seek(offset + self._start if whence == os.SEEK_SET else offset, whence)
        return self.tell()
