"""How large a picture is asked for: always width first here, in each model's own order on the wire (WIRE.md section 9).

`step-image-edit-2` writes height x width, the others width x height. A caller says `width=` and `height=`, or
`size="WIDTHxHEIGHT"`, whatever the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepfun_client.catalog import ImageTraits, find
from stepfun_client.errors import InvalidParameterError

_SIZE = re.compile(r"\s*([1-9][0-9]{0,5})\s*[xX×*]\s*([1-9][0-9]{0,5})\s*", re.ASCII)


def sizes_of(model: str) -> list[tuple[int, int]]:
    """The sizes a model draws, as width and height; none where they are not known.

    Example:
        >>> sizes_of("step-image-edit-2")
        [(1024, 1024), (1360, 768), (1184, 896), (768, 1360), (896, 1184)]
    """
    traits = _traits_of(model)
    return [read_wire_size(model, written) for written in traits.sizes] if traits else []


def wire_size(model: str, width: int, height: int) -> str:
    """Write a size as the model wants it.

    Example:
        >>> wire_size("step-image-edit-2", 1360, 768), wire_size("step-2x-large", 1280, 800)
        ('768x1360', '1280x800')
    """
    first, second = (height, width) if _is_height_first(model) else (width, height)
    return f"{first}x{second}"


def read_wire_size(model: str, written: str) -> tuple[int, int]:
    """Read a size as the model writes it, to width and height."""
    first, second = map(int, written.split("x"))
    return (second, first) if _is_height_first(model) else (first, second)


def asked_size(params: Mapping[str, Any]) -> tuple[int, int] | None:
    """Read what a caller says of the size: width and height, or None where he says nothing.

    Args:
        params: Of which `size`, `width` and `height` count.

    Raises:
        InvalidParameterError: If it is said twice, by half, or cannot be read.
    """
    size, width, height = (params.get(name) for name in ("size", "width", "height"))
    if size is None and width is None and height is None:
        return None
    if size is None and width is not None and height is not None:
        return width, height
    if size is None or width is not None or height is not None:
        raise InvalidParameterError(
            "give either both width=... and height=..., or size='WIDTHxHEIGHT' alone",
            param="size" if size is not None else "height" if height is None else "width",
        )
    if found := _SIZE.fullmatch(size):
        return int(found[1]), int(found[2])
    raise InvalidParameterError(f"size is {size!r:.80}; it must be 'WIDTHxHEIGHT', e.g. '1024x1024'", param="size")


def check_size_form(params: Mapping[str, Any]) -> None:
    """Refuse a size that is no text, such as Pillow's `(width, height)`, and say what it must be.

    Raises:
        InvalidParameterError: If it is.
    """
    size = params.get("size")
    if size is None or isinstance(size, str):
        return
    form, apart = "1360x768", "width=1360, height=768"
    if isinstance(size, (tuple, list)) and len(size) == 2 and all(type(side) is int for side in size):
        width, height = size
        form, apart = f"{width}x{height}", f"width={width}, height={height}"
    raise InvalidParameterError(
        f"size is {size!r:.80}; it must be a text such as size={form!r} (width x height), or give {apart}",
        param="size",
    )


def checked_size(model: str, params: Mapping[str, Any]) -> str | None:
    """Read the asked size, check it against the model's, and write it in the model's order.

    Raises:
        InvalidParameterError: If it cannot be read, or is none the model draws.
    """
    asked = asked_size(params)
    if asked is None:
        return None
    known = sizes_of(model)
    if known and asked not in known:
        named = ", ".join(f"{width}x{height}" for width, height in known)
        raise InvalidParameterError(
            f"{model} draws no pictures of {asked[0]}x{asked[1]}; it draws {named} (width x height). If StepFun takes "
            "another by now, send it as the wire has it with extra_body={'size': ...}",
            param="size" if params.get("size") is not None else "width",
        )
    return wire_size(model, *asked)


def _is_height_first(model: str) -> bool:
    traits = _traits_of(model)
    return traits is not None and traits.size_order == "height x width"


def _traits_of(model: str) -> ImageTraits | None:
    info = find(model)
    return info.image if info else None
