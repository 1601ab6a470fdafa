"""The uploaded files (WIRE.md section 11)."""
from __future__ import annotations


class Cabinet:
    def stored(self, file_id: str) -> bytes | None:
        return None
