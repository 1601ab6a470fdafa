"""`stepfun-ai/step1x-edit`, which edits pictures on modelverse: another company's host (WIRE.md section 10).

It has a key of its own. StepFun's key never goes there, and the client's own headers do not either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr

from stepfun_client.api.image_input import ELSEWHERE, PictureSource, reference
from stepfun_client.api.image_params import EditParams, ImageFormat, check_prompt, traits_for
from stepfun_client.api.image_replies import fetched_too, picture_of
from stepfun_client.api.resource import BodyOptions, checked, posting
from stepfun_client.catalog import find
from stepfun_client.core.discretion import Discretion
from stepfun_client.core.settings import Settings, Vendor
from stepfun_client.errors import APIStatusError, InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow
    from stepfun_client.picture import Picture

_ADDRESS = "https://api.modelverse.cn/v1"

MODELVERSE = Vendor("modelverse", {"cn": _ADDRESS, "global": _ADDRESS}, "MODELVERSE_BASE_URL", ("MODELVERSE_API_KEY",))

_HINTS = {
    401: "check the key: this is modelverse's own (MODELVERSE_API_KEY, or api_key=...), not StepFun's",
    402: "top up the balance at modelverse; StepFun's does not count there",
    404: "check the model's name and the address (MODELVERSE_BASE_URL, or base_url=...)",
}
_HINTS_THAT_FIT = (200, 429, 451)
_IN_PLACE = {"cfg_scale": "guidance_scale=... is its name there", "text_mode": "there is none there"}


class _Edit(BodyOptions, total=False):
    """What editing there takes."""

    response_format: ImageFormat | None
    seed: Annotated[int, Field(ge=-1, le=9_999_999_999)] | None
    steps: Annotated[int, Field(ge=1)] | None
    guidance_scale: Annotated[float, Field(ge=1, le=10)] | None
    negative_prompt: str | None


def is_elsewhere(model: Any) -> bool:
    """Whether another company hosts a model."""
    info = find(model) if isinstance(model, str) else None
    return info is not None and info.third_party


def at_modelverse(*, api_key: SecretStr | None, base_url: str | None) -> Settings:
    """Say where modelverse is and with which key; what is None is read from the environment."""
    return Settings(api_key=api_key, base_url=base_url, vendor=MODELVERSE)


def edit_elsewhere(
    image: PictureSource,
    *,
    model: str,
    prompt: str,
    fetch: bool,
    host: Settings,
    params: Mapping[str, Any],
) -> Flow[Picture]:
    """Edit a picture on modelverse."""
    given = _checked(model, prompt, params)
    options = {name: given.pop(name) for name in BodyOptions.__annotations__ if name in given}
    body = {"model": model, "prompt": prompt, "image": reference(image, ELSEWHERE, param="image"), **given}
    call = posting("/images/generations", body, options, kind="image", settings=host)
    with Discretion(host):
        try:
            picture = picture_of((yield call), model=model, prompt=prompt)
        except APIStatusError as error:
            # Its `param` is the id of the request, which is what its support asks for.
            error.trace_id, error.param = error.param or error.trace_id, None
            error.hint = _HINTS.get(error.status_code, error.hint if error.status_code in _HINTS_THAT_FIT else None)
            raise
        return (yield from fetched_too(picture, timeout=call.timeout)) if fetch else picture


def _checked(model: str, prompt: str, params: Mapping[str, Any]) -> dict[str, Any]:
    given = checked(EditParams, params)
    check_prompt(model, prompt, traits_for("edit", model))
    for name in ("size", "width", "height", "cfg_scale", "text_mode"):
        if name in given:
            advice = _IN_PLACE.get(name, "an edited picture has the size the service gives it")
            raise InvalidParameterError(
                f"{model} takes no {name}: {advice}; if modelverse allows it by now, send it with extra_body={{...}}",
                param=name,
            )
    return checked(_Edit, given)
