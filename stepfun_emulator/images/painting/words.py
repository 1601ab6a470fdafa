"""What a prompt speaks of: colours, and things that can be painted, in Chinese and English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Colour(NamedTuple):
    """Red, green and blue, 0 to 255."""

    red: int
    green: int
    blue: int


# Dark and light shades keep the names that the chat models' eye gives them.
_COLOURS: tuple[tuple[str, str, Colour], ...] = (
    ("黑", "black", Colour(24, 24, 28)),
    ("白", "white", Colour(246, 246, 246)),
    ("灰", "gray|grey", Colour(140, 140, 140)),
    ("红|赤", "red|crimson|scarlet", Colour(205, 38, 38)),
    ("橙|橘", "orange", Colour(240, 130, 30)),
    ("黄|金色", "yellow|gold|golden", Colour(240, 205, 40)),
    ("绿|翠", "green|emerald", Colour(40, 150, 60)),
    ("青", "cyan|turquoise|teal", Colour(30, 180, 180)),
    ("蓝|碧", "blue|azure", Colour(40, 90, 215)),
    ("紫", "purple|violet", Colour(125, 50, 190)),
    ("粉", "pink|rose", Colour(245, 130, 185)),
    ("棕|褐", "brown", Colour(125, 75, 40)),
)

_THINGS: tuple[tuple[str, str, str], ...] = (
    ("night", "夜|星空", "night|midnight|starry"),
    ("moon", "月亮|月光|明月|圆月", "moon"),
    ("stars", "星星|繁星|星空", "star|starry"),
    ("sunset", "日落|黄昏|夕阳|晚霞|日出", "sunset|dusk|sunrise|dawn"),
    ("sun", "太阳|阳光", "sun|sunny|sunshine"),
    ("sea", "海|湖|江|河|水面", "sea|ocean|lake|river|beach"),
    ("snow", "雪|冬", "snow|snowy|winter"),
    ("trees", "树|森林|林", "tree|forest|wood"),
    ("city", "城|楼|街", "city|town|skyline|skyscraper|building|street|cityscape|cyberpunk"),
    ("rainbow", "彩虹", "rainbow"),
)

_EFFECTS: tuple[tuple[str, str, str], ...] = (
    ("grey", "黑白|灰度|单色", "grayscale|greyscale|black and white|black-and-white|monochrome"),
    ("blur", "水彩|模糊|虚化", "watercolor|watercolour|blur|blurry|blurred|soften"),
    ("invert", "反色|反转|负片", "invert|inverted|negative"),
    ("mirror", "镜像|翻转", "mirror|mirrored|flip|flipped"),
    ("brighter", "变亮|提亮|明亮", "brighten|brighter|lighter"),
    ("darker", "变暗|调暗|暗一点", "darken|darker"),
    ("sketch", "素描|线稿|铅笔", "sketch|pencil|line art"),
    ("night", "夜", "night|midnight"),
    ("snow", "雪|冬", "snow|snowy|winter"),
    ("rainbow", "彩虹", "rainbow"),
)  # fmt: skip

_QUOTED = re.compile(r"[“\"「『《'](.{1,40}?)[”\"」』》']")
_LETTERS = 12


@dataclass(frozen=True)
class Spoken:
    """What was found.

    Attributes:
        colours: In the order of the prompt.
        things: The names of things or effects.
    """

    colours: tuple[Colour, ...]
    things: frozenset[str]


def read_scene(prompt: str, avoided: str) -> Spoken:
    """What to draw: what the prompt names and the negative prompt does not."""
    return _read(prompt, avoided, _THINGS)


def read_effects(prompt: str, avoided: str) -> Spoken:
    """How to change a picture."""
    return _read(prompt, avoided, _EFFECTS)


def named_colours(text: str) -> tuple[Colour, ...]:
    """The colours that a text names, in its order. In ``black and white`` and ``黑白`` none is meant."""
    text = re.sub(r"black[- ]and[- ]white|黑白", " ", text.lower())
    found = [(_place(text, chinese, english), colour) for chinese, english, colour in _COLOURS]
    return tuple(colour for at, colour in sorted(found) if at >= 0)


def lettering(prompt: str) -> str:
    """What is to be written: what stands in quotation marks, else the beginning of the prompt."""
    quoted = _QUOTED.search(prompt)
    return (quoted[1] if quoted else prompt.strip())[:_LETTERS]


def _read(prompt: str, avoided: str, table: tuple[tuple[str, str, str], ...]) -> Spoken:
    unwanted = named_colours(avoided)
    colours = tuple(colour for colour in named_colours(prompt) if colour not in unwanted)
    return Spoken(colours, _named(prompt, table) - _named(avoided, table))


def _named(text: str, table: tuple[tuple[str, str, str], ...]) -> frozenset[str]:
    text = text.lower()
    return frozenset(name for name, chinese, english in table if _place(text, chinese, english) >= 0)


def _place(text: str, chinese: str, english: str) -> int:
    """Where one of the words stands first; -1 where none does."""
    found = re.search(rf"{chinese}|\b(?:{english})s?\b", text)
    return found.start() if found else -1
