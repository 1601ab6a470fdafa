"""Files as LangChain's standard content blocks: from a path, bytes, a file object, a URL or a file id to a block.

StepFun advises to put pictures and videos before the instruction (WIRE.md section 4).
"""

from __future__ import annotations

from typing import Any, Literal

from langchain_stepfun.errors import model_errors
from stepfun_client.media import MediaSource, audio_part, image_part, video_part

Block = dict[str, Any]


def image_block(source: MediaSource, *, detail: Literal["low", "high"] | None = None) -> Block:
    """Make an image block.

    Args:
        source: A `pathlib.Path`, bytes, a file open for reading in binary mode, an http(s) URL, a `data:` URI, or
            `stepfile://<id>`; jpg, png, webp or a static gif.
        detail: `"low"` (about 169 tokens, the default) or `"high"`.

    Returns:
        A standard image block.

    Raises:
        InvalidParameterError: If it is no such picture.

    Example:
        >>> image_block("https://example.com/chart.png", detail="high")
        {'type': 'image', 'url': 'https://example.com/chart.png', 'extras': {'detail': 'high'}}
    """
    with model_errors():
        part = image_part(source, detail=detail)
    block = _block("image", part["image_url"]["url"])
    return {**block, "extras": {"detail": detail}} if detail else block


def video_block(source: MediaSource) -> Block:
    """Make a video block from a source as `image_block` takes it: mp4, mov or mkv of at most 128 MB and 5 minutes.

    Raises:
        InvalidParameterError: If it is no such video.

    Example:
        >>> video_block("stepfile://file-abc")
        {'type': 'video', 'file_id': 'file-abc'}
    """
    with model_errors():
        return _block("video", video_part(source)["video_url"]["url"])


def audio_block(source: MediaSource) -> Block:
    """Make an audio block from a path, bytes, a file object or a `data:` URI: wav or mp3; StepFun fetches no sound.

    Raises:
        InvalidParameterError: If it is no such sound.

    Example:
        >>> audio_block("data:audio/mpeg;base64,SUQzBAAAAAAAAA==")["mime_type"]
        'audio/mpeg'
    """
    with model_errors():
        return _block("audio", audio_part(source)["input_audio"]["data"])


def _block(kind: str, url: str) -> Block:
    scheme, _, rest = url.partition(":")
    if scheme == "data":
        media_type, _, data = rest.partition(";base64,")
        return {"type": kind, "base64": data, "mime_type": media_type}
    if scheme == "stepfile":
        return {"type": kind, "file_id": rest.removeprefix("//")}
    return {"type": kind, "url": url}
