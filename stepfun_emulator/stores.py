"""The vector stores, their files and their rules (WIRE.md section 11)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.knowledge import Contents, Passage, passages
from stepfun_emulator.errors import Refusal, invalid

if TYPE_CHECKING:
    from stepfun_emulator.files import Cabinet, Stored

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_TYPES = ("text", "image")
_LONGEST_DESCRIPTION = 255
_FIRST_ID = 167_907_758_199_320_576  # ids are long numbers, as texts


@dataclass
class Membership:
    """A file's place in a store."""

    file_id: str
    description: str = ""
    created_at: int = field(default_factory=lambda: int(time.time()))

    def metadata(self) -> dict[str, Any]:
        """What was said of the file, where something was."""
        return {"metadata": {"description": self.description}} if self.description else {}


@dataclass
class Store:
    """One vector store."""

    id: str
    name: str
    type: str
    created_at: int = field(default_factory=lambda: int(time.time()))
    members: dict[str, Membership] = field(default_factory=dict)


class Stores:
    """All vector stores of one emulator.

    They change on the event loop alone; a chat that looks at pictures reads them on a thread, from copies.
    """

    def __init__(self, files: Cabinet) -> None:
        self._files = files
        self._stores: dict[str, Store] = {}
        self._made = 0

    def create(self, name: Any, type_: Any) -> dict[str, Any]:
        """Make a store. The reply is as short as the documents' sample of it.

        Raises:
            Refusal: The name or the type is none.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid("name", f"name must match ^{_NAME.pattern}$")
        if type_ not in _TYPES:
            raise invalid("type", f"type must be one of {', '.join(_TYPES)}, not {type_!r}")
        self._made += 1
        store = Store(str(_FIRST_ID + self._made), name, type_)
        self._stores[store.id] = store
        return {"id": store.id, "name": store.name}

    def entries(self) -> list[dict[str, Any]]:
        """All stores, the oldest first."""
        return [self._entry(store) for store in self._stores.values()]

    def poll(self, store_id: str) -> dict[str, Any]:
        """One store; asking for it moves the parsing of its files on."""
        store = self._find(store_id)
        entry = self._entry(store)
        for _, file in self._held(store):
            file.polls = max(file.polls - 1, 0)
        return entry

    def remove(self, store_id: str) -> dict[str, Any]:
        """Delete a store; its files stay."""
        del self._stores[self._find(store_id).id]
        return {"id": store_id, "deleted": True, "object": "vector_store.deleted"}

    def add(self, store_id: str, files: list[tuple[str, str]]) -> dict[str, Any]:
        """Put files into a store, all or none.

        Args:
            store_id: The store.
            files: Ids and descriptions.

        Raises:
            Refusal: One of them is not there, has another purpose, or lacks the description that an image needs.
        """
        store = self._find(store_id)
        for at, (file_id, description) in enumerate(files):
            self._check(store, file_id, description, f"files[{at}]")
        added = [Membership(file_id, description) for file_id, description in files]
        store.members |= {member.file_id: member for member in added}
        return {"files": [{"file_id": member.file_id, **member.metadata()} for member in added]}

    def _check(self, store: Store, file_id: str, description: str, at: str) -> None:
        purpose = f"retrieval-{store.type}"
        file = self._files.get(file_id)
        if file is None:
            raise invalid(f"{at}.file_id", f"No such file: {file_id}")
        if file.purpose != purpose:
            raise invalid(f"{at}.file_id", f"a store of type {store.type} takes files of purpose {purpose} only")
        if store.type == "image" and not description.strip():
            raise invalid(f"{at}.description", "description is required for the files of a store of type image")
        if len(description) > _LONGEST_DESCRIPTION:
            raise invalid(f"{at}.description", f"description must have at most {_LONGEST_DESCRIPTION} characters")

    def files(self, store_id: str) -> list[dict[str, Any]]:
        """A store's files, the oldest first."""
        return [
            {
                "id": member.file_id,
                "object": "vector_store.file",
                "created_at": member.created_at,
                "vector_store_id": store_id,
                **member.metadata(),
            }
            for member, _ in self._held(self._find(store_id))
        ]

    def take_out(self, store_id: str, file_id: str) -> dict[str, Any]:
        """Take a file out of a store; the file itself stays."""
        store = self._find(store_id)
        if file_id not in {member.file_id for member, _ in self._held(store)}:
            raise Refusal(404, "invalid_request_error", f"No such file in vector store {store_id}: {file_id}")
        del store.members[file_id]
        return {"id": file_id, "deleted": True, "object": "vector_store.file.deleted"}

    def read(self, store_id: str) -> Contents | None:
        """What a store knows, for a chat; None if there is no such store."""
        store = self._stores.get(store_id)
        if store is None:
            return None
        known: list[Passage] = []
        waiting = 0
        for member, file in self._held(store):
            if file.polls:
                waiting += 1
            else:
                known += passages(file.filename, file.text if store.type == "text" else member.description)
        return Contents(tuple(known), waiting)

    def _find(self, store_id: str) -> Store:
        store = self._stores.get(store_id)
        if store is None:
            raise Refusal(404, "invalid_request_error", f"No such vector store: {store_id}")
        return store

    def _held(self, store: Store) -> list[tuple[Membership, Stored]]:
        """The files in a store, as far as they have not been deleted since."""
        members = [(member, self._files.get(member.file_id)) for member in list(store.members.values())]
        return [(member, file) for member, file in members if file is not None]

    def _entry(self, store: Store) -> dict[str, Any]:
        held = self._held(store)
        waiting = sum(file.polls > 0 for _, file in held)
        counts = {"in_progress": waiting, "completed": len(held) - waiting, "failed": 0, "cancelled": 0}
        return {
            "id": store.id,
            "object": "vector_store",
            "created_at": store.created_at,
            "name": store.name,
            "type": store.type,
            "file_counts": {**counts, "total": len(held)},
        }
