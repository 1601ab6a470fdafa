"""A landscape out of a brief: its colours and its things come from the words, its shapes from the dice."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepfun_emulator.images.painting import scenery
from stepfun_emulator.images.painting.canvas import Canvas, Shade, mean_colour, saturate, wash
from stepfun_emulator.images.painting.words import Colour, Spoken, lettering, read_scene

if TYPE_CHECKING:
    from random import Random

    from stepfun_emulator.images.brief import Brief

_SUN, _MOON, _LAMP = Colour(255, 236, 170), Colour(240, 240, 225), Colour(255, 215, 120)
_RANGES = 3
_COARSEST = 16  # shades of each colour with no steps at all; each step adds some
_STYLE_SHARE = 0.3  # of the picture at weight 1


@dataclass(frozen=True)
class Palette:
    """The colours of a landscape."""

    high: Shade
    low: Shade
    ground: Shade
    water: Shade


def paint(brief: Brief, size: tuple[int, int]) -> Canvas:
    """The landscape, of so many pixels.

    Raises:
        Refusal: The style's picture is broken.
    """
    chance = brief.chance()
    spoken = read_scene(brief.prompt, brief.avoided)
    palette = _palette(spoken, chance)
    canvas = scenery.sky(size, palette.high, palette.low)
    _heavens(canvas, spoken.things, chance)
    _earth(canvas, spoken.things, palette, 2 + min(brief.steps // 8, 6), chance)
    if "snow" in spoken.things:
        scenery.specks(canvas, 260, 1.0, chance)
    saturate(canvas, 0.85 + 0.03 * brief.guidance)
    step = np.float32(max(256 / (_COARSEST + 4 * brief.steps), 1))
    canvas[:] = np.rint(canvas / step) * step
    if brief.style is not None:
        mean = mean_colour(brief.style.content, "style_reference.source_url")
        wash(canvas, mean, _STYLE_SHARE * brief.style.weight)
    if brief.letters:
        scenery.writing(canvas, lettering(brief.prompt))
    return canvas


def _palette(spoken: Spoken, chance: Random) -> Palette:
    sky, ground = _colours(spoken, chance)
    dark = "night" in spoken.things
    high = sky * np.float32(0.35 if dark else 0.85)
    low = sky * np.float32(0.65) if dark else sky + (255 - sky) * np.float32(0.3)
    return Palette(high, low, ground * np.float32(0.45 if dark else 0.9), sky * np.float32(0.45 if dark else 0.75))


def _colours(spoken: Spoken, chance: Random) -> tuple[Shade, Shade]:
    """The colours of sky and ground: the first two named, else what the things suggest, else by chance."""
    named = [np.array(colour, np.float32) for colour in spoken.colours]
    if named:
        return named[0], named[1] if len(named) > 1 else named[0]
    ground = _shade(chance.uniform(0.2, 0.45), 0.5, 0.6)
    if "snow" in spoken.things:
        ground = np.array((235, 240, 246), np.float32)
    if "sunset" in spoken.things:
        return _shade(chance.uniform(0.02, 0.09), 0.75, 0.95), ground * np.float32(0.7)
    if "night" in spoken.things:
        return _shade(chance.uniform(0.6, 0.72), 0.7, 0.6), ground
    if spoken.things & {"sea", "snow"}:
        return _shade(chance.uniform(0.54, 0.6), 0.5, 0.9), ground
    return _shade(chance.random(), 0.5, 0.85), ground


def _shade(hue: float, saturation: float, value: float) -> Shade:
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32) * 255


def _heavens(canvas: Canvas, things: frozenset[str], chance: Random) -> None:
    rows, columns, _ = canvas.shape
    x, y = columns * chance.uniform(0.15, 0.85), rows * chance.uniform(0.14, 0.32)
    radius = min(rows, columns) * chance.uniform(0.05, 0.09)
    night = bool(things & {"night", "moon"})
    if night or "stars" in things:
        scenery.specks(canvas, 160, 0.6, chance)
    if "sunset" in things:
        y, radius = rows * 0.5, radius * 1.5
    light, glow = (_MOON, 0.25) if night else (_SUN, 0.6)
    scenery.disc(canvas, np.array(light, np.float32), x, y, radius, glow=glow)
    if "rainbow" in things:
        scenery.rainbow(canvas, 0.8, chance)


def _earth(canvas: Canvas, things: frozenset[str], palette: Palette, waves: int, chance: Random) -> None:
    level = chance.uniform(0.5, 0.62)
    for at in range(_RANGES):
        near = np.float32((at + 1) / _RANGES)
        colour = palette.low + (palette.ground * (1.1 - 0.35 * near) - palette.low) * (0.35 + 0.65 * near)
        scenery.hills(canvas, colour, level + 0.13 * at, chance.uniform(0.05, 0.12), waves=waves, chance=chance)
    if "city" in things:
        scenery.city(canvas, palette.ground * np.float32(0.5), np.array(_LAMP, np.float32), level + 0.2, chance)
    if "sea" in things:
        scenery.sea(canvas, palette.water, level + 0.16, chance)
    if "trees" in things:
        scenery.trees(canvas, palette.ground * np.float32(0.4), level + 0.28, chance)
