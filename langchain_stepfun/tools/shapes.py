"""A picture's shape in a model's words, and the nearest size that its image model draws."""

from __future__ import annotations

import math
from typing import Any, Literal

from stepfun_client.api.image_sizes import sizes_of

Shape = Literal["square", "landscape", "portrait", "wide", "tall", "1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16"]

_RATIOS = {"square": "1:1", "landscape": "4:3", "portrait": "3:4", "wide": "16:9", "tall": "9:16"}


def size_for(model: str, shape: str) -> dict[str, Any]:
    """Find the size nearest to a shape; of several alike the largest.

    Args:
        model: The model that draws.
        shape: A `Shape`.

    Returns:
        The client's `width` and `height`; nothing where the model's sizes are not known.

    Example:
        >>> size_for("step-image-edit-2", "wide"), size_for("step-2x-large", "wide")
        ({'width': 1360, 'height': 768}, {'width': 1280, 'height': 800})
    """
    wide, high = map(int, _RATIOS.get(shape, shape).split(":"))
    nearest = min(
        sizes_of(model),
        key=lambda size: (round(abs(math.log(size[0] * high / (size[1] * wide))), 6), -size[0]),
        default=None,
    )
    return {"width": nearest[0], "height": nearest[1]} if nearest else {}
