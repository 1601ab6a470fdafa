"""Pictures: `/images/generations`, `/images/image2image` and `/images/edits` (WIRE.md sections 9 and 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from stepfun_client.api.image_input import EDITED, REFERENCE, STYLE, PictureSource, reference, uploaded
from stepfun_client.api.image_params import EditParams, GenerateParams, TransformParams, checked_picture
from stepfun_client.api.image_replies import MOST_PICTURE_BYTES, fetched_too, picture_of, with_content
from stepfun_client.api.modelverse import at_modelverse, edit_elsewhere, is_elsewhere
from stepfun_client.api.resource import AsyncResource, Resource, posting, sending
from stepfun_client.core.call import Call, Flow
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.picture import Picture


def generate(*, model: str, prompt: str, fetch: bool, params: Mapping[str, Any]) -> Flow[Picture]:
    """Draw a picture."""
    body, options = checked_picture("generate", model, prompt, _as_wanted(params, fetch=fetch), shape=GenerateParams)
    call = posting("/images/generations", _with_style(body), options, kind="image", model=model)
    return (yield from _made(call, body, fetch=fetch))


def transform(
    image: PictureSource, *, model: str, prompt: str, source_weight: float, fetch: bool, params: Mapping[str, Any]
) -> Flow[Picture]:
    """Draw a picture over another."""
    params = {**_as_wanted(params, fetch=fetch), "source_weight": source_weight}
    body, options = checked_picture("transform", model, prompt, params, shape=TransformParams)
    body = {**body, "source_url": reference(image, REFERENCE, param="image")}
    call = posting("/images/image2image", _with_style(body), options, kind="image", model=model)
    return (yield from _made(call, body, fetch=fetch))


def edit(
    image: PictureSource,
    *,
    model: str,
    prompt: str,
    fetch: bool,
    api_key: SecretStr | None,
    base_url: str | None,
    params: Mapping[str, Any],
) -> Flow[Picture]:
    """Change a picture, on whichever host the model is."""
    params = _as_wanted(params, fetch=fetch)
    if is_elsewhere(model):
        host = at_modelverse(api_key=api_key, base_url=base_url)
        return (yield from edit_elsewhere(image, model=model, prompt=prompt, fetch=fetch, host=host, params=params))
    _check_own(api_key=api_key, base_url=base_url, guidance_scale=params.get("guidance_scale"))
    body, options = checked_picture("edit", model, prompt, params, shape=EditParams)
    file = yield from uploaded(image, EDITED, param="image", timeout=options.get("timeout"))
    form = _form({**body, **(options.pop("extra_body", None) or {})})
    upload = ("image", file)
    call = Call("POST", "/images/edits", form=form, upload=upload, kind="image", model=model, **sending(options))
    return (yield from _made(call, body, fetch=fetch))


def _as_wanted(params: Mapping[str, Any], *, fetch: bool) -> Mapping[str, Any]:
    """Ask for the file itself where it is wanted at once and nothing else is said: one exchange instead of two."""
    return {**params, "response_format": "b64_json"} if fetch and params.get("response_format") is None else params


def _with_style(body: Mapping[str, Any]) -> dict[str, Any]:
    if not (style := body.get("style_reference")):
        return dict(body)
    url = reference(style["source_url"], STYLE, param="style_reference")
    return {**body, "style_reference": {**style, "source_url": url}}


def _check_own(**elsewhere: Any) -> None:
    for name, value in elsewhere.items():
        if value is not None:
            advice = "cfg_scale is its name here" if name == "guidance_scale" else f"StepFunClient({name}=...) takes it"
            raise InvalidParameterError(f"{name} is for stepfun-ai/step1x-edit alone; {advice}", param=name)


def _form(body: Mapping[str, Any]) -> dict[str, str]:
    """Write a body as the fields of a form: texts as they are, all else as JSON has it."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in body.items()
        if value is not None
    }


def _made(call: Call, asked: Mapping[str, Any], *, fetch: bool) -> Flow[Picture]:
    reply = yield call
    picture = picture_of(reply, model=asked["model"], prompt=asked["prompt"])
    return (yield from fetched_too(picture, timeout=call.timeout)) if fetch else picture


class Images(Resource):
    """`client.images`: pictures drawn, transformed and edited.

    A picture is paid for. As with chat, a call is sent again after a lost connection, 408, 429 or 5xx (`max_retries`);
    a lost reply may so be paid twice.
    """

    def generate(self, *, model: str, prompt: str, fetch: bool = False, **params: Unpack[GenerateParams]) -> Picture:
        """Draw a picture from words.

        Args:
            model: `"step-image-edit-2"`, `"step-2x-large"` or `"step-1x-medium"`.
            prompt: What to draw; up to 512 characters, 1,024 on `step-1x-medium`.
            fetch: Whether to have the file at once. It comes in the reply, or, where `response_format="url"` is given
                too, is fetched from there, as `fetch` does it.
            **params: See `GenerateParams`; `size` and `width` and `height` are width first for every model.

        Returns:
            The picture: by its URL only, or with its content where `fetch` or `response_format="b64_json"` says so.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            ContentFilteredError: If the picture was withheld by content moderation.
            APIStatusError: If the service refuses or fails.
            APIConnectionError: If it cannot be reached.

        Warns:
            UserWarning: If the model ignores `negative_prompt`, because `cfg_scale` is 1.

        Example:
            >>> picture = client.images.generate(
            ...     model="step-image-edit-2", prompt="雨后的竹林", size="1360x768", seed=7, fetch=True
            ... )
            >>> picture.format, picture.width, picture.height, picture.seed
            ('png', 1360, 768, 7)
        """
        return self._runner.run(generate(model=model, prompt=prompt, fetch=fetch, params=params))

    def transform(
        self,
        image: PictureSource,
        *,
        model: str,
        prompt: str,
        source_weight: float,
        fetch: bool = False,
        **params: Unpack[GenerateParams],
    ) -> Picture:
        """Draw a picture over another, from words.

        Args:
            image: A `pathlib.Path`, bytes, a file open for reading in binary mode, a Pillow image, a `data:` URI, a
                `Picture`, or an http(s) URL, which StepFun fetches by itself. PNG or JPEG, up to 10 MB and 2048x2048.
                A Pillow image loses its EXIF orientation: pass `PIL.ImageOps.exif_transpose(image)`.
            model: `"step-2x-large"` or `"step-1x-medium"`.
            prompt: What to draw; up to 512 characters, 1,024 on `step-1x-medium`.
            source_weight: Above 0, at most 1. **StepFun's documents disagree**: one says that more follows the source
                more closely, the other that less does. It is passed on as it is; try both ends with your picture.
            fetch: Whether to have the file at once; see `generate`.
            **params: See `GenerateParams`.

        Returns:
            The picture; see `generate`.

        Raises:
            InvalidParameterError: If the image or another argument is not what StepFun takes; nothing has been sent.
            OSError: If a file cannot be read.
            ContentFilteredError: If the picture was withheld by content moderation.
            APIStatusError: If the service refuses or fails.
            APIConnectionError: If it cannot be reached.

        Example:
            >>> first = client.images.generate(model="step-1x-medium", prompt="a lake", size="512x512", fetch=True)
            >>> second = client.images.transform(
            ...     first, model="step-1x-medium", prompt="in watercolours", source_weight=0.5, size="512x512"
            ... )
            >>> client.images.fetch(second).width
            512
        """
        job = transform(image, model=model, prompt=prompt, source_weight=source_weight, fetch=fetch, params=params)
        return self._runner.run(job)

    def edit(
        self,
        image: PictureSource,
        *,
        model: str,
        prompt: str,
        fetch: bool = False,
        api_key: str | SecretStr | None = None,
        base_url: str | None = None,
        **params: Unpack[EditParams],
    ) -> Picture:
        """Change a picture as words say.

        `stepfun-ai/step1x-edit` is on modelverse, another company's host with a key of its own: neither StepFun's key
        nor the client's headers go there. A client that was made for modelverse (`base_url` and `api_key`) uses these.

        Args:
            image: What to change: whatever `transform` takes. Up to 4096x4096. A URL is fetched first, from public
                hosts only; modelverse is given it as it is.
            model: `"step-image-edit-2"`, `"step-1x-edit"` or `"stepfun-ai/step1x-edit"`.
            prompt: What to change; up to 512 characters on StepFun.
            fetch: Whether to have the file at once; see `generate`.
            api_key: modelverse's key; without one, `MODELVERSE_API_KEY` is read.
            base_url: Another address of modelverse; without one, `MODELVERSE_BASE_URL`, then its own.
            **params: See `EditParams`. `step-image-edit-2` keeps the picture's size. On modelverse only
                `response_format`, `seed` (-1 to 9999999999), `steps` (28 by default), `guidance_scale` and
                `negative_prompt`.

        Returns:
            The picture; see `generate`. URLs of modelverse last 7 days.

        Raises:
            InvalidParameterError: If the image or another argument is not what the model takes; nothing has been sent.
            MissingAPIKeyError: If there is no key for modelverse.
            OSError: If a file cannot be read.
            ContentFilteredError: If the picture was withheld by content moderation.
            APIStatusError: If the service refuses or fails.
            APIConnectionError: If it cannot be reached.

        Warns:
            UserWarning: If the model ignores `negative_prompt` (at `cfg_scale` 1) or `size`.

        Example:
            >>> lake = client.images.generate(model="step-image-edit-2", prompt="a lake", fetch=True)
            >>> night = client.images.edit(lake, model="step-image-edit-2", prompt="at night", fetch=True)
            >>> (night.width, night.height) == (lake.width, lake.height), night.content == lake.content
            (True, False)
        """
        api_key = _masked(api_key)
        job = edit(image, model=model, prompt=prompt, fetch=fetch, api_key=api_key, base_url=base_url, params=params)
        return self._runner.run(job)

    def fetch(
        self, picture: Picture | str, *, max_bytes: int = MOST_PICTURE_BYTES, timeout: float | None = None
    ) -> Picture:
        """Get the file of a picture that is known by its URL.

        Only public hosts and the service's own address are visited, redirects included (see `client.fetch`), and what
        comes must be a picture by its content.

        Args:
            picture: A picture, or an http(s) URL; a picture with its content is returned as it is.
            max_bytes: The most to read; 50 MB by default.
            timeout: Seconds between two bytes; the client's, else 60.

        Returns:
            The picture with its content and size, and all else that was known.

        Raises:
            InvalidParameterError: If the address is not allowed, or there is more than `max_bytes`.
            APIResponseError: If what comes is no picture.
            APIStatusError: If the server refuses; its hint says so where the URL has most likely expired.
            APIConnectionError: If it cannot be reached.

        Example:
            >>> picture = client.images.generate(model="step-2x-large", prompt="a lighthouse", size="1280x800")
            >>> client.images.fetch(picture).media_type
            'image/png'
        """
        return self._runner.run(with_content(picture, max_bytes=max_bytes, timeout=timeout))


class AsyncImages(AsyncResource):
    """`client.images` of the asynchronous client; see `Images`."""

    async def generate(
        self, *, model: str, prompt: str, fetch: bool = False, **params: Unpack[GenerateParams]
    ) -> Picture:
        """Draw a picture from words; see `Images.generate`."""
        return await self._runner.run(generate(model=model, prompt=prompt, fetch=fetch, params=params))

    async def transform(
        self,
        image: PictureSource,
        *,
        model: str,
        prompt: str,
        source_weight: float,
        fetch: bool = False,
        **params: Unpack[GenerateParams],
    ) -> Picture:
        """Draw a picture over another; see `Images.transform`."""
        job = transform(image, model=model, prompt=prompt, source_weight=source_weight, fetch=fetch, params=params)
        return await self._runner.run(job)

    async def edit(
        self,
        image: PictureSource,
        *,
        model: str,
        prompt: str,
        fetch: bool = False,
        api_key: str | SecretStr | None = None,
        base_url: str | None = None,
        **params: Unpack[EditParams],
    ) -> Picture:
        """Change a picture as words say; see `Images.edit`."""
        api_key = _masked(api_key)
        job = edit(image, model=model, prompt=prompt, fetch=fetch, api_key=api_key, base_url=base_url, params=params)
        return await self._runner.run(job)

    async def fetch(
        self, picture: Picture | str, *, max_bytes: int = MOST_PICTURE_BYTES, timeout: float | None = None
    ) -> Picture:
        """Get the file of a picture that is known by its URL; see `Images.fetch`."""
        return await self._runner.run(with_content(picture, max_bytes=max_bytes, timeout=timeout))


def _masked(api_key: str | SecretStr | None) -> SecretStr | None:
    return SecretStr(api_key) if isinstance(api_key, str) else api_key  # tracebacks may show a frame's locals
