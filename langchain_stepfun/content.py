"""Content blocks, LangChain's words to StepFun's: what a user message may hold (WIRE.md section 4).

Understood are LangChain's standard blocks (v1), the older v0 ones, and the shapes of OpenAI and Anthropic. What StepFun
has no place for raises an error that names the block and what is possible; nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepfun_client.errors import InvalidParameterError
from stepfun_client.media import audio_part, file_id_url, image_part, video_part

Block = Mapping[str, Any]
Part = dict[str, Any]

_POSSIBLE = "text, image, video (mp4, mov, mkv) and audio (wav, mp3) blocks, by url, base64 or file_id"


def user_content(content: str | list[Any]) -> str | list[Part]:
    """Turn a user message's content into what the wire takes: a string stays one, blocks become parts."""
    return content if isinstance(content, str) else [user_part(block) for block in content]


def user_part(block: str | Block) -> Part:
    """Turn one block of a user message into a part.

    Raises:
        InvalidParameterError: If StepFun has no part for it, or it breaks a documented limit.
    """
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if block.get("type") == "non_standard" and isinstance(block.get("value"), Mapping):
        return user_part(block["value"])  # langchain-core wraps what it has no standard form for, such as `video_url`
    encode = _PARTS.get(block.get("type", ""))
    if encode is None:
        raise unknown_block(block, "a user message")
    return encode(block)


def unknown_block(block: Block, where: str) -> InvalidParameterError:
    """Build the error for a block that has no place there."""
    keys = ", ".join(map(str, block))
    return InvalidParameterError(
        f"StepFun takes no {block.get('type')!r} block in {where} (its keys: {keys}); possible are {_POSSIBLE}",
        param="messages",
    )


def only_text(content: str | list[Any], where: str) -> str:
    """Join a content that may hold text only."""
    if isinstance(content, str):
        return content
    texts = []
    for block in content:
        if isinstance(block, str):
            texts.append(block)
        elif block.get("type") in _TEXTS:
            texts.append(block.get("text", ""))
        else:
            raise InvalidParameterError(
                f"StepFun takes no {block.get('type')!r} block in {where}, only text; put it into a user message",
                param="messages",
            )
    return "\n".join(texts)


_TEXTS = ("text", "text-plain", "input_text", "output_text")


def _text(block: Block) -> Part:
    if "text" not in block:
        raise InvalidParameterError("a text block must hold its text under 'text'", param="messages")
    return {"type": "text", "text": block["text"]}


def _image(block: Block) -> Part:
    detail = (block.get("extras") or {}).get("detail") or block.get("detail")
    if isinstance(block.get("source"), Mapping):  # Anthropic's shape
        block = _from_anthropic(block["source"])
    return image_part(_source(block, "image/jpeg"), detail=_detail(detail))


def _image_url(block: Block) -> Part:
    image = block.get("image_url")
    if isinstance(image, str):
        image = {"url": image, "detail": block.get("detail")}
    if not isinstance(image, Mapping) or not image.get("url"):
        raise InvalidParameterError("an image_url block must hold its address under image_url.url", param="messages")
    return image_part(image["url"], detail=_detail(image.get("detail")))


def _detail(detail: Any) -> Any:
    """OpenAI's `auto` says that the service may choose, as StepFun does without a detail."""
    return None if detail == "auto" else detail


def _video(block: Block) -> Part:
    return video_part(_source(block, "video/mp4"))


def _video_url(block: Block) -> Part:
    video = block.get("video_url")
    url = video.get("url") if isinstance(video, Mapping) else video
    if not url:
        raise InvalidParameterError("a video_url block must hold its address under video_url.url", param="messages")
    return video_part(url)


def _audio(block: Block) -> Part:
    return audio_part(_source(block, "audio/wav"))


def _input_audio(block: Block) -> Part:
    audio = block.get("input_audio") or {}
    data = audio.get("data") or ""
    return audio_part(data if data.startswith("data:") else f"data:audio/{audio.get('format', 'wav')};base64,{data}")


def _file(block: Block) -> Part:
    """A file block is whatever its MIME type says; documents have a way of their own."""
    mime_type = block.get("mime_type") or ""
    kind = mime_type.partition("/")[0]
    if kind in ("image", "video", "audio"):
        return _PARTS[kind](block)
    raise InvalidParameterError(
        f"StepFun takes no file block of type {mime_type or 'unknown'!r} in a user message; for documents upload with "
        "purpose='file-extract' and send the extracted text (client.files.create, wait, content); possible are "
        f"{_POSSIBLE}",
        param="messages",
    )


def _from_anthropic(source: Block) -> Block:
    if source.get("type") == "base64":
        return {"base64": source.get("data", ""), "mime_type": source.get("media_type")}
    return {"url": source.get("url"), "file_id": source.get("file_id")}


def _source(block: Block, default_type: str) -> str:
    """Find where a data block's content is: v1's url, base64 or file_id, or v0's source_type."""
    if block.get("url"):
        return str(block["url"])
    data = block.get("base64") or block.get("data")
    if data:
        return f"data:{block.get('mime_type') or default_type};base64,{data}"
    file_id = block.get("file_id") or (block.get("id") if block.get("source_type") == "id" else None)
    if file_id:
        return file_id_url(str(file_id))
    keys = ", ".join(map(str, block))
    raise InvalidParameterError(
        f"the {block.get('type')!r} block holds none of url, base64 and file_id (its keys: {keys})", param="messages"
    )


_PARTS: dict[str, Callable[[Block], Part]] = {
    **dict.fromkeys(_TEXTS, _text),
    "image": _image,
    "image_url": _image_url,
    "input_image": _image_url,
    "video": _video,
    "video_url": _video_url,
    "audio": _audio,
    "input_audio": _input_audio,
    "file": _file,
}
