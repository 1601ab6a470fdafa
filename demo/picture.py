"""Draws the demo's picture: a bar chart as a PNG file, with nothing but the standard library."""

from __future__ import annotations

import struct
import zlib

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
RED: Colour = (220, 40, 40)
GREEN: Colour = (40, 160, 70)
BLUE: Colour = (50, 90, 210)
ORANGE: Colour = (245, 150, 30)


def bar_chart(bars: list[tuple[Colour, int]], *, width: int = 480, height: int = 320) -> bytes:
    """Draw a bar chart on white, over a black base line.

    Args:
        bars: Colour and value of each bar, from left to right; the largest value reaches almost to the top.
        width: Pixels across.
        height: Pixels down.

    Returns:
        A PNG file.
    """
    rows = [[WHITE] * width for _ in range(height)]
    base, step, top = height - 20, width // len(bars), max(value for _, value in bars)
    for number, (colour, value) in enumerate(bars):
        left, right = number * step + step // 5, (number + 1) * step - step // 5
        for y in range(base - (base - 20) * value // top, base):
            rows[y][left:right] = [colour] * (right - left)
    rows[base : base + 3] = [[BLACK] * width for _ in range(3)]
    return _png(rows)


def _png(rows: list[list[Colour]]) -> bytes:
    raw = b"".join(b"\0" + bytes(channel for pixel in row for channel in pixel) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
