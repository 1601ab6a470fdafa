"""Changing a picture as a prompt asks."""

from __future__ import annotations

import colorsys
import math
from typing import TYPE_CHECKING

import numpy as np

from stepfun_emulator.images.painting import scenery
from stepfun_emulator.images.painting.canvas import Canvas, Shade, blurred, saturate, wash
from stepfun_emulator.images.painting.words import lettering, read_effects

if TYPE_CHECKING:
    from random import Random

    from stepfun_emulator.images.brief import Brief

_NIGHT = np.array([12, 18, 60], np.float32)
_SNOW = np.array([236, 242, 250], np.float32)


def retouch(brief: Brief, canvas: Canvas) -> Canvas:
    """The changed picture; what words are not known for is a tint, and some light falls from a side in any case."""
    chance = brief.chance()
    spoken = read_effects(brief.prompt, brief.avoided)
    strength = _strength(brief)
    canvas = _filtered(canvas, spoken.things)
    if spoken.colours:
        wash(canvas, np.array(spoken.colours[0], np.float32), 0.95 * strength)
    elif not spoken.things and not brief.letters:
        tint = np.array(colorsys.hsv_to_rgb(chance.random(), 0.8, 0.9), np.float32) * 255
        wash(canvas, tint, 0.5 * strength)
    _lit(canvas, chance)
    _adorned(canvas, spoken.things, strength, chance)
    if brief.letters:
        scenery.writing(canvas, lettering(brief.prompt))
    return canvas


def _strength(brief: Brief) -> float:
    """How strongly to change: from one half on, more with more steps and guidance."""
    return 0.5 + 0.3 * brief.steps / (brief.steps + 10) + 0.02 * brief.guidance


def _filtered(canvas: Canvas, things: frozenset[str]) -> Canvas:
    """The effects that look at all pixels."""
    if "sketch" in things:
        canvas = _sketched(canvas)
    if "blur" in things:
        canvas = blurred(canvas, max(canvas.shape) * 0.008 + 1)
    if "mirror" in things:
        canvas = np.ascontiguousarray(canvas[:, ::-1])
    if "invert" in things:
        canvas = 255 - canvas
    if "grey" in things:
        saturate(canvas, 0.0)
    if "brighter" in things:
        wash(canvas, np.full(3, 255, np.float32), 0.35)
    if "darker" in things:
        canvas *= np.float32(0.55)
    return canvas


def _sketched(canvas: Canvas) -> Canvas:
    """Dark lines where the picture changes."""
    grey = canvas.mean(axis=2)
    change = np.abs(np.diff(grey, axis=1, append=grey[:, -1:])) + np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    return np.repeat(np.clip(250 - 4 * change, 0, 255)[..., None], 3, axis=2)


def _lit(canvas: Canvas, chance: Random) -> None:
    """Light from a side that the seed chooses."""
    rows, columns, _ = canvas.shape
    angle = chance.uniform(0, 2 * math.pi)
    down = np.linspace(-1, 1, rows, dtype=np.float32)[:, None] * np.float32(math.sin(angle))
    across: Shade = np.linspace(-1, 1, columns, dtype=np.float32) * np.float32(math.cos(angle))
    canvas *= (np.float32(0.92) + np.float32(0.12) * (down + across))[..., None]


def _adorned(canvas: Canvas, things: frozenset[str], strength: float, chance: Random) -> None:
    """What is added to the picture."""
    if "night" in things:
        wash(canvas, _NIGHT, 0.6)
        scenery.specks(canvas, 120, 0.5, chance)
    if "snow" in things:
        wash(canvas, _SNOW, 0.25)
        scenery.specks(canvas, 300, 1.0, chance)
    if "rainbow" in things:
        scenery.rainbow(canvas, strength, chance)
