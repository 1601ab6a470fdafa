"""Tools that draw pictures, change them, and draw over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.bridge.pydantic import BaseModel, Field, PrivateAttr, field_validator, model_validator
from typing_extensions import Self

from llama_index_stepfun.tools.part import Arguments, ToolPart, named_by
from llama_index_stepfun.tools.shelf import Shelf
from llama_index_stepfun.tools.sources import Link, find
from stepfun_client import catalog
from stepfun_client.api import images
from stepfun_client.api.image_shapes import nearest_size
from stepfun_client.api.image_sizes import sizes_of
from stepfun_client.dimensions import dimensions
from stepfun_client.errors import InvalidParameterError
from stepfun_client.sniffing import ending_of

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow
    from stepfun_client.picture import Picture

LARGEST_SEED = 9_999_999_999
"""The largest that all of the models' documents allow."""

_SIZE = ("size", "width", "height")
_TRIAL = "a trial"
_TRIAL_PICTURE = b"\x89PNG\r\n\x1a\n"

_PICTURE = (
    "The picture: the id of one made earlier (image-...), an https:// URL of a public host, or, if a folder has been "
    "opened to you, the path of a file in it."
)
_SEED = "A whole number from 0: all else being the same, the same seed makes the same picture again."


class Draw(BaseModel):
    """Draw a picture from words: makes it and hands it to the user's application, which shows it.

    You get a note with the picture's id, size and seed, and, if you can see, the picture itself. Each call makes one
    picture and costs money.
    """

    prompt: str = Field(
        description="What to draw, in up to 500 characters: what is to be seen, from where, in which style and light."
    )
    shape: str | None = Field(
        default=None,
        description="square, landscape, portrait, wide or tall, or a ratio of width to height such as 16:9.",
    )
    seed: int | None = Field(default=None, description=_SEED)


class EditImage(BaseModel):
    """Change something in a picture and leave the rest as it is: makes a new picture and hands it to the application.

    You get a note with the new picture's id, size and seed, and, if you can see, the picture itself. Costs money each
    time.
    """

    image: str = Field(description=_PICTURE)
    prompt: str = Field(description="What to change, in up to 500 characters, e.g. 'make the sky an evening sky'.")
    seed: int | None = Field(default=None, description=_SEED)


class TransformImage(BaseModel):
    """Draw a new picture over another, e.g. in another style: nothing of it stays exactly as it is.

    To change a detail only, use edit_image. You get a note with the new picture's id, size and seed, and, if you can
    see, the picture itself. Costs money each time.
    """

    image: str = Field(description=f"{_PICTURE} PNG or JPEG, up to 2048x2048 pixels.")
    prompt: str = Field(description="What the new picture is to show, and how, in up to 500 characters.")
    seed: int | None = Field(default=None, description=_SEED)


ARGUMENTS: Arguments = {
    "draw": Draw,
    "adraw": Draw,
    "edit_image": EditImage,
    "aedit_image": EditImage,
    "transform_image": TransformImage,
    "atransform_image": TransformImage,
}


class ImageTools(ToolPart):
    """`draw`, `edit_image` and `transform_image`, and where pictures are found."""

    image_model: str = "step-image-edit-2"
    image_options: dict[str, Any] = Field(default_factory=dict)
    edit_model: str = "step-image-edit-2"
    edit_options: dict[str, Any] = Field(default_factory=dict)
    transform_model: str = "step-1x-medium"
    transform_options: dict[str, Any] = Field(default_factory=dict)
    source_weight: float = Field(default=0.5, gt=0, le=1)
    max_prompt_characters: int = Field(default=1024, ge=1)

    _pictures: Shelf[Any] = PrivateAttr(default_factory=lambda: Shelf("image"))

    @field_validator("edit_options")
    @classmethod
    def _check_edit_options(cls, options: dict[str, Any]) -> dict[str, Any]:
        if "api_key" in options:
            raise ValueError(
                "edit_options holds an api_key, and options are shown in to_dict and repr; set MODELVERSE_API_KEY, or "
                "make a StepFunToolSpec of its own with that host's base_url and api_key"
            )
        return options

    @model_validator(mode="after")
    def _check_picture_options(self) -> Self:
        """Begin each of the client's jobs, which checks all of its parameters; none is sent."""
        drawn: dict[str, Any] = {"model": self.image_model, "prompt": _TRIAL, "fetch": True}
        with named_by("image_options", self.image_options, model="image_model"):
            _try(images.generate(**drawn, params=_trial_options(self.image_options)))
        with named_by("edit_options", self.edit_options, model="edit_model"):
            params = _trial_options(self.edit_options)
            edited = {**drawn, "model": self.edit_model, "api_key": None, "base_url": params.pop("base_url", None)}
            _try(images.edit(_TRIAL_PICTURE, **edited, params=params))
        options = {"source_weight": self.source_weight, **_trial_options(self.transform_options)}
        redrawn = {**drawn, "model": self.transform_model, "source_weight": options.pop("source_weight")}
        with named_by("transform_options", self.transform_options, model="transform_model"):
            _try(images.transform(_TRIAL_PICTURE, **redrawn, params=options))
        return self

    def draw(self, prompt: str, shape: str | None = None, seed: int | None = None) -> list[TextBlock | ImageBlock]:
        """Draw a picture: a note for the model, and the picture; see `Draw` for what a model is told."""
        return self._shown("Drawn", self.client.images.generate(**self._drawing(prompt, shape, seed)))

    async def adraw(
        self, prompt: str, shape: str | None = None, seed: int | None = None
    ) -> list[TextBlock | ImageBlock]:
        """Draw a picture, asynchronously; see `draw`."""
        return self._shown("Drawn", await self.async_client.images.generate(**self._drawing(prompt, shape, seed)))

    def edit_image(self, image: str, prompt: str, seed: int | None = None) -> list[TextBlock | ImageBlock]:
        """Change a picture: a note for the model, and the new picture; see `EditImage` for what a model is told."""
        how = self._how("edit", prompt, seed)
        source = self._picture(self._find_picture(image))
        self._make_room()
        return self._shown("Changed", self.client.images.edit(source, **how))

    async def aedit_image(self, image: str, prompt: str, seed: int | None = None) -> list[TextBlock | ImageBlock]:
        """Change a picture, asynchronously; see `edit_image`."""
        how = self._how("edit", prompt, seed)
        source = await self._apicture(self._find_picture(image))
        self._make_room()
        return self._shown("Changed", await self.async_client.images.edit(source, **how))

    def transform_image(self, image: str, prompt: str, seed: int | None = None) -> list[TextBlock | ImageBlock]:
        """Draw over a picture: a note for the model, and the new picture; see `TransformImage` for what it is told.

        The new picture has the size of `transform_model` that is nearest to the old one's, unless `transform_options`
        says another.
        """
        how = self._how("transform", prompt, seed)
        source = self._picture(self._find_picture(image))
        self._make_room()
        return self._shown("Redrawn", self.client.images.transform(source, **self._over(source, how)))

    async def atransform_image(self, image: str, prompt: str, seed: int | None = None) -> list[TextBlock | ImageBlock]:
        """Draw over a picture, asynchronously; see `transform_image`."""
        how = self._how("transform", prompt, seed)
        source = await self._apicture(self._find_picture(image))
        self._make_room()
        return self._shown("Redrawn", await self.async_client.images.transform(source, **self._over(source, how)))

    def _drawing(self, prompt: object, shape: str | None, seed: object) -> dict[str, Any]:
        how = self._how("image", prompt, seed)
        if shape is not None:
            how = _sized(how, nearest_size(self.image_model, shape))
        self._make_room()
        return how

    def _how(self, task: str, prompt: object, seed: object) -> dict[str, Any]:
        """Put together what a call is given beside the picture, as far as a model chose it checked at once."""
        model = getattr(self, f"{task}_model")
        chosen: dict[str, Any] = {"prompt": _checked_prompt(prompt, model, self.max_prompt_characters)}
        if seed is not None:
            chosen["seed"] = _checked_seed(seed)
        return {**getattr(self, f"{task}_options"), "model": model, "fetch": True, **chosen}

    def _over(self, source: Picture | bytes, how: dict[str, Any]) -> dict[str, Any]:
        how = {"source_weight": self.source_weight, **how}
        pixels = dimensions(bytes(source))
        if pixels and sizes_of(self.transform_model) and not any(name in how for name in _SIZE):
            return _sized(how, nearest_size(self.transform_model, "{}x{}".format(*pixels)))
        return how

    def _shown(self, done: str, picture: Picture) -> list[TextBlock | ImageBlock]:
        """Keep and save a picture that was made: what a model is told of it, and what it and the application get."""
        name = self._pictures.put(picture, most=self.keep, most_bytes=self.keep_bytes)
        saved = self._saved(picture, f"{name}{ending_of(picture.media_type or '')}")
        pixels = f", {picture.width}x{picture.height}" if picture.width and picture.height else ""
        seed = "" if picture.seed is None else f", seed {picture.seed}"
        note = f"{done} and handed to the user's application: {name} ({picture.format}{pixels}{seed}{saved})."
        # Given in base64: core takes bytes for base64 where they could be.
        block = ImageBlock(image=picture.base64().encode(), image_mimetype=picture.media_type)
        return [TextBlock(text=note), block]

    def _find_picture(self, name: object) -> Picture | bytes | Link:
        return find(name, self._pictures, root_dir=self.root_dir, most_bytes=self.max_bytes)

    def _picture(self, found: Picture | bytes | Link) -> Picture | bytes:
        return self._fetched(found, "image") if isinstance(found, Link) else found

    async def _apicture(self, found: Picture | bytes | Link) -> Picture | bytes:
        return await self._afetched(found, "image") if isinstance(found, Link) else found


def _try(job: Flow[Picture]) -> None:
    """Take a job to where it would send something."""
    next(job)
    job.close()


def _trial_options(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is always the tools' own, and put another picture in a style's place: a trial reads no file."""
    own = {name: value for name, value in options.items() if name != "fetch"}
    style = own.get("style_reference")
    if isinstance(style, Mapping) and "source_url" in style:
        own["style_reference"] = {**style, "source_url": "https://example.com/style.png"}
    return own


def _sized(how: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Give a call a size, in the place of any other."""
    width, height = size
    return {**{name: value for name, value in how.items() if name not in _SIZE}, "width": width, "height": height}


def _checked_prompt(prompt: object, model: str, most: int) -> str:
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidParameterError("prompt is empty: say what is to be seen", param="prompt")
    info = catalog.find(model)
    known = info.image.max_prompt_characters if info and info.image else None
    most = min(most, known or most)
    if len(prompt) > most:
        raise InvalidParameterError(
            f"prompt has {len(prompt):,} characters; allowed are {most:,}. Say it in fewer words", param="prompt"
        )
    return prompt


def _checked_seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise InvalidParameterError(f"seed must be a whole number from 0 to {LARGEST_SEED}", param="seed")
    return seed
