"""What comes of an image call: a picture, or an error where it was withheld (WIRE.md section 9)."""

from __future__ import annotations

import base64
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from stepfun_client.api.resource import WireModel, WirePart, read
from stepfun_client.core.call import Flow, fetch
from stepfun_client.errors import (
    APIResponseError,
    APIStatusError,
    ContentFilteredError,
    InvalidParameterError,
    StepFunError,
)
from stepfun_client.picture import Picture, is_url

if TYPE_CHECKING:
    from stepfun_client.core.call import Reply

MOST_PICTURE_BYTES = 50 * 1024 * 1024

_FILTERED = "content_filtered"
_GONE = (403, 404, 410)


def _whole_number(value: Any) -> int | None:
    """Read a fact beside the picture, which must not be lost for it."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


_Fact = Annotated[int | None, BeforeValidator(_whole_number)]


class _Entry(WirePart):
    url: str | None = None
    b64_json: str | None = Field(default=None, repr=False)
    seed: _Fact = None
    finish_reason: str | None = None


class _PictureReply(WireModel):
    created: _Fact = None
    data: list[_Entry]


def picture_of(reply: Reply, *, model: str, prompt: str) -> Picture:
    """Read a reply.

    Raises:
        ContentFilteredError: If the picture was withheld.
        APIResponseError: If there is none, or what there is is no picture.
        APIStatusError: If it is an error after all, in spite of its status.
    """
    body = read(_PictureReply, reply)
    first = body.data[0] if body.data else _Entry()
    if first.finish_reason == _FILTERED:
        raise _withheld(body.trace_id, first)
    if not (first.url or first.b64_json):
        raise APIResponseError("the reply holds no picture", trace_id=body.trace_id, body=str(reply.json())[:300])
    if len(body.data) > 1:
        warnings.warn(
            f"the reply holds {len(body.data)} pictures, of which this call returns the first; ask for them one by one",
            UserWarning,
            stacklevel=2,
        )
    facts: dict[str, Any] = {
        "url": first.url or None,
        "seed": first.seed,
        "finish_reason": first.finish_reason,
        "model": model,
        "prompt": prompt,
        "trace_id": body.trace_id,
        "created": body.created,
    }
    return _decoded(first.b64_json, facts) if first.b64_json else Picture(**facts)


def _withheld(trace_id: str | None, entry: _Entry) -> ContentFilteredError:
    return ContentFilteredError(
        "the picture was withheld by content moderation",
        status_code=200,
        type=_FILTERED,
        trace_id=trace_id,
        body={"data": [{"seed": entry.seed, "finish_reason": entry.finish_reason}]},
        hint="change the prompt or the picture; another seed may do, the same request changes nothing",
    )


def _decoded(text: str, facts: dict[str, Any]) -> Picture:
    """Read a picture in base64, which modelverse may send as a data URI."""
    try:
        return Picture.of(base64.b64decode("".join(text.rpartition("base64,")[2].split()), validate=True), **facts)
    except ValueError as error:
        reason = str(error)
    raise APIResponseError(
        f"what the service sent as a picture cannot be read: {reason}", trace_id=facts["trace_id"], body=text[:100]
    )


def with_content(
    picture: Picture | str, *, max_bytes: int = MOST_PICTURE_BYTES, timeout: float | None = None
) -> Flow[Picture]:
    """Fetch a picture's file; one that has it already is returned as it is."""
    if not isinstance(picture, Picture):
        picture = Picture(url=picture)
    if picture.content is not None:
        return picture
    if not is_url(picture.url):
        raise InvalidParameterError(f"url is {picture.url!r:.80}; it must be an http(s) URL, or a Picture", param="url")
    try:
        fetched = yield from fetch(str(picture.url), max_bytes=max_bytes, timeout=timeout, what="the picture")
    except APIStatusError as error:
        if error.status_code in _GONE:
            error.hint = (
                "the URL of a generated picture expires: StepFun's after about 30 days, modelverse's after 7. Generate "
                "it again with its seed, and save it then (fetch=True)"
            )
        raise
    return _seen(fetched.content, fetched.media_type, picture)


def _seen(content: bytes, media_type: str | None, picture: Picture) -> Picture:
    try:
        seen = Picture.of(content)
    except InvalidParameterError as error:
        reason = error.message
    else:
        return replace(picture, content=content, media_type=seen.media_type, width=seen.width, height=seen.height)
    raise APIResponseError(
        f"what is at the picture's URL is none, though the server calls it {media_type or 'nothing'}: {reason}",
        trace_id=picture.trace_id,
    )


def fetched_too(picture: Picture, *, timeout: float | None = None) -> Flow[Picture]:
    """Fetch a picture that was just made; where that fails, the error says where it is, for it was paid."""
    try:
        return (yield from with_content(picture, timeout=timeout))
    except StepFunError as error:
        error.message = f"{error.message}; the picture was made (seed {picture.seed}) and is at {picture.url!r}"
        error.args = (error.message, *error.args[1:])
        raise
