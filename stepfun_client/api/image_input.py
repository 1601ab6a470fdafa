"""Pictures on their way to an image model: from whatever holds them to a URL, a data URI or an upload.

What is certain about them is checked by their own header, before anything is decoded, encoded or sent; a header that is
cut off claims nothing and is left to the service (WIRE.md section 9).
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from stepfun_client.core.call import Flow, Upload, fetch
from stepfun_client.dimensions import dimensions
from stepfun_client.errors import InvalidParameterError
from stepfun_client.media import MediaSource, load
from stepfun_client.picture import Picture, is_url
from stepfun_client.sniffing import ending_of, sniff

if TYPE_CHECKING:
    from stepfun_client.media import Media

_MB = 1024 * 1024


class PILImage(Protocol):
    """An image of Pillow's, or what can be saved like one.

    It is sent as a PNG of its pixels. What a camera noted of how to turn them (EXIF) is lost: turn them first, with
    `PIL.ImageOps.exif_transpose(image)`; or pass the file itself.
    """

    def save(self, fp: Any, format: str) -> Any:  # noqa: A002 - Pillow's name
        """Write the picture into an open file."""
        ...


PictureSource: TypeAlias = "MediaSource | Picture | PILImage"


@dataclass(frozen=True)
class Limits:
    """What pictures a call takes.

    Attributes:
        formats: Their MIME types; empty for any picture.
        most_bytes: The largest file.
        most_side: The longest side in pixels; None where it is not known.
    """

    formats: tuple[str, ...] = ()
    most_bytes: int = 128 * _MB  # as much as 4096x4096 pixels can have at all
    most_side: int | None = None


REFERENCE = Limits(("image/png", "image/jpeg"), 10 * _MB, 2048)
STYLE = Limits()
EDITED = Limits(most_side=4096)
ELSEWHERE = Limits()


def reference(source: PictureSource, limits: Limits, *, param: str) -> str:
    """Write a picture as the wire's JSON wants it: a URL is passed on unseen, all else becomes a data URI.

    Raises:
        InvalidParameterError: If it is no picture, or not one the call takes.
        OSError: If it cannot be read.
    """
    known = _url_of(source)
    return known if known is not None else _loaded(source, limits, param).data_uri()


def uploaded(source: PictureSource, limits: Limits, *, param: str, timeout: float | None) -> Flow[Upload]:
    """Make the file of a multipart form; what is known by its URL only is fetched first, from public hosts.

    Raises:
        InvalidParameterError: If it is no picture, or not one the call takes.
        OSError: If it cannot be read.
    """
    url = _url_of(source)
    if url is not None:
        fetched = yield from fetch(url, max_bytes=limits.most_bytes, timeout=timeout, what="the picture")
        source = fetched.content
    media = _loaded(source, limits, param)
    kind = media.media_type or "image/png"
    return Upload(media.data, f"image{ending_of(kind)}", kind)


def _url_of(source: PictureSource) -> str | None:
    if isinstance(source, Picture):
        return source.url if source.content is None else None
    return source if is_url(source) else None  # type: ignore[return-value]  # only a string is one


def _loaded(source: PictureSource, limits: Limits, param: str) -> Media:
    if isinstance(source, Picture):
        source = bytes(source)
    elif _is_pil(source):
        source = _png_of(source, param)
    media = load(cast("MediaSource", source), max_bytes=limits.most_bytes, param=param)
    _check(media, limits, param)
    return media


def _is_pil(source: Any) -> bool:
    return (
        callable(getattr(source, "save", None)) and not hasattr(source, "read") and not isinstance(source, os.PathLike)
    )


def _png_of(image: Any, param: str) -> bytes:
    file = io.BytesIO()
    try:
        image.save(file, format="PNG")
    except (OSError, ValueError) as error:
        raise InvalidParameterError(
            f"{param}: Pillow cannot write this image as PNG ({error}); try image.convert('RGB')", param=param
        ) from None
    return file.getvalue()


def _check(media: Media, limits: Limits, param: str) -> None:
    kind = sniff(media.data)
    if kind is None or not kind.startswith("image/") or kind == "image/svg+xml":
        what = kind or "of no known kind"
        raise InvalidParameterError(f"{param} is {what} by its content, no picture; pass a PNG or JPEG", param=param)
    if limits.formats and kind not in limits.formats:
        taken = " and ".join(form.rpartition("/")[2].upper() for form in limits.formats)
        raise InvalidParameterError(f"{param} is {kind}; StepFun takes {taken} here. Convert it first", param=param)
    width, height = dimensions(media.data) or (0, 0)
    if limits.most_side and max(width, height) > limits.most_side:
        raise InvalidParameterError(
            f"{param} has {width}x{height} pixels; StepFun takes {limits.most_side}x{limits.most_side} at most here. "
            f"Make it smaller: image.thumbnail(({limits.most_side}, {limits.most_side})) with Pillow",
            param=param,
        )
