"""Reading the requests of the three endpoints (WIRE.md section 9)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_emulator.errors import invalid
from stepfun_emulator.fields import Fields
from stepfun_emulator.images import painting
from stepfun_emulator.images.brief import Brief, Style
from stepfun_emulator.images.models import ImageModel, Task, find_image_model, only_by
from stepfun_emulator.images.sources import EDITED, REFERENCE, Source, check_source, read_source

if TYPE_CHECKING:
    from stepfun_emulator.images.painting import Painted

_SHARED = (
    "model", "prompt", "size", "response_format", "seed", "steps", "cfg_scale", "negative_prompt", "text_mode",
)  # fmt: skip
_DOCUMENTED: dict[Task, tuple[str, ...]] = {
    "generations": (*_SHARED, "n", "style_reference"),
    "image2image": (*_SHARED, "n", "style_reference", "source_url", "source_weight"),
    "edits": _SHARED,
}
ANSWERS = ("url", "b64_json")
_USUAL_SIZE = "1024x1024"
_LARGEST_SEED = 2**63 - 1
_RANDOM_SEEDS = 2**31


@dataclass(frozen=True)
class Order:
    """A checked request.

    Attributes:
        brief: What to paint.
        by_url: Whether the answer is a URL.
        size: Width and height; None keeps the source's.
        source: The picture to begin with.
        weight: How much of it is to stay; None where it is edited.
    """

    brief: Brief
    by_url: bool
    size: tuple[int, int] | None = None
    source: Source | None = None
    weight: float | None = None

    def paint(self) -> Painted:
        """The picture; it takes as long as it takes.

        Raises:
            Refusal: A picture in the request is broken.
        """
        if self.source is None:
            return painting.draw(self.brief, self.size or (1024, 1024))
        if self.weight is None:
            return painting.edit(self.brief, self.source, self.size)
        return painting.transform(self.brief, self.source, self.size or (1024, 1024), self.weight)


def read_order(body: Any, task: Task, *, plan: bool, lenient: bool) -> Order:
    """Read the JSON body of ``generations`` or ``image2image``. URLs in it are fetched.

    Raises:
        Refusal: Whatever the service refuses.
    """
    fields = Fields(body, "", _DOCUMENTED[task], lenient=lenient)
    model = _model(fields, task, plan=plan)
    fields.whole("n", 1, 1, 1)
    size = model.pixels(fields.choice("size", model.sizes) if fields.given("size") else _USUAL_SIZE)
    brief, by_url = _brief(fields, model), answers_by_url(fields)
    if task == "generations":
        return Order(brief, by_url, size)
    weight = _weight(fields, "source_weight", most=1)
    source = read_source(fields.text("source_url"), "source_url", REFERENCE)
    return Order(brief, by_url, size, source, weight)


def read_edit(form: dict[str, Any], image: bytes, *, plan: bool, lenient: bool) -> Order:
    """Read the form of ``edits``, its numbers already read.

    Raises:
        Refusal: Whatever the service refuses.
    """
    fields = Fields(form, "", _DOCUMENTED["edits"], lenient=lenient)
    model = _model(fields, "edits", plan=plan)
    size = None
    if fields.given("size") and not model.keeps_size:
        size = model.pixels(fields.choice("size", model.sizes))
    return Order(_brief(fields, model), answers_by_url(fields), size, check_source(image, "image", EDITED))


def _model(fields: Fields, task: Task, *, plan: bool) -> ImageModel:
    model = find_image_model(fields.text("model"), task, plan=plan)
    for name, trait in (("negative_prompt", "negates"), ("text_mode", "writes"), ("style_reference", "styles")):
        if fields.given(name) and not getattr(model, trait):
            raise only_by(name, model, trait)
    return model


def _brief(fields: Fields, model: ImageModel) -> Brief:
    return Brief(
        prompt=read_prompt(fields, model.most_prompt),
        seed=fields.whole("seed", -_LARGEST_SEED, _LARGEST_SEED) if fields.given("seed") else random_seed(),
        steps=fields.whole("steps", 1, model.most_steps, model.steps),
        guidance=fields.number("cfg_scale", 1, 10, model.guidance),
        negative=fields.text("negative_prompt", ""),
        letters=fields.flag("text_mode"),
        style=_style(fields),
    )


def read_prompt(fields: Fields, most: int | None) -> str:
    """The prompt, of so many characters at most."""
    prompt = fields.text("prompt")
    if not prompt.strip():
        raise invalid("prompt", "prompt must not be blank")
    if most is not None and len(prompt) > most:
        raise invalid("prompt", f"prompt has {len(prompt)} characters, the most are {most}")
    return prompt


def answers_by_url(fields: Fields) -> bool:
    """Whether the answer is a URL, as it is where nothing is said."""
    return not fields.given("response_format") or fields.choice("response_format", ANSWERS) == "url"


def random_seed() -> int:
    """The seed of a request that has none."""
    return secrets.randbelow(_RANDOM_SEEDS)


def _style(fields: Fields) -> Style | None:
    if not fields.given("style_reference"):
        return None
    style = fields.object("style_reference", "source_url", "weight")
    weight = _weight(style, "weight", most=2, usual=1)
    return Style(read_source(style.text("source_url"), style.path("source_url"), REFERENCE).content, weight)


def _weight(fields: Fields, name: str, *, most: float, usual: float = 0) -> float:
    """A number above 0; without a usual one it must be there."""
    weight = fields.number(name, 0, most, usual)
    if weight == 0:
        raise invalid(fields.path(name), f"{fields.path(name)} is required: a number above 0, {most} at most")
    return weight
