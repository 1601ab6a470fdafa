"""What a model is for: the names a configuration may give it, and what the catalogue says to that."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stepfun_client.catalog import ImageOperation, ModelInfo

Role = Literal["chat", "tts", "asr", "generate", "transform", "edit"]
"""What is made of a model: something to chat with, or a tool of this kind."""

ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "text": "chat",
        "imageunderstand": "chat",
        "multimodal": "chat",
        "functioncalling": "chat",
        "chat": "chat",
        "tts": "tts",
        "asr": "asr",
        "generateimage": "generate",
        "transformimage": "transform",
        "editimage": "edit",
        "image": "generate",
    }
)
"""The names of types. `chat` and `image` are the catalogue's own; `image` is the first thing the model can do."""

_OPERATIONS: tuple[ImageOperation, ...] = ("generate", "transform", "edit")


def types_of(info: ModelInfo | None) -> tuple[str, ...]:
    """List the types a model can be used as: all of them for one the catalogue does not know.

    Example:
        >>> from stepfun_client.catalog import find
        >>> types_of(find("step-2-16k"))
        ('text', 'functioncalling', 'chat')
        >>> types_of(find("step-1x-edit"))
        ('editimage', 'image')
    """
    return tuple(ROLES) if info is None else tuple(name for name in ROLES if _fits(name, info))


def role_of(name: str, info: ModelInfo | None) -> Role:
    """Say what to make of a model of this type."""
    return _first_operation(info) if name == "image" else ROLES[name]


def default_type(info: ModelInfo | None) -> str | None:
    """Return the type of a model that is given none; None where the catalogue cannot tell."""
    allowed = () if info is None else types_of(info)
    return next((name for name in ("chat", "tts", "asr", "image") if name in allowed), None)


def _fits(name: str, info: ModelInfo) -> bool:
    if name in ("tts", "asr", "image"):
        return name in info.kinds
    if ROLES[name] != "chat":
        return info.image is not None and ROLES[name] in info.image.operations
    if "chat" not in info.kinds:
        return False
    needs = {
        "imageunderstand": "image" in info.inputs,
        "multimodal": takes_more_than_text(info),
        "functioncalling": info.tools is not False,
    }
    return needs.get(name, True)


def takes_more_than_text(info: ModelInfo) -> bool:
    """Say whether a model takes pictures, video or sound."""
    return bool(info.inputs - {"text"})


def _first_operation(info: ModelInfo | None) -> Role:
    can = info.image.operations if info and info.image else frozenset(_OPERATIONS)
    return next(operation for operation in _OPERATIONS if operation in can)
