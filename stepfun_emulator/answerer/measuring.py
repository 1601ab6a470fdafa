"""Measuring a decoded picture: its colours by name, its areas, and the bars of a chart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepfun_emulator.pictures import Picture

_GRID = 400  # the longer side is looked at in so many steps at most
_SMALLEST_AREA = 0.0015  # of the picture: less is lettering, ticks and noise
_THIN = 0.012  # of the longer side: less is a line, not an area
_FULL = 0.85  # how much of its frame a bar fills
_ALIGNED = 0.02  # how far bars may stand from a common line, in parts of the side
_NOTED = 0.01  # a colour worth naming covers so much


@dataclass(frozen=True)
class Area:
    """A connected area of one colour, measured on the grid."""

    colour: str
    left: int
    top: int
    right: int
    bottom: int
    size: int

    @property
    def width(self) -> int:
        """Columns of the grid."""
        return self.right - self.left + 1

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return self.bottom - self.top + 1

    @property
    def full(self) -> bool:
        """Whether it fills its frame, as a bar does."""
        return self.size >= _FULL * self.width * self.height


@dataclass(frozen=True)
class Measured:
    """What was found in a picture.

    Attributes:
        colours: The names of the colours and their shares, the greatest first.
        background: The colour of the border.
        areas: The areas that are not background, from left to right.
        bars: The areas that stand on one line, in the order of reading; empty if it is no bar chart.
        upright: Whether the bars stand, rather than lie.
    """

    colours: list[tuple[str, float]]
    background: str
    areas: list[Area]
    bars: list[Area]
    upright: bool = True

    def lengths(self) -> list[int]:
        """How long each bar is, in percent of the longest."""
        sizes = [bar.height if self.upright else bar.width for bar in self.bars]
        return [round(100 * size / max(sizes)) for size in sizes]


def colour_name(red: int, green: int, blue: int) -> str:
    """The plain English name of a colour."""
    high, low = max(red, green, blue), min(red, green, blue)
    if high < 50:
        return "black"
    if high - low < 25 or (high - low) / high < 0.12:
        return "white" if low > 215 else "grey"
    hue = _hue(red, green, blue, high, high - low)
    if hue < 45 and high < 170 and hue >= 10:
        return "brown"
    if (hue < 15 or hue >= 330) and low > 140 and high > 200:
        return "pink"
    for limit, name in (
        (15, "red"),
        (45, "orange"),
        (70, "yellow"),
        (165, "green"),
        (195, "cyan"),
        (255, "blue"),
        (290, "purple"),
        (345, "pink"),
    ):
        if hue < limit:
            return name
    return "red"


def _hue(red: int, green: int, blue: int, high: int, spread: int) -> float:
    if high == red:
        return 60 * ((green - blue) / spread) % 360
    if high == green:
        return 60 * ((blue - red) / spread) + 120
    return 60 * ((red - green) / spread) + 240


def measure(picture: Picture) -> Measured:
    """Measure a picture on a grid of colour names."""
    grid = _grid(picture)
    height, width = len(grid), len(grid[0])
    counted = Counter(name for row in grid for name in row)
    border = Counter([*grid[0], *grid[-1], *(row[0] for row in grid), *(row[-1] for row in grid)])
    background = border.most_common(1)[0][0]
    smallest, thin = max(_SMALLEST_AREA * width * height, 2), _THIN * max(width, height)
    areas = [area for area in _areas(grid, background) if area.size >= smallest and min(area.width, area.height) > thin]
    areas.sort(key=lambda area: (area.left, area.top))
    bars, upright = _bars(areas, width, height)
    colours = [
        (name, count / (width * height)) for name, count in counted.most_common() if count / (width * height) >= _NOTED
    ]
    return Measured(colours, background, areas, bars, upright)


def _grid(picture: Picture) -> list[list[str]]:
    longer = max(picture.width, picture.height)
    step = max(longer / _GRID, 1.0)
    columns = [int(at * step) for at in range(max(int(picture.width / step), 1))]
    rows = [int(at * step) for at in range(max(int(picture.height / step), 1))]
    known: dict[tuple[int, int, int], str] = {}
    grid = []
    for y in rows:
        line = []
        for x in columns:
            pixel = picture.pixel(x, y)
            name = known.get(pixel)
            if name is None:
                name = known[pixel] = colour_name(*pixel)
            line.append(name)
        grid.append(line)
    return grid


def _areas(grid: list[list[str]], background: str) -> Iterable[Area]:
    """Connected areas of one colour name, the background left out."""
    height, width = len(grid), len(grid[0])
    seen = [[name == background for name in row] for row in grid]
    for y in range(height):
        for x in range(width):
            if not seen[y][x]:
                yield _flooded(grid, seen, x, y)


def _flooded(grid: list[list[str]], seen: list[list[bool]], x: int, y: int) -> Area:
    height, width, colour = len(grid), len(grid[0]), grid[y][x]
    left = right = x
    top = bottom = y
    size, todo = 0, [(x, y)]
    seen[y][x] = True
    while todo:
        x, y = todo.pop()
        size += 1
        left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
        for near_x, near_y in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if (
                0 <= near_x < width
                and 0 <= near_y < height
                and not seen[near_y][near_x]
                and grid[near_y][near_x] == colour
            ):
                seen[near_y][near_x] = True
                todo.append((near_x, near_y))
    return Area(colour, left, top, right, bottom, size)


def _bars(areas: list[Area], width: int, height: int) -> tuple[list[Area], bool]:
    """The full areas that share a lower edge, or else those that share a left edge."""
    full = [area for area in areas if area.full]
    standing = _sharing(full, [area.bottom for area in full], _ALIGNED * height)
    lying = _sharing(full, [area.left for area in full], _ALIGNED * width)
    if len(standing) >= max(len(lying), 2):
        return sorted(standing, key=lambda bar: bar.left), True
    return (sorted(lying, key=lambda bar: bar.top), False) if len(lying) >= 2 else ([], True)


def _sharing(areas: list[Area], edges: list[int], reach: float) -> list[Area]:
    """The largest group of areas whose edges lie on one line."""
    groups = [
        [area for area, edge in zip(areas, edges, strict=True) if abs(edge - line) <= max(reach, 1)]
        for line in set(edges)
    ]
    return max(groups, key=len, default=[])
