"""What drawing, transforming and editing take: checked against the model, and written as the wire has it.

The facts are those of WIRE.md section 9. A model the catalogue does not know is not checked against it, and
`extra_body` is the way past every rule here.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SkipValidation
from typing_extensions import Required, TypedDict

from stepfun_client.api.image_sizes import check_size_form, checked_size
from stepfun_client.api.resource import BodyOptions, checked, some_text
from stepfun_client.catalog import MODELS, ImageOperation, ImageTraits, find
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

ImageFormat = Literal["url", "b64_json"]

_PAST_IT = "if StepFun allows it by now, send it with extra_body={...}"
_METHODS: dict[ImageOperation, str] = {
    "generate": "images.generate",
    "transform": "images.transform",
    "edit": "images.edit",
}


class StyleReference(TypedDict, total=False):
    """A picture whose style is taken over.

    Attributes:
        source_url: The picture: an http(s) URL, or whatever holds one (see `images.transform`).
        weight: How much of its style, above 0 to 2; StepFun's default is 1.
    """

    source_url: Required[Any]
    weight: Annotated[float, Field(gt=0, le=2)]


class PictureParams(BodyOptions, total=False):
    """What every call that makes a picture takes beside `model` and `prompt`. None leaves a parameter out.

    Attributes:
        width: In pixels, together with `height`.
        height: In pixels, together with `width`.
        size: Instead of both: `"WIDTHxHEIGHT"`, width first whatever the model's own order on the wire is.
            `step-image-edit-2` draws 1024x1024, 1360x768, 768x1360, 1184x896 and 896x1184; `step-2x-large` and
            `step-1x-medium` draw squares of 256, 512, 768 and 1024, and 1280x800 and 800x1280; `step-1x-edit` squares
            of 512, 768 and 1024.
        response_format: `"url"` (StepFun's default), valid for about 30 days, or `"b64_json"`: the file itself.
        seed: A whole number; the same one makes the same picture again.
        steps: How often the picture is refined: 1 to 50 on `step-image-edit-2` (default 8), 1 to 100 on `step-2x-large`
            and `step-1x-medium` (default 50); 28 by default on `step-1x-edit`.
        cfg_scale: How closely the prompt is followed, 1 to 10. By default 1 on `step-image-edit-2`, 6 on
            `step-2x-large` and `step-1x-edit`, 7.5 on `step-1x-medium`.
        negative_prompt: What is not to be seen; on `step-image-edit-2`, which ignores it unless `cfg_scale` is above 1.
        text_mode: Whether there is to be writing; on `step-image-edit-2`.
    """

    width: Annotated[int, Field(gt=0)] | None
    height: Annotated[int, Field(gt=0)] | None
    size: str | None
    response_format: ImageFormat | None
    seed: int | None
    steps: Annotated[int, Field(ge=1)] | None
    cfg_scale: float | None
    negative_prompt: str | None
    text_mode: bool | None


class GenerateParams(PictureParams, total=False):
    """What generating and transforming take beside `model` and `prompt`; see also `PictureParams`.

    Attributes:
        style_reference: A picture whose style is taken over; on `step-1x-medium`.
        n: How many pictures; StepFun makes 1 a call.
    """

    style_reference: Annotated[StyleReference | None, SkipValidation]  # by hand, for an error that names its fields
    n: int | None


class TransformParams(GenerateParams, total=False):
    """What transforming takes beside `model`, `prompt` and the picture; see also `GenerateParams`.

    Attributes:
        source_weight: How much the picture counts, above 0 to 1.
    """

    source_weight: Required[Annotated[float, Field(gt=0, le=1)]]


class EditParams(PictureParams, total=False):
    """What editing takes beside `model` and `prompt`; see also `PictureParams`.

    Attributes:
        guidance_scale: What `stepfun-ai/step1x-edit` has for `cfg_scale`: 1 to 10, by default 2.5.
    """

    guidance_scale: Annotated[float, Field(ge=1, le=10)] | None


def checked_picture(
    operation: ImageOperation, model: str, prompt: str, params: Mapping[str, Any], *, shape: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check what a call is asked for, and write its body.

    Args:
        operation: What is to be done.
        model: The model's id.
        prompt: What to draw, or what to change.
        params: The parameters.
        shape: The TypedDict that declares them.

    Returns:
        The wire's fields but the source's, `size` in the model's own order; and the options every call takes.

    Raises:
        InvalidParameterError: If StepFun would certainly refuse them.
    """
    check_size_form(params)
    given = checked(shape, params)
    traits = traits_for(operation, model)
    check_prompt(model, prompt, traits)
    if given.pop("n", 1) != 1:
        raise InvalidParameterError(
            f"n is {params['n']}; StepFun makes 1 picture a call. Call once for each, with another seed; {_PAST_IT}",
            param="n",
        )
    if traits:
        _check_traits(model, given, traits)
    if "style_reference" in given:
        given["style_reference"] = _checked_style(given["style_reference"])
    size = checked_size(model, given)
    if size and operation == "edit" and traits and traits.keeps_size:
        _warn(f"{model} ignores the size of an edit: the picture keeps its own")
    options = {name: given.pop(name) for name in BodyOptions.__annotations__ if name in given}
    own = {name: value for name, value in given.items() if name not in ("width", "height", "size")}
    return {"model": model, "prompt": prompt, **({"size": size} if size else {}), **own}, options


def traits_for(operation: ImageOperation, model: str) -> ImageTraits | None:
    """What is known of a model that is to do this; None where it is unknown.

    Raises:
        InvalidParameterError: If it certainly does not do this.
    """
    info = find(some_text(model, "model"))
    if info is None:
        return None
    if info.image is None:
        raise InvalidParameterError(f"{model} makes no pictures; use {_able(operation)}", param="model")
    if operation not in info.image.operations:
        others = " or ".join(f"client.{_METHODS[known]}" for known in _METHODS if known in info.image.operations)
        raise InvalidParameterError(
            f"{model} is not for client.{_METHODS[operation]}, which takes {_able(operation)}; {model} is for {others}",
            param="model",
        )
    return info.image


def check_prompt(model: str, prompt: str, traits: ImageTraits | None) -> None:
    """Check that there is a prompt, and that it is not too long.

    Raises:
        InvalidParameterError: If there is none, or it is.
    """
    most = traits.max_prompt_characters if traits else None
    if most is not None and len(some_text(prompt, "prompt")) > most:
        raise InvalidParameterError(
            f"prompt has {len(prompt)} characters; {model} takes {most} at most. Shorten it, or let a chat model do so",
            param="prompt",
        )
    some_text(prompt, "prompt")


def _able(operation: ImageOperation) -> str:
    return ", ".join(name for name, info in MODELS.items() if info.image and operation in info.image.operations)


def _with(trait: Callable[[ImageTraits], bool]) -> str:
    return ", ".join(name for name, info in MODELS.items() if info.image and trait(info.image) and not info.third_party)


_ONLY_SOME: dict[str, Callable[[ImageTraits], bool]] = {
    "negative_prompt": lambda traits: traits.negative_prompt,
    "text_mode": lambda traits: traits.text_mode,
    "style_reference": lambda traits: traits.style_reference,
}


def _check_traits(model: str, given: Mapping[str, Any], traits: ImageTraits) -> None:
    for name, has in _ONLY_SOME.items():
        if name in given and not has(traits):
            raise InvalidParameterError(f"{model} takes no {name}; {_with(has)} does; {_PAST_IT}", param=name)
    for name, limits in (("steps", traits.steps_range), ("cfg_scale", traits.cfg_scale_range)):
        if limits and name in given and not limits[0] <= given[name] <= limits[1]:
            raise InvalidParameterError(
                f"{name} is {given[name]}; {model} takes {limits[0]} to {limits[1]}; {_PAST_IT}", param=name
            )
    if "negative_prompt" in given and _guidance(given, traits) == 1:
        _warn(f"{model} ignores negative_prompt at cfg_scale 1.0, its default; give cfg_scale a value above 1 (to 10)")


def _checked_style(style: Any) -> dict[str, Any]:
    if not isinstance(style, Mapping):
        raise InvalidParameterError(
            f"style_reference is a {type(style).__name__}; it must be {{'source_url': <a picture>, 'weight': 1}}",
            param="style_reference",
        )
    try:
        return checked(StyleReference, style)
    except InvalidParameterError as error:
        reason = error.message
    raise InvalidParameterError(f"style_reference: {reason}", param="style_reference")


def _warn(message: str) -> None:
    """Say what the service would ignore in silence."""
    warnings.warn(message, UserWarning, stacklevel=3)


def _guidance(given: Mapping[str, Any], traits: ImageTraits) -> Any:
    extra = given.get("extra_body") or {}
    return extra.get("cfg_scale", given.get("cfg_scale", traits.cfg_scale_default))
