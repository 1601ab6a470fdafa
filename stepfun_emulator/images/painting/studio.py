"""Where the parts meet: files in, files out. Loads numpy and Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepfun_emulator.images.painting.canvas import as_jpeg as jpeg
from stepfun_emulator.images.painting.canvas import as_png, canvas_of, decode, fitted
from stepfun_emulator.images.painting.landscape import paint
from stepfun_emulator.images.painting.retouching import retouch

if TYPE_CHECKING:
    from stepfun_emulator.images.brief import Brief

_LEAST, _MORE = 0.1, 0.8  # of the source, at weight 0 and added up to weight 1: the prompt stays visible


def draw(brief: Brief, size: tuple[int, int]) -> bytes:
    """See :func:`stepfun_emulator.images.painting.draw`."""
    return as_png(paint(brief, size))


def transform(brief: Brief, source: bytes, size: tuple[int, int], weight: float) -> bytes:
    """See :func:`stepfun_emulator.images.painting.transform`."""
    share = np.float32(_LEAST + _MORE * weight)
    return as_png(fitted(decode(source, "source_url"), size) * share + paint(brief, size) * (1 - share))


def edit(brief: Brief, source: bytes, size: tuple[int, int] | None, *, as_jpeg: bool) -> bytes:
    """See :func:`stepfun_emulator.images.painting.edit`."""
    image = decode(source, "image")
    canvas = retouch(brief, canvas_of(image) if size is None else fitted(image, size))
    return jpeg(canvas) if as_jpeg else as_png(canvas)
