"""How a picture is to be shaped, as a language model says it, and the size that is nearest to that."""

from __future__ import annotations

import math
import re

from stepfun_client.api.image_sizes import sizes_of
from stepfun_client.errors import InvalidParameterError

SHAPES = {"square": 1.0, "landscape": 4 / 3, "portrait": 3 / 4, "wide": 16 / 9, "tall": 9 / 16}
"""The words, and how often a picture's height its width is."""

_OTHER_WORDS = {
    "horizontal": "landscape",
    "vertical": "portrait",
    "widescreen": "wide",
    "panorama": "wide",
    "正方形": "square",
    "方形": "square",
    "方图": "square",
    "横向": "landscape",
    "横版": "landscape",
    "横图": "landscape",
    "竖向": "portrait",
    "竖版": "portrait",
    "竖图": "portrait",
    "宽屏": "wide",
    "横屏": "wide",
    "竖屏": "tall",
}
_NUMBER = r"([0-9]{1,5}(?:\.[0-9]{1,3})?)"
_RATIO = re.compile(rf"{_NUMBER}\s*[:/xX×*：比]\s*{_NUMBER}", re.ASCII)
_LEAST_PIXELS = 64  # numbers from here on are meant as a size, not only as a ratio


def nearest_size(model: str, shape: str) -> tuple[int, int]:
    """Find the size a model draws that is nearest to a shape.

    Args:
        model: The image model.
        shape: One of `SHAPES`, a few other words in English and Chinese, a ratio of width to height (`"16:9"`), or a
            size in pixels, width first (`"1280x720"`).

    Returns:
        Width and height: the nearest ratio; of sizes with the same ratio the largest, or, if a size was said, the one
        nearest to it.

    Raises:
        InvalidParameterError: If the shape cannot be understood, or the model's sizes are not known.

    Example:
        >>> nearest_size("step-image-edit-2", "16:9"), nearest_size("step-2x-large", "portrait")
        ((1360, 768), (800, 1280))
        >>> nearest_size("step-2x-large", "square"), nearest_size("step-2x-large", "500x500")
        ((1024, 1024), (512, 512))
    """
    ratio, pixels = _read(shape)
    sizes = sizes_of(model)
    if not sizes:
        raise InvalidParameterError(
            f"the sizes of {model} are not known, so no shape can be asked of it; call again without a shape",
            param="shape",
        )

    def distance(size: tuple[int, int]) -> tuple[float, float]:
        width, height = size
        area = width * height
        return round(abs(math.log(width / height / ratio)), 6), abs(math.log(area / pixels)) if pixels else -area

    return min(sizes, key=distance)


def _read(shape: object) -> tuple[float, float | None]:
    """Read a shape as a ratio, and as a number of pixels where it says one."""
    said = shape.strip().casefold() if isinstance(shape, str) else ""
    word = _OTHER_WORDS.get(said, said)
    if word in SHAPES:
        return SHAPES[word], None
    if found := _RATIO.fullmatch(said):
        width, height = float(found[1]), float(found[2])
        if width > 0 and height > 0:
            return width / height, width * height if min(width, height) >= _LEAST_PIXELS else None
    raise InvalidParameterError(
        f"shape is {shape!r:.80}; say {', '.join(SHAPES)}, or a ratio of width to height such as 16:9", param="shape"
    )
