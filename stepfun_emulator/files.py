"""The uploaded files and their rules (WIRE.md section 11)."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stepfun_emulator.errors import Refusal, invalid
from stepfun_emulator.extracting import extract

_MB = 1024 * 1024
_MOST_FILES = 1000
_POLLS = 2  # how often a file is asked for until it is parsed

_DOCUMENTS = frozenset(["txt", "md", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv", "html", "htm", "xml"])


@dataclass(frozen=True)
class Purpose:
    """What a purpose accepts: the endings of names, and a size."""

    endings: frozenset[str]
    limit: int
    parsed: bool = False


PURPOSES = {
    "file-extract": Purpose(_DOCUMENTS, 64 * _MB, parsed=True),
    "retrieval-text": Purpose(_DOCUMENTS, 64 * _MB, parsed=True),
    "retrieval-image": Purpose(frozenset(["jpg", "jpeg", "png"]), 64 * _MB),
    "storage": Purpose(frozenset(["mp4", "jpg", "jpeg", "png", "webp", "gif", "mp3", "wav"]), 128 * _MB),
}


@dataclass
class Stored:
    """One file; ``polls`` counts down to the end of its parsing."""

    filename: str
    purpose: str
    data: bytes
    polls: int = 0
    id: str = field(default_factory=lambda: f"file-{secrets.token_hex(10)}")
    created_at: int = field(default_factory=lambda: int(time.time()))

    @cached_property
    def text(self) -> str:
        """What a document says."""
        return extract(self.ending, self.data)

    @property
    def ending(self) -> str:
        """The ending of the name, in lower case."""
        return self.filename.rpartition(".")[2].lower()

    def entry(self) -> dict[str, Any]:
        """The file as the API shows it; ``processed`` means *still parsing* and ``success`` means ready."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed" if self.polls else "success",
        }


class Cabinet:
    """All files of one emulator. Endpoints run on one loop, pictures are read on threads: hence the lock."""

    def __init__(self) -> None:
        self._files: dict[str, Stored] = {}
        self._lock = threading.Lock()

    def add(self, filename: str, purpose: str, data: bytes) -> dict[str, Any]:
        """Store a file.

        Raises:
            Refusal: The purpose is unknown or does not accept this file.
        """
        rules = PURPOSES.get(purpose)
        if rules is None:
            raise invalid("purpose", f"purpose must be one of {', '.join(PURPOSES)}, not {purpose!r}")
        stored = Stored(filename, purpose, data, _POLLS if rules.parsed else 0)
        if "." not in filename or stored.ending not in rules.endings:
            raise invalid("file", f"{filename!r} is not accepted for {purpose}: {', '.join(sorted(rules.endings))}")
        if not data:
            raise invalid("file", "the file is empty")
        if len(data) > rules.limit:
            raise invalid("file", f"the file is too large: {len(data)} bytes, at most {rules.limit} for {purpose}")
        with self._lock:
            if len(self._files) >= _MOST_FILES:
                raise invalid("file", f"an account has at most {_MOST_FILES} files")
            self._files[stored.id] = stored
        return stored.entry()

    def list_all(self) -> list[dict[str, Any]]:
        """All files, the newest first. Listing does not move their parsing on."""
        with self._lock:
            return [stored.entry() for stored in reversed(self._files.values())]

    def poll(self, file_id: str) -> dict[str, Any]:
        """One file; asking for it moves its parsing on."""
        stored = self._find(file_id)
        entry = stored.entry()
        stored.polls = max(stored.polls - 1, 0)
        return entry

    def text(self, file_id: str) -> str:
        """The text of a parsed file."""
        stored = self._find(file_id)
        if stored.purpose != "file-extract":
            raise invalid("file_id", f"only files of purpose file-extract have content, this one is {stored.purpose}")
        if stored.polls:
            raise invalid("file_id", f"file {file_id} is still being parsed")
        return stored.text

    def remove(self, file_id: str) -> dict[str, Any]:
        """Delete a file."""
        self._find(file_id)
        with self._lock:
            self._files.pop(file_id, None)
        return {"id": file_id, "object": "file", "deleted": True}

    def stored(self, file_id: str) -> bytes | None:
        """The bytes behind ``stepfile://``: of purpose ``storage`` only."""
        stored = self._files.get(file_id)
        return stored.data if stored is not None and stored.purpose == "storage" else None

    def get(self, file_id: str) -> Stored | None:
        """A file, where there is such a one."""
        return self._files.get(file_id)

    def _find(self, file_id: str) -> Stored:
        stored = self._files.get(file_id)
        if stored is None:
            raise Refusal(404, "invalid_request_error", f"No such file: {file_id}")
        return stored
