"""Pictures that requests carry: a URL, a data URI or an upload, checked by what they hold."""

from __future__ import annotations

from dataclasses import dataclass

from stepfun_emulator.errors import Refusal
from stepfun_emulator.media import read_data_uri, sniff
from stepfun_emulator.pictures import size_of
from stepfun_emulator.recognition.fetching import fetch

_MOST_FETCHED = 64 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What pictures are taken.

    Attributes:
        forms: Their formats.
        side: The longest side, in pixels.
        size: The largest file in bytes, where one is documented.
    """

    forms: tuple[str, ...]
    side: int
    size: int = _MOST_FETCHED


REFERENCE = Limits(("png", "jpeg"), 2048, 10 * 1024 * 1024)
EDITED = Limits(("png", "jpeg", "webp"), 4096)


@dataclass(frozen=True)
class Source:
    """A checked picture."""

    content: bytes
    form: str
    width: int
    height: int


def read_source(value: str, param: str, limits: Limits) -> Source:
    """A picture given by URL or data URI. A URL is fetched, from the loopback alone.

    Raises:
        Refusal: It cannot be fetched, or is not such a picture.
    """
    if not value.startswith("data:"):
        return check_source(fetch(value, param, kind="picture", largest=limits.size + 1), param, limits)
    try:
        _, content = read_data_uri(value)
    except ValueError as error:
        raise _refused(param, f"{param}: {error}") from None
    return check_source(content, param, limits)


def check_source(content: bytes, param: str, limits: Limits) -> Source:
    """A picture by its bytes.

    Raises:
        Refusal: It is of another format, broken at its beginning, or too large.
    """
    if len(content) > limits.size:
        raise _refused(param, f"{param} is too large: {len(content)} bytes, the most is {limits.size}")
    form = sniff(content)
    if form not in limits.forms:
        raise _refused(param, f"{param} must be a picture in one of the formats {', '.join(limits.forms)}")
    width, height = size_of(form, content) or (0, 0)
    if not width or not height:
        raise _refused(param, f"{param} is not a readable {form} picture")
    if max(width, height) > limits.side:
        raise _refused(
            param, f"{param} has {width}x{height} pixels, the most are {limits.side}x{limits.side}"
        )  # fmt: skip
    return Source(content, form, width, height)


def _refused(param: str, message: str) -> Refusal:
    return Refusal(400, "input_invalid", message, param=param)
