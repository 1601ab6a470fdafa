"""A file object seen from where it stands: measured and rewound as far as it can be, and left open."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import IO


class Window(io.RawIOBase):
    """A file from `start` to its end, with its own zero at `start`. Closing it leaves the file open.

    Where `start` is None the file is a pipe, or like one: it is read once, and its size is not known beforehand.
    """

    def __init__(self, file: IO[bytes], start: int | None) -> None:
        super().__init__()
        self._file = file
        self._start = start
        if start is not None:
            file.seek(start)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say whether it can be measured and rewound."""
        return self._start is not None

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all where it is negative."""
        return self._file.read(size)

    def tell(self) -> int:
        """Return the position, counted from the window's start."""
        return self._file.tell() - self._zero

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position counted from the window's start, the present one, or the end."""
        self._file.seek(offset + self._zero if whence == os.SEEK_SET else offset, whence)
        return self.tell()

    @property
    def _zero(self) -> int:
        if self._start is None:
            raise io.UnsupportedOperation("this file cannot be rewound")
        return self._start


class Watched(Window):
    """A window that tells how many bytes have been read from it: none at first, and less again where it is rewound."""

    def __init__(self, file: IO[bytes], start: int | None, report: Callable[[int], object]) -> None:
        super().__init__(file, start)
        self._report = report
        self._count = 0
        report(0)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, and tell the position reached."""
        piece = super().read(size)
        self._count = self.tell() if self.seekable() else self._count + len(piece)
        self._report(self._count)
        return piece
