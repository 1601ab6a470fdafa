"""The folder a tool writes to what it made. Names of files owe nothing to a model."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol


class Saveable(Protocol):
    """What was made: a recording or a picture."""

    @property
    def format(self) -> str | None:
        """The file's format, which its name ends with."""

    def save(self, path: Path) -> Path:
        """Write the file."""


def prepare(output_dir: Path | None) -> None:
    """Make the folder, if there is to be one: before anything is paid."""
    if output_dir:
        output_dir.mkdir(parents=True, exist_ok=True)


def saved(made: Saveable, output_dir: Path | None, *, prefix: str) -> str | None:
    """Write what was made under a new name, and return its path; None where nothing is to be written."""
    if not output_dir:
        return None
    now = datetime.now(timezone.utc)
    name = f"{prefix}-{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:8]}.{made.format}"
    return str(made.save(output_dir.resolve() / name))
