"""What the tools that make pictures share: their settings, what a model may choose, and what they hand over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from langchain_core.tools import InjectedToolArg
from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from langchain_stepfun.tools.artifacts import Block, picture_artifact
from langchain_stepfun.tools.fetching import FetchingTool
from langchain_stepfun.tools.naming import LATEST, Address
from langchain_stepfun.tools.output import prepare, saved
from langchain_stepfun.tools.picture_choices import TRIALS
from langchain_stepfun.tools.pictures import PICTURE, find_picture
from langchain_stepfun.tools.tool import StepFunTool, only_known, told_to_the_model
from stepfun_client import InvalidParameterError
from stepfun_client.api.image_params import check_prompt, traits_for
from stepfun_client.api.image_shapes import nearest_size
from stepfun_client.api.image_sizes import sizes_of

if TYPE_CHECKING:
    from stepfun_client.catalog import ImageOperation
    from stepfun_client.core.call import Flow
    from stepfun_client.picture import Picture

Made = tuple[str | list[Block], Block]

_SIZE = ("width", "height", "size")
_SHOWN_PROMPT = 60

TRIAL = "a trial"
TRIAL_PICTURE = b"\x89PNG\r\n\x1a\n"


class PaintingTool(StepFunTool):
    """A tool that makes a picture of words, and perhaps of another picture."""

    operation: ClassVar[ImageOperation]
    done: ClassVar[str] = "Drawn"
    choices: ClassVar[tuple[str, ...]]
    sent: ClassVar[tuple[str, ...]] = ("seed", "steps", "cfg_scale", "negative_prompt", "text_mode", "extra_body")

    model: str
    width: int | None = None
    height: int | None = None
    size: str | None = None
    seed: int | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    negative_prompt: str | None = None
    text_mode: bool | None = None
    extra_body: Mapping[str, Any] | None = None
    output_dir: Path | None = None
    show_to_model: bool = False
    model_may_set: tuple[str, ...] | None = None

    @property
    def offered(self) -> tuple[str, ...]:
        """What the model may choose beside its own: what is listed, else the shape and the seed where none is set."""
        if self.model_may_set is not None:
            return self.model_may_set
        is_sized = any(getattr(self, name) is not None for name in _SIZE)
        free = {"shape": not is_sized and bool(sizes_of(self.model)), "seed": self.seed is None}
        return tuple(name for name in self.choices if free.get(name))

    @field_validator("model_may_set", mode="before")
    @classmethod
    def _check_choices(cls, given: Any) -> Any:
        return None if given is None else only_known(given, cls.choices, "prompt")

    @abstractmethod
    def _trial(self, params: dict[str, Any]) -> Flow[Picture]:
        """Begin the client's job with these parameters, which checks them all; it is never sent."""

    @model_validator(mode="after")
    def _check_picture_settings(self) -> Self:
        offered = self.offered
        trials = {} if "model" in offered else {name: TRIALS[name] for name in offered if name in TRIALS}
        trial = self._trial({**self._params(), **trials})
        next(trial)
        trial.close()
        if "shape" in offered and not sizes_of(self.model):
            raise InvalidParameterError(
                f"model_may_set holds 'shape', but the sizes of {self.model} are not known: leave it out, and set "
                "width and height",
                param="model_may_set",
            )
        return self

    def _params(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in (*_SIZE, *self.sent)}
        return {name: value for name, value in given.items() if value is not None}

    def _request(self, prompt: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Write the client's arguments; a prompt that is refused costs not even a look at a source."""
        params = self._params()
        picked = {name: value for name, value in chosen.items() if value is not None}
        model = picked.pop("model", self.model)
        with told_to_the_model("prompt"):
            check_prompt(model, prompt, traits_for(self.operation, model))
        if shape := picked.pop("shape", None):
            params = {name: value for name, value in params.items() if name not in _SIZE}
            with told_to_the_model("shape"):
                params["width"], params["height"] = nearest_size(model, shape)
        return {"model": model, "prompt": prompt, "fetch": True, **params, **picked}

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Surround the paid call: there is a place for what it makes, and what a model can mend is told to it."""
        prepare(self.output_dir)
        with told_to_the_model("prompt", "image", *self.offered):
            yield

    def _handed_over(self, picture: Picture) -> Made:
        path = saved(picture, self.output_dir, prefix="picture")
        artifact = picture_artifact(picture, path=path)
        told = _told(self.done, picture, artifact["id"]) + (f" It is saved as {path}." if path else "")
        if not self.show_to_model:
            return told, artifact
        shown = {name: artifact[name] for name in ("type", "id", "base64", "mime_type")}
        return [{"type": "text", "text": told}, shown], artifact


class RepaintingTool(PaintingTool, FetchingTool):
    """A tool that makes a picture of words and another picture."""

    max_bytes: int = Field(default=50_000_000, gt=0)

    def _run(
        self, prompt: str, image: Any = LATEST, runtime: Annotated[Any, InjectedToolArg] = None, **chosen: Any
    ) -> Made:
        request = self._request(prompt, chosen)
        source = self._source(image, runtime)
        with self._at_work():
            picture = getattr(self.client.images, self.operation)(source, **request)
        return self._handed_over(picture)

    async def _arun(
        self, prompt: str, image: Any = LATEST, runtime: Annotated[Any, InjectedToolArg] = None, **chosen: Any
    ) -> Made:
        request = self._request(prompt, chosen)
        source = await self._asource(image, runtime)
        with self._at_work():
            picture = await getattr(self.async_client.images, self.operation)(source, **request)
        return self._handed_over(picture)

    def _source(self, image: Any, runtime: Any) -> bytes:
        found = self._found(image, runtime)
        return self._fetched(found, PICTURE) if isinstance(found, Address) else found

    async def _asource(self, image: Any, runtime: Any) -> bytes:
        found = self._found(image, runtime)
        return await self._afetched(found, PICTURE) if isinstance(found, Address) else found

    def _found(self, image: Any, runtime: Any) -> bytes | Address:
        return find_picture(image, runtime=runtime, root_dir=self.root_dir, max_bytes=self.max_bytes)


def trial_style(params: dict[str, Any]) -> dict[str, Any]:
    """Put another picture in a style's place: a trial reads no file."""
    style = params.get("style_reference")
    if not (style and "source_url" in style):
        return params
    return {**params, "style_reference": {**style, "source_url": "https://example.com/style.png"}}


def _told(done: str, picture: Picture, name: str) -> str:
    """Tell a model in a sentence what came of it."""
    prompt = " ".join((picture.prompt or "").split())
    short = prompt if len(prompt) <= _SHOWN_PROMPT else f"{prompt[:_SHOWN_PROMPT]}…"
    size = f"{picture.width}x{picture.height}" if picture.width else None
    seed = f"seed {picture.seed}" if picture.seed is not None else None
    facts = ", ".join(fact for fact in (size, picture.format, seed) if fact)
    return f"{done}: “{short}” ({facts}). The picture's id is {name}."
