"""Where a reader's files lie: here, in another file system, or at a URL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO, Any

Name = str | os.PathLike[str]


def names(file: Name | Iterable[Name]) -> Iterable[Name]:
    """Return what a reader was given, as several."""
    return [file] if isinstance(file, (str, os.PathLike)) else file


def file_name(name: Name) -> str | None:
    """Return a file's own name; None for a URL, whose end may be anything."""
    return None if _is_url(name) else PurePath(name).name


@contextmanager
def opened(name: Name, fs: Any) -> Iterator[str | Path | IO[bytes]]:
    """Yield what the client takes: a URL or a local path as it is, a file of another fsspec file system open."""
    if _is_url(name):
        yield str(name)
    elif fs is None:
        yield Path(name)
    else:
        with fs.open(str(name), "rb") as file:
            yield file


def _is_url(name: Name) -> bool:
    return isinstance(name, str) and name.startswith(("http://", "https://"))
