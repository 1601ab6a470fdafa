"""Painting: pictures drawn from words and a seed, over another picture, or by changing one.

What needs numpy and Pillow loads at first use, and says what to install where they are missing. numpy holds the pixels;
Pillow reads what comes in (JPEG and WebP need a decoder) and writes JPEG. PNG is written with the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepfun_emulator.errors import Refusal

if TYPE_CHECKING:
    from types import ModuleType

    from stepfun_emulator.images.brief import Brief
    from stepfun_emulator.images.sources import Source

__all__ = ["Painted", "draw", "edit", "transform"]

_MISSING = "the emulator's pictures need numpy and Pillow: pip install 'stepfun-integrations[emulator]'"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


@dataclass(frozen=True)
class Painted:
    """A finished file."""

    content: bytes
    media_type: str = "image/png"

    @property
    def ending(self) -> str:
        """What its name ends in."""
        return _ENDINGS[self.media_type]


def draw(brief: Brief, size: tuple[int, int]) -> Painted:
    """Draw a landscape of so many pixels.

    Raises:
        Refusal: The style's picture is broken, or numpy or Pillow is missing.
    """
    return Painted(_studio().draw(brief, size))


def transform(brief: Brief, source: Source, size: tuple[int, int], weight: float) -> Painted:
    """Draw a landscape through which a picture is seen, the more the greater the weight (above 0 to 1).

    Raises:
        Refusal: A picture is broken, or numpy or Pillow is missing.
    """
    return Painted(_studio().transform(brief, source.content, size, weight))


def edit(brief: Brief, source: Source, size: tuple[int, int] | None) -> Painted:
    """Change a picture as the prompt asks, or tint it where the words are not known. A JPEG stays one.

    Raises:
        Refusal: The picture is broken, or numpy or Pillow is missing.
    """
    as_jpeg = source.form == "jpeg"
    content = _studio().edit(brief, source.content, size, as_jpeg=as_jpeg)
    return Painted(content, "image/jpeg" if as_jpeg else "image/png")


def _studio() -> ModuleType:
    try:
        from stepfun_emulator.images.painting import studio
    except ImportError:
        raise Refusal(400, "request_params_invalid", _MISSING) from None
    return studio
