"""Where a tool takes pictures from: what a model named (see `naming`), or what a program passes itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_core.tools import ToolException
from pydantic import InstanceOf

from langchain_stepfun.tools.naming import LATEST, Address, Kind, check_size, content_of, named, named_field
from stepfun_client.picture import PICTURE_TYPES, Picture

PICTURE = Kind("picture", "image", "png, jpeg, webp or gif", PICTURE_TYPES.__contains__)


def picture_field(root_dir: Path | None) -> Any:
    """Make the schema's field for a picture: a text to a model, and for a program also a block, a Picture or bytes.

    A model that names none means the newest.
    """
    return named_field(PICTURE, InstanceOf[Picture] | InstanceOf[bytes] | Mapping[str, Any], root_dir, default=LATEST)


def find_picture(given: Any, *, runtime: Any, root_dir: Path | None, max_bytes: int) -> bytes | Address:
    """Find the picture that is meant.

    Args:
        given: A model's words, or a standard image block, a `Picture`, or a file's bytes.
        runtime: The agent's state around the call; None outside an agent.
        root_dir: The folder whose files a model may name; None for no files.
        max_bytes: The largest picture taken.

    Returns:
        The picture's file, a picture by its content, or the address to fetch it from.

    Raises:
        ToolException: If it is none, or none that may be taken; it says what may.
    """
    found = given
    if isinstance(found, str):
        found = named(found, PICTURE, runtime=runtime, root_dir=root_dir, max_bytes=max_bytes)
    if isinstance(found, Mapping):
        found = content_of(found, PICTURE)
    if isinstance(found, Picture):
        found = Address(str(found.url)) if found.content is None else found.content
    if isinstance(found, Address):
        return found
    if not isinstance(found, bytes):
        raise ToolException(f"A {type(found).__name__} is no picture; pass an image block, a Picture, or bytes")
    check_size(len(found), PICTURE, max_bytes)
    return PICTURE.checked(found)
