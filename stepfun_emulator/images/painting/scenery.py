"""The things of a landscape, each painted onto a canvas."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from stepfun_emulator.images.painting.canvas import Canvas, Shade, cover

if TYPE_CHECKING:
    from random import Random

_WHITE = np.array([255, 255, 255], np.float32)
_BOWS = ((205, 60, 60), (240, 140, 40), (240, 215, 60), (70, 170, 80), (60, 110, 220), (130, 70, 190))
_GLYPH_WIDTH, _GLYPH_HEIGHT = 5, 7


def sky(size: tuple[int, int], high: Shade, low: Shade) -> Canvas:
    """A canvas that fades from one colour into another, downwards."""
    width, height = size
    fade = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return np.repeat(high + (low - high) * fade, width, axis=1)


def disc(canvas: Canvas, colour: Shade, x: float, y: float, radius: float, *, glow: float = 0.0) -> None:
    """A sun or a moon; place and radius in pixels, the glow 0 to 1."""
    reach = radius * 3 if glow else radius + 1
    part, distance = _around(canvas, x, y, reach)
    if glow:
        cover(part, colour, glow * np.clip(1 - distance / reach, 0, 1) ** 2)
    cover(part, colour, np.clip(radius - distance + 0.5, 0, 1))


def hills(canvas: Canvas, colour: Shade, level: float, height: float, *, waves: int, chance: Random) -> None:
    """A range of hills before everything; level and height are parts of the canvas, more waves are more detail."""
    rows, columns, _ = canvas.shape
    along = np.linspace(0, 2 * math.pi, columns, dtype=np.float32)
    outline = np.zeros(columns, np.float32)
    for wave in range(1, waves + 1):
        outline += np.sin(along * (wave * chance.uniform(0.6, 1.2)) + chance.uniform(0, 6.28)) / wave
    tops = (level + height * outline / 2) * rows
    top = max(int(tops.min()) - 1, 0)
    part = canvas[top:]
    cover(part, colour, np.clip(np.arange(top, rows, dtype=np.float32)[:, None] - tops + 0.5, 0, 1))


def sea(canvas: Canvas, colour: Shade, level: float, chance: Random) -> None:
    """Water from a level downwards, with a few lines of light."""
    rows, columns, _ = canvas.shape
    top = int(level * rows)
    depth = np.linspace(1.15, 0.7, rows - top, dtype=np.float32)[:, None, None]
    canvas[top:] = colour * depth
    for _ in range(24):
        y, x = chance.randrange(top, rows), chance.randrange(columns)
        thick, long = max(rows // 300, 1), int(columns * chance.uniform(0.03, 0.12))
        canvas[y : y + thick, x : x + long] += 28


def trees(canvas: Canvas, colour: Shade, level: float, chance: Random) -> None:
    """Firs that stand on a level."""
    rows, columns, _ = canvas.shape
    for _ in range(14):
        high = rows * chance.uniform(0.08, 0.16)
        foot, middle = level * rows + rows * chance.uniform(0, 0.12), columns * chance.random()
        top, left, right = int(foot - high), int(middle - high / 3), int(middle + high / 3) + 1
        part = canvas[max(top, 0) : int(foot), max(left, 0) : right]
        ys = np.arange(max(top, 0), max(top, 0) + part.shape[0], dtype=np.float32)[:, None] - top
        xs = np.abs(np.arange(max(left, 0), max(left, 0) + part.shape[1], dtype=np.float32) - middle)
        cover(part, colour, np.clip(ys / 3 - xs + 0.5, 0, 1))


def city(canvas: Canvas, colour: Shade, light: Shade, level: float, chance: Random) -> None:
    """Houses along the whole width, some windows lit."""
    rows, columns, _ = canvas.shape
    x = 0
    while x < columns:
        wide = max(int(columns * chance.uniform(0.04, 0.09)), 1)
        top, foot = int(rows * (level - chance.uniform(0.05, 0.4))), int(rows * (level + 0.06))
        canvas[top:foot, x : x + wide] = colour * chance.uniform(0.7, 1.1)
        pane = max(wide // 7, 1)
        for y in range(top + pane, foot - pane, 3 * pane):
            for at in range(x + pane, x + wide - pane, 2 * pane):
                if chance.random() < 0.45:
                    canvas[y : y + pane, at : at + pane] = light
        x += wide


def specks(canvas: Canvas, count: int, depth: float, chance: Random) -> None:
    """Stars or flakes: white specks down to a depth, which is a part of the canvas."""
    rows, columns, _ = canvas.shape
    for _ in range(count):
        x, y = columns * chance.random(), rows * depth * chance.random()
        disc(canvas, _WHITE, x, y, max(rows, columns) * chance.uniform(0.001, 0.004))


def rainbow(canvas: Canvas, share: float, chance: Random) -> None:
    """A bow over the whole picture, so much of it (0 to 1)."""
    rows, columns, _ = canvas.shape
    side = min(rows, columns)
    x, y, radius, wide = (
        columns * chance.uniform(0.35, 0.65),
        rows * 0.85,
        side * chance.uniform(0.5, 0.65),
        side * 0.03,
    )
    part, distance = _around(canvas, x, y, radius + wide)
    for at, bow in enumerate(_BOWS):
        off = np.abs(distance - (radius - at * wide))
        cover(part, np.array(bow, np.float32), share * np.clip((wide - off) / (wide / 2), 0, 1))


def writing(canvas: Canvas, text: str) -> None:
    """A sign with as many glyphs as the text has characters: each its own, none of an alphabet."""
    rows, columns, _ = canvas.shape
    cells = np.zeros((_GLYPH_HEIGHT + 4, len(text) * (_GLYPH_WIDTH + 1) + 3), np.float32)
    for at, character in enumerate(text):
        bits = np.unpackbits(
            np.frombuffer(hashlib.sha256(character.encode("utf-8", "surrogatepass")).digest(), np.uint8)
        )
        left = 2 + at * (_GLYPH_WIDTH + 1)
        glyph = bits[: _GLYPH_HEIGHT * _GLYPH_WIDTH].reshape(_GLYPH_HEIGHT, _GLYPH_WIDTH)
        cells[2:-2, left : left + _GLYPH_WIDTH] = 0 if character.isspace() else glyph
    scale = max(int(columns * 0.8) // cells.shape[1], 1)
    sign = np.kron(cells, np.ones((scale, scale), np.float32))[:rows, :columns]
    top, left = (rows - sign.shape[0]) // 8, (columns - sign.shape[1]) // 2
    canvas[top : top + sign.shape[0], left : left + sign.shape[1]] = (245 - 215 * sign)[..., None]


def _around(canvas: Canvas, x: float, y: float, reach: float) -> tuple[Canvas, Shade]:
    """The part of a canvas around a point, and how far each of its pixels is from it."""
    rows, columns, _ = canvas.shape
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 2, rows)
    left, right = max(int(x - reach), 0), min(int(x + reach) + 2, columns)
    ys = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
    xs = np.arange(left, right, dtype=np.float32) - np.float32(x)
    return canvas[top:bottom, left:right], np.hypot(ys, xs)
