"""What a model may be allowed to choose about a picture, each with the values that are allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from stepfun_client.catalog import MODELS, ImageOperation, find

if TYPE_CHECKING:
    from langchain_stepfun.tools.painting import PaintingTool

Shape = Literal["square", "landscape", "portrait", "wide", "tall", "1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16"]

TRIALS: Mapping[str, Any] = {"negative_prompt": "blur", "text_mode": True, "cfg_scale": 2}
"""A value each, to ask whether an image model takes it."""


def own_models(operation: ImageOperation) -> tuple[str, ...]:
    """StepFun's own models that do this; one on another host needs another key."""
    return tuple(
        name
        for name, info in MODELS.items()
        if info.image and operation in info.image.operations and not info.third_party
    )


def longest_prompt(model: str) -> str:
    """Tell a model how long its words may be, where that is known."""
    info = find(model)
    most = info.image.max_prompt_characters if info and info.image else None
    return f" At most {most:,} characters." if most else ""


def _steps(tool: PaintingTool) -> Any:
    info = find(tool.model)
    least, most = (info.image.steps_range if info and info.image else None) or (1, 100)
    return Annotated[int, Field(ge=least, le=most)]


_CHOICES: Mapping[str, tuple[Callable[[PaintingTool], Any], str]] = {
    "shape": (lambda _: Shape, "The picture's shape, in a word or as width:height; the nearest size is drawn."),
    "seed": (lambda _: Annotated[int, Field(ge=0, lt=2**31)], "A whole number; the same one makes the same picture."),
    "negative_prompt": (lambda _: str, "What is not to be seen in the picture."),
    "text_mode": (lambda _: bool, "Whether there is to be writing in the picture."),
    "steps": (_steps, "How often the picture is refined; more take longer."),
    "cfg_scale": (lambda _: Annotated[float, Field(ge=1, le=10)], "How closely the prompt is followed, 1 to 10."),
    "source_weight": (
        lambda _: Annotated[float, Field(gt=0, le=1)],
        "The weight of the source picture, above 0 to 1. Which end stays closer to it is not certain: try both.",
    ),
    "model": (
        lambda tool: Literal.__getitem__(tuple(dict.fromkeys((tool.model, *own_models(tool.operation))))),
        "Which of StepFun's models makes the picture.",
    ),
}


def choice_fields(tool: PaintingTool) -> dict[str, Any]:
    """Make the fields of the tool's schema that stand for what the model may choose, each optional."""
    fields = {}
    for name in tool.offered:
        kind, description = _CHOICES[name]
        fields[name] = (kind(tool) | None, Field(default=None, description=description))
    return fields
