"""What somebody else names as a file, a model most of all: an address elsewhere, or a file of a folder opened to them.

Whatever they say is hostile until shown otherwise: nothing outside the folder is opened, and no refusal tells of it.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from stepfun_client.errors import InvalidParameterError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):(//)?", re.IGNORECASE)  # two letters at least: "C:" is a drive
_SCHEMES = frozenset(  # schemes without "//" too; anything else before a colon may begin a file's name
    (
        *("about", "blob", "data", "dict", "file", "ftp", "ftps", "gopher", "http", "https", "jar", "javascript"),
        *("ldap", "mailto", "sftp", "smb", "vbscript", "ws", "wss"),
    )
)

_TO_PASS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_TO_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def scheme_of(name: str) -> str | None:
    """Return a URL's scheme in small letters, `//` for another computer's file; None for what may name a file here.

    >>> [scheme_of(name) for name in ("HTTPS://a.b/c", "data:,x", "//server/file", "meeting: monday.wav", "C:/a.wav")]
    ['https', 'data', '//', None, None]
    """
    if name.startswith(("//", "\\\\")):
        return "//"
    found = _ADDRESS.match(name)
    scheme = found[1].lower() if found else ""
    return scheme if found and (found[2] or scheme in _SCHEMES) else None


def read_inside(folder: Path, name: str, *, max_bytes: int) -> bytes:
    """Read a file that lies in a folder, whatever links say, and is no device, pipe or giant.

    Links inside the folder are followed where they stay inside. What becomes a link only while the file is being opened
    is not followed.

    Args:
        folder: The folder that is opened.
        name: The file's path in it, as somebody else wrote it.
        max_bytes: The largest file to read.

    Returns:
        The file's content, at least one byte.

    Raises:
        InvalidParameterError: If there is no such file to read; the message is a reason to be told: "it is no file".
    """
    root = Path(os.path.realpath(folder))
    try:
        path = Path(os.path.realpath(root / name))
        if not path.is_relative_to(root):
            raise _refusal("it is not in the folder")
        return _content(_opened(root, path.relative_to(root).parts), max_bytes)
    except InvalidParameterError:
        raise
    except (OSError, ValueError):  # a name with a zero byte is none to a file system
        raise _refusal("there is no such file, or it cannot be read") from None


def _opened(root: Path, parts: tuple[str, ...]) -> int:
    """Open a file whose path was freed of links: what has become one since, anywhere in it, is not followed."""
    if not parts:
        raise _refusal("it is no file")
    if os.open not in os.supports_dir_fd:
        return os.open(root.joinpath(*parts), _TO_READ)
    at = os.open(root, _TO_PASS)
    try:
        for part in parts[:-1]:
            outer, at = at, os.open(part, _TO_PASS, dir_fd=at)
            os.close(outer)
        return os.open(parts[-1], _TO_READ, dir_fd=at)
    finally:
        os.close(at)


def _content(opened: int, max_bytes: int) -> bytes:
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise _refusal("it is no file")
        if not 0 < found.st_size <= max_bytes:
            raise _refusal(f"it has {found.st_size:,} bytes; allowed are 1 to {max_bytes:,}")
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(max_bytes)
    finally:
        os.close(opened)


def _refusal(reason: str) -> InvalidParameterError:
    return InvalidParameterError(reason, param="name")
