"""What the image models take (WIRE.md sections 3 and 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepfun_emulator.catalogue import MODELS
from stepfun_emulator.errors import Refusal, invalid, no_such_model

Task = Literal["generations", "image2image", "edits"]

_SQUARES = ("512x512", "768x768", "1024x1024")
_USUAL_SIZES = ("256x256", *_SQUARES, "1280x800", "800x1280")
_ON_THE_PLAN = "step-image-edit-2"


@dataclass(frozen=True)
class ImageModel:
    """One of them.

    Attributes:
        id: The name on the wire.
        tasks: The endpoints that serve it.
        steps: The usual number of steps.
        guidance: The usual ``cfg_scale``; it is 1 to 10.
        sizes: The values of ``size``.
        height_first: Whether they are written height x width.
        most_steps: The largest number of steps.
        most_prompt: The longest prompt, in characters.
        negates: Whether ``negative_prompt`` may be given.
        writes: Whether ``text_mode`` may be given.
        styles: Whether ``style_reference`` may be given.
        keeps_size: Whether an edit has the picture's own size, whatever ``size`` says.
    """

    id: str
    tasks: tuple[Task, ...]
    steps: int
    guidance: float
    sizes: tuple[str, ...] = _USUAL_SIZES
    height_first: bool = False
    most_steps: int = 100
    most_prompt: int = 512
    negates: bool = False
    writes: bool = False
    styles: bool = False
    keeps_size: bool = False

    def pixels(self, size: str) -> tuple[int, int]:
        """Width and height of one of its sizes."""
        first, _, second = size.partition("x")
        return (int(second), int(first)) if self.height_first else (int(first), int(second))


_MODELS = {
    model.id: model
    for model in (
        ImageModel(
            "step-image-edit-2",
            ("generations", "edits"),
            steps=8,
            guidance=1.0,
            sizes=("1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"),
            height_first=True,
            most_steps=50,
            negates=True,
            writes=True,
            keeps_size=True,
        ),
        ImageModel("step-1x-edit", ("edits",), steps=28, guidance=6.0, sizes=_SQUARES),
        ImageModel("step-2x-large", ("generations", "image2image"), steps=50, guidance=6.0),
        ImageModel(
            "step-1x-medium", ("generations", "image2image"), steps=50, guidance=7.5, most_prompt=1024, styles=True
        ),
    )
}


def find_image_model(name: str, task: Task, *, plan: bool = False) -> ImageModel:
    """The model of that name, where the endpoint serves it.

    Raises:
        Refusal: There is no such model, or not here, or it is none for this task.
    """
    if name not in MODELS or (plan and name != _ON_THE_PLAN):
        raise no_such_model(name)
    model = _MODELS.get(name)
    if model is None or task not in model.tasks:
        served = ", ".join(one.id for one in _MODELS.values() if task in one.tasks)
        raise invalid("model", f"{name} does not serve images/{task}; it takes {served}")
    return model


def only_by(param: str, model: ImageModel, trait: str) -> Refusal:
    """The refusal of a parameter that other models have."""
    able = ", ".join(one.id for one in _MODELS.values() if getattr(one, trait))
    return invalid(param, f"{param} is not supported by {model.id}, only by {able}")
