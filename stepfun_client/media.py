"""Pictures, videos and sound on their way to StepFun: from whatever holds them to what the wire wants.

A source is a path (`pathlib.Path`), bytes, a file open for reading in binary mode, or one of three kinds of string: an
http(s) URL, a `data:` URI, a `stepfile://` URL. Other strings are never guessed to be a path or base64.

What a file is, its content decides. A media type that is given, and then the file's name, count only where the content
is of no known kind. The rules are those of WIRE.md section 4; what they cannot tell for certain is left to the service.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from stepfun_client.errors import InvalidParameterError
from stepfun_client.riff import WavInfo, wav_info
from stepfun_client.sniffing import by_name, canonical, is_animated_gif, sniff

__all__ = [
    "MAX_IMAGES",
    "MAX_VIDEO_BYTES",
    "BinaryReader",
    "Media",
    "MediaSource",
    "WavInfo",
    "audio_part",
    "check_image_count",
    "file_id_url",
    "image_part",
    "load",
    "sniff",
    "video_part",
    "wav_info",
]

MAX_IMAGES = 60
"""Images in one request, over all its messages."""

MAX_VIDEO_BYTES = 128 * 1024 * 1024
"""StepFun says 128 MB and not which MB; an early check must not refuse what may pass, so this is the larger one."""

_READ_SIZE = 1 << 20
_ENCODE_SIZE = 3 << 20  # a multiple of three, so that the pieces' base64 joins without padding
_EXCERPT = 40

Part: TypeAlias = dict[str, Any]


class BinaryReader(Protocol):
    """A file open for reading in binary mode: it is read from where it stands to its end, and not closed."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


MediaSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryReader


@dataclass(frozen=True, slots=True)
class Media:
    """A file in memory.

    Attributes:
        data: Its content.
        media_type: Its MIME type as far as it can be told; None where it cannot.
        name: Its file name, without directories; None where it has none.
    """

    data: bytes = field(repr=False)
    media_type: str | None = None
    name: str | None = None

    def data_uri(self) -> str:
        """Write the file as a `data:` URI.

        Example:
            >>> Media(b"GIF89a", "image/gif").data_uri()
            'data:image/gif;base64,R0lGODlh'
        """
        uri = f"data:{self.media_type or 'application/octet-stream'};base64,"
        view = memoryview(self.data)
        for start in range(0, len(view), _ENCODE_SIZE):
            # CPython grows the string in place, where encoding at once or joining pieces would hold the text twice.
            uri += binascii.b2a_base64(view[start : start + _ENCODE_SIZE], newline=False).decode("ascii")
        return uri


@dataclass(frozen=True, slots=True)
class _Rules:
    """What one kind of part takes, and what to say about what it does not take."""

    param: str
    kind: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    max_bytes: int | None = None
    too_large: str = ""


_IMAGE = _Rules(
    param="image_url",
    kind="image",
    formats={"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "image/gif": "static GIF"},
    advice="Convert it to PNG or JPEG first.",
)
_VIDEO = _Rules(
    param="video_url",
    kind="video",
    formats={"video/mp4": "MP4", "video/quicktime": "QuickTime (.mov)", "video/x-matroska": "Matroska (.mkv)"},
    advice="Convert it first: ffmpeg -i input output.mp4",
    max_bytes=MAX_VIDEO_BYTES,
    too_large="Split it: ffmpeg -i input.mp4 -c copy -f segment -segment_time 120 -reset_timestamps 1 output_%d.mp4",
)
_AUDIO = _Rules(
    param="input_audio",
    kind="audio",
    formats={"audio/wav": "WAV", "audio/mpeg": "MP3"},
    advice="Convert it first: ffmpeg -i input output.mp3",
)
_KINDS = {"image": "a picture", "video": "a video", "audio": "sound"}


def image_part(
    source: MediaSource, *, detail: Literal["low", "high"] | None = None, media_type: str | None = None
) -> Part:
    """Make the message part for a picture (WIRE.md section 4).

    Transparent areas of a PNG turn black on StepFun's side; flatten the picture first where that matters.

    Args:
        source: A path, bytes, a binary file, an http(s) URL, a `data:` URI or a `stepfile://` URL. JPEG, PNG, WebP or
            static GIF. URLs are passed on unseen.
        detail: `low` (StepFun's default) or `high`, which costs more tokens and reads small print.
        media_type: The MIME type as far as the caller knows it; where the content says otherwise, the content wins.

    Returns:
        `{"type": "image_url", "image_url": {"url": ..., "detail": ...}}`, without `detail` where none is asked for.

    Raises:
        InvalidParameterError: If the source is of no kind listed above, empty, or of a format StepFun does not take.
        OSError: If the file cannot be read.

    Example:
        >>> image_part("https://example.com/cat.jpg", detail="high")
        {'type': 'image_url', 'image_url': {'url': 'https://example.com/cat.jpg', 'detail': 'high'}}
    """
    if detail not in (None, "low", "high"):
        raise InvalidParameterError(
            f"detail must be 'low' or 'high', not {detail!r}. Leave it out for StepFun's default, low.", param="detail"
        )
    image = {"url": _url(source, _IMAGE, media_type)}
    if detail is not None:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def video_part(source: MediaSource, *, media_type: str | None = None) -> Part:
    """Make the message part for a video (WIRE.md section 4).

    StepFun takes up to five minutes; the length is not checked here.

    Args:
        source: A path, bytes, a binary file, an http(s) URL, a `data:` URI or a `stepfile://` URL. MP4, QuickTime or
            Matroska, at most 128 MB; a path is measured before it is read. URLs are passed on unseen.
        media_type: The MIME type as far as the caller knows it; where the content says otherwise, the content wins.

    Returns:
        `{"type": "video_url", "video_url": {"url": ...}}`.

    Raises:
        InvalidParameterError: If the source is of no kind listed above, empty, too large, or of a format StepFun does
            not take.
        OSError: If the file cannot be read.

    Example:
        >>> video_part(file_id_url("file-abc"))
        {'type': 'video_url', 'video_url': {'url': 'stepfile://file-abc'}}
    """
    return {"type": "video_url", "video_url": {"url": _url(source, _VIDEO, media_type)}}


def audio_part(source: MediaSource, *, media_type: str | None = None) -> Part:
    """Make the message part for sound (WIRE.md section 4).

    Args:
        source: A path, bytes, a binary file or a `data:` URI. WAV or MP3. The wire has no sound by reference, so
            neither http(s) nor `stepfile://` URLs.
        media_type: The MIME type as far as the caller knows it; where the content says otherwise, the content wins.

    Returns:
        `{"type": "input_audio", "input_audio": {"data": ...}}`, where `data` is a whole `data:` URI.

    Raises:
        InvalidParameterError: If the source is of no kind listed above, empty, or of a format StepFun does not take.
        OSError: If the file cannot be read.

    Example:
        >>> audio_part(b"ID3...")
        {'type': 'input_audio', 'input_audio': {'data': 'data:audio/mpeg;base64,SUQzLi4u'}}
    """
    if isinstance(source, str) and _scheme(source) in {"http", "https", "stepfile"}:
        raise InvalidParameterError(
            f"StepFun takes sound only as data inside the request, not by URL: {_excerpt(source)}. Download the file "
            "and pass its bytes or its pathlib.Path.",
            param=_AUDIO.param,
        )
    return {"type": "input_audio", "input_audio": {"data": _url(source, _AUDIO, media_type)}}


def file_id_url(file_id: str) -> str:
    """Write the URL of an uploaded file, for `image_part` and `video_part` (purpose `storage`; WIRE.md sections 4, 11).

    Args:
        file_id: The id that the upload returned; a `stepfile://` URL is returned as it is.

    Raises:
        InvalidParameterError: If the id is empty or is another kind of URL.

    Example:
        >>> file_id_url("file-abc")
        'stepfile://file-abc'
    """
    bare = file_id.removeprefix("stepfile://")
    if not bare or _scheme(bare) or any(character.isspace() for character in bare):
        raise InvalidParameterError(
            f"{_excerpt(file_id)} is not the id of an uploaded file. Upload it with purpose='storage' and use "
            "the reply's id.",
            param="file_id",
        )
    return f"stepfile://{bare}"


def check_image_count(messages: Iterable[Mapping[str, Any]]) -> int:
    """Count a request's pictures, and refuse more than StepFun takes (WIRE.md section 4).

    Args:
        messages: The request's messages, or the parts of one message.

    Returns:
        How many `image_url` parts there are.

    Raises:
        InvalidParameterError: If there are more than 60.

    Example:
        >>> check_image_count([{"role": "user", "content": [image_part("https://example.com/cat.jpg")]}])
        1
    """
    count = 0
    for item in messages:
        content = item.get("content")
        parts = content if isinstance(content, list | tuple) else [item]
        count += sum(isinstance(part, Mapping) and part.get("type") == "image_url" for part in parts)
    if count > MAX_IMAGES:
        raise InvalidParameterError(
            f"The request holds {count} images; StepFun accepts at most {MAX_IMAGES} over all messages. Drop older "
            "images from the history, or ask in several requests.",
            param="messages",
        )
    return count


def load(
    source: MediaSource, *, media_type: str | None = None, max_bytes: int | None = None, param: str = "file"
) -> Media:
    """Read a file into memory and tell what it is, for an upload or a part.

    Args:
        source: A path, bytes, a binary file (read from where it stands, not closed) or a `data:` URI.
        media_type: The MIME type as far as the caller knows it: used where the content is of no known kind.
        max_bytes: Refuse more than this. A path is measured before it is read; a file is read no further than that.
        param: The parameter's name, for error messages.

    Returns:
        The file, its MIME type and its name as far as they can be told.

    Raises:
        InvalidParameterError: If the source is a URL or other text, empty, too large, or not binary.
        OSError: If the file cannot be read.

    Example:
        >>> load("data:image/png;base64,iVBORw0KGgo=")
        Media(media_type='image/png', name=None)
    """
    return _load(source, _Rules(param, max_bytes=max_bytes), media_type)


def _load(source: MediaSource, rules: _Rules, media_type: str | None) -> Media:
    stated, name = canonical(media_type), None
    if isinstance(source, str):
        data, in_uri = _read_data_uri(source, rules)
        stated = stated or in_uri
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, os.PathLike):
        path = Path(os.fsdecode(source))
        name = path.name
        _check_size(path.stat().st_size, rules)
        data = path.read_bytes()
    elif callable(getattr(source, "read", None)):
        data, name = _read_file(source, rules), _file_name(source)
    else:
        raise _unusable(source, rules)
    if not data:
        raise InvalidParameterError(f"{rules.param} is empty: there is nothing to send.", param=rules.param)
    _check_size(len(data), rules)
    return Media(data, sniff(data) or stated or by_name(name), name)


def _url(source: MediaSource, rules: _Rules, media_type: str | None) -> str:
    if isinstance(source, str):
        scheme = _scheme(source)
        if scheme in {"http", "https"}:
            return source
        if scheme == "stepfile":
            return file_id_url(source)
    media = _load(source, rules, media_type)
    _check_format(media, rules)
    if isinstance(source, str):
        prefix = f"data:{media.media_type};base64,"
        encoded_size = 4 * ((len(media.data) + 2) // 3)
        if source.startswith(prefix) and len(source) == len(prefix) + encoded_size:
            return source  # it is right already; encoding it again would cost its size in memory
    return media.data_uri()


def _check_format(media: Media, rules: _Rules) -> None:
    accepted = ", ".join(rules.formats.values())
    if media.media_type is None:
        raise InvalidParameterError(
            f"{rules.param}: cannot tell what kind of file this is. StepFun accepts {accepted}. If it is one of these, "
            f"say which with media_type={next(iter(rules.formats))!r}.",
            param=rules.param,
        )
    if media.media_type not in rules.formats:
        kind = media.media_type.partition("/")[0]
        advice = f"Send it as {_KINDS[kind]}." if kind in _KINDS.keys() - {rules.kind} else rules.advice
        raise InvalidParameterError(
            f"{rules.param} is {media.media_type}; StepFun accepts {accepted} here. {advice}", param=rules.param
        )
    if media.media_type == "image/gif" and is_animated_gif(media.data):
        raise InvalidParameterError(
            f"{rules.param} is an animated GIF; StepFun accepts static ones only. Send single frames as PNG "
            "(ffmpeg -i input.gif frame_%d.png), or the whole as a video (ffmpeg -i input.gif output.mp4).",
            param=rules.param,
        )


def _check_size(size: int, rules: _Rules, *, quantity: str = "") -> None:
    if rules.max_bytes is not None and size > rules.max_bytes:
        limit = f"{rules.max_bytes / 2**20:g} MB ({rules.max_bytes:,} bytes)"
        raise InvalidParameterError(
            f"{rules.param} has {quantity}{size:,} bytes; StepFun accepts at most {limit}. {rules.too_large}".rstrip(),
            param=rules.param,
        )


def _read_file(file: BinaryReader, rules: _Rules) -> bytes:
    data = bytearray()
    while piece := _read_piece(file, rules):
        if isinstance(piece, str):
            raise InvalidParameterError(
                f"{rules.param} is a file open in text mode. Open it with open(..., 'rb').", param=rules.param
            )
        data += piece
        _check_size(len(data), rules, quantity="at least ")
    return bytes(data)


def _read_piece(file: BinaryReader, rules: _Rules) -> bytes:
    try:
        return file.read(_READ_SIZE)
    except ValueError as error:  # it is closed, or open for writing only
        raise InvalidParameterError(
            f"{rules.param} is a file that cannot be read ({error}). Open it with open(..., 'rb').", param=rules.param
        ) from None


def _file_name(file: object) -> str | None:
    name = getattr(file, "name", None)  # open() by descriptor gives a number here
    return Path(name).name or None if isinstance(name, str) else None


def _read_data_uri(source: str, rules: _Rules) -> tuple[bytes, str | None]:
    if _scheme(source) != "data":
        raise _unusable(source, rules)
    head, comma, payload = source.partition(",")
    media_type, _, encoding = head[len("data:") :].rpartition(";")
    if not comma or encoding.strip().lower() != "base64":
        raise InvalidParameterError(
            f"{rules.param}: {_excerpt(source)} is not a base64 data URI. Write data:<media type>;base64,<data>, or "
            "pass the bytes themselves.",
            param=rules.param,
        )
    payload = "".join(payload.split())  # people paste base64 with line ends
    _check_size(len(payload) // 4 * 3 - payload.count("=", -2), rules)
    try:
        data = base64.b64decode(payload, validate=True)
    except ValueError as error:  # binascii.Error is one; text outside ASCII gives a plain one
        raise InvalidParameterError(
            f"{rules.param}: the data URI's base64 is malformed ({error}). Pass the bytes themselves and let them be "
            "encoded here.",
            param=rules.param,
        ) from None
    return data, canonical(media_type)


def _scheme(text: str) -> str:
    """The URL scheme in lower case, without its colon; `""` for text that is no URL of a kind known here."""
    head = text[:11].lower()
    if head.startswith("data:"):
        return "data"
    scheme, separator, _ = head.partition("://")
    return scheme if separator else ""


def _unusable(source: object, rules: _Rules) -> InvalidParameterError:
    if isinstance(source, str) and _scheme(source) in {"http", "https", "stepfile"}:
        what = f"{_excerpt(source)} is a URL, and this needs the file itself. Download it and pass"
    elif isinstance(source, str):
        what = f"{_excerpt(source)} is neither a URL nor a data: URI, and text is not guessed at. For a file pass"
    else:
        what = f"an object of type {type(source).__name__} holds no file. Pass"
    advice = "its pathlib.Path(...), its bytes, or the file open in binary mode."
    return InvalidParameterError(f"{rules.param}: {what} {advice}", param=rules.param)


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _EXCERPT else text[:_EXCERPT] + "...")
