"""Writes a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from pathlib import Path


def save_whole(path: Path, content: bytes) -> None:
    """Write beside the file and then move, so that nobody ever reads half of it; a file that is there is replaced.

    Args:
        path: Where to; its directory must exist. A link is followed and stays one; into a device or a pipe is written.
        content: What to write.

    Raises:
        OSError: If it cannot be written; what was there before is there still.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.exists() and not target.is_file():  # a device, a pipe: it must not be replaced
        target.write_bytes(content)
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(target.parent))
    unfinished = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
