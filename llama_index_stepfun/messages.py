"""Chat messages, both ways: LlamaIndex's blocks to the wire, a reply to blocks. Pure functions.

A document becomes a part of type `document`, which is none of the wire's: the client's `attach` turns it into text.
"""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import IOBase
from pathlib import PurePath
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from stepfun_client.api.chat_stream import cached_tokens
from stepfun_client.api.spoken import spoken_type
from stepfun_client.api.tool_choice import is_server_call
from stepfun_client.errors import InvalidParameterError
from stepfun_client.media import audio_part, image_part, video_part

Part = dict[str, Any]

_ROLES = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}
_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac", "audio/pcm": "pcm"}
_TOOL_MEDIA_NOTE = "[the tool returned {count} attachment{s}, shown in the user message that follows]"
_UNHEARD = ("flac", "ogg", "opus", "pcm")  # chat models take wav and mp3
_UNHEARD_NOTE = "[the tool returned audio; the application has it, you do not hear it]"
_UNSEEN_NOTE = "[the tool returned a picture; the application has it, you do not see it]"


# --- LlamaIndex's messages to the wire -------------------------------------------------------------------------------


def to_wire(messages: Iterable[ChatMessage], *, hears: bool = True, sees: bool = True) -> list[dict[str, Any]]:
    """Turn a conversation into StepFun's message objects; the caller's messages stay as they are.

    A tool message takes text only, so pictures and sound a tool returned follow in a user message, after the last of
    the tool messages that answer the same turn.

    Args:
        messages: The conversation.
        hears: Whether the model takes sound. What a tool returned for people's ears is only mentioned to one that does
            not; a user's sound is sent in any case.
        sees: Whether the model takes pictures, likewise.

    Raises:
        InvalidParameterError: For a role or block StepFun has no place for.
    """
    wire: list[dict[str, Any]] = []
    from_tools: list[Part] = []
    for message in messages:
        role = _ROLES[message.role]
        if from_tools and role != "tool":
            wire.append({"role": "user", "content": from_tools})
            from_tools = []
        taken = _as_taken(message, hears=hears, sees=sees) if role == "tool" else message
        wire.append(_ENCODERS[role](taken, from_tools))
    if from_tools:
        wire.append({"role": "user", "content": from_tools})
    return wire


def _system(message: ChatMessage, _from_tools: list[Part]) -> dict[str, Any]:
    return {"role": "system", "content": _only_text(message, "a system message")}


def _user(message: ChatMessage, _from_tools: list[Part]) -> dict[str, Any]:
    parts = _parts(message.blocks)
    if all(part["type"] == "text" for part in parts):
        return {"role": "user", "content": "\n".join(part["text"] for part in parts)}
    return {"role": "user", "content": parts}


def _assistant(message: ChatMessage, _from_tools: list[Part]) -> dict[str, Any]:
    texts = [block.text for block in message.blocks if isinstance(block, TextBlock)]
    for block in message.blocks:
        if not isinstance(block, _SAID_BY_ASSISTANT):
            raise _no_place(block, "an assistant message")
    wire: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts)}
    if calls := _calls_to_wire(message):
        wire["content"] = wire["content"] or None
        wire["tool_calls"] = calls
        thoughts = [block.content or "" for block in message.blocks if isinstance(block, ThinkingBlock)]
        if any(thoughts):
            wire["reasoning_content"] = "".join(thoughts)
    return wire


# A spoken answer goes back as its words, a citation as the text it belongs to.
_SAID_BY_ASSISTANT = (TextBlock, ThinkingBlock, ToolCallBlock, AudioBlock, CitationBlock, CachePoint)


def _calls_to_wire(message: ChatMessage) -> list[dict[str, Any]]:
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        kept = message.additional_kwargs.get("tool_calls") or ()
        return [call if isinstance(call, dict) else call.model_dump() for call in kept]
    return [
        {
            "id": block.tool_call_id,
            "type": "function",
            "function": {"name": block.tool_name, "arguments": _arguments(block.tool_kwargs)},
        }
        for block in blocks
    ]


def _arguments(kwargs: dict[str, Any] | str) -> str:
    return kwargs if isinstance(kwargs, str) else json.dumps(kwargs, ensure_ascii=False)


def _as_taken(message: ChatMessage, *, hears: bool, sees: bool) -> ChatMessage:
    """Put notes in the place of sound and pictures that the model cannot be sent."""
    notes = [_note(block, hears=hears, sees=sees) for block in message.blocks]
    if not any(notes):
        return message
    blocks = [TextBlock(text=note) if note else block for block, note in zip(message.blocks, notes, strict=True)]
    return message.model_copy(update={"blocks": blocks})


def _note(block: Any, *, hears: bool, sees: bool) -> str | None:
    if isinstance(block, AudioBlock) and not (hears and block.format not in _UNHEARD):
        return _UNHEARD_NOTE
    if isinstance(block, ImageBlock) and not sees:
        return _UNSEEN_NOTE
    return None


def _tool(message: ChatMessage, from_tools: list[Part]) -> dict[str, Any]:
    call_id = message.additional_kwargs.get("tool_call_id")
    if not call_id:
        raise InvalidParameterError(
            "a tool message must name the call it answers in additional_kwargs['tool_call_id']", param="messages"
        )
    parts = _parts(message.blocks)
    texts = [part["text"] for part in parts if part["type"] == "text"]
    if shown := [part for part in parts if part["type"] != "text"]:
        texts.append(_TOOL_MEDIA_NOTE.format(count=len(shown), s="" if len(shown) == 1 else "s"))
        from_tools.append({"type": "text", "text": f"Returned by the tool for call {call_id}:"})
        from_tools.extend(shown)
    return {"role": "tool", "tool_call_id": call_id, "content": "\n".join(texts)}


_ENCODERS: dict[str, Callable[[ChatMessage, list[Part]], dict[str, Any]]] = {
    "system": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}


def _only_text(message: ChatMessage, where: str) -> str:
    parts = _parts(message.blocks)
    if any(part["type"] != "text" for part in parts):
        raise InvalidParameterError(f"{where} takes text only; put media into a user message", param="messages")
    return "\n".join(part["text"] for part in parts)


def _parts(blocks: Iterable[Any]) -> list[Part]:
    parts: list[Part] = []
    for block in blocks:
        if isinstance(block, CachePoint):  # StepFun caches by itself, above 256 tokens; there is nothing to ask for
            continue
        if isinstance(block, CitableBlock):
            parts.append({"type": "text", "text": f"{block.title} ({block.source})"})
            parts.extend(_parts(block.content))
        elif isinstance(block, CitationBlock):
            parts.extend(_parts([block.cited_content]))
        else:
            parts.append(_part(block))
    return parts


def _part(block: Any) -> Part:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ImageBlock):
        return image_part(_source(block, block.image), detail=_detail(block.detail), media_type=block.image_mimetype)
    if isinstance(block, VideoBlock):
        return video_part(_source(block, block.video), media_type=block.video_mimetype)
    if isinstance(block, AudioBlock):
        return audio_part(_source(block, block.audio), media_type=f"audio/{block.format}" if block.format else None)
    if isinstance(block, DocumentBlock):
        return _document(block)
    raise _no_place(block, "a user message")


def _source(block: ImageBlock | VideoBlock | AudioBlock, data: bytes | IOBase | None) -> Any:
    """Find where a block's content is. Core keeps bytes as base64, and may have put a slash behind a file id's host."""
    if isinstance(data, bytes):
        return base64.b64decode(data)
    if data is not None:
        data.seek(0)  # it may have been read before: for an earlier turn, or by core
        return data
    if block.path is not None:
        return block.path
    if block.url is not None:
        url = str(block.url)
        return url.rstrip("/") if url.startswith("stepfile:") else url
    raise InvalidParameterError(
        f"the {block.block_type} block is empty: give it bytes, a path or a url", param="messages"
    )


def _detail(detail: str | None) -> Any:
    """OpenAI's `auto` says that the service may choose, as StepFun does without a detail."""
    return None if detail == "auto" else detail


def _document(block: DocumentBlock) -> Part:
    if block.data is None and block.path is None and not (block.url or "").startswith("data:"):
        raise InvalidParameterError(
            "a DocumentBlock needs its data or a path: nothing is downloaded behind your back; fetch the url and pass "
            "data=...",
            param="messages",
        )
    return {"type": "document", "document": {"data": block.resolve_document().read(), "name": _document_name(block)}}


def _document_name(block: DocumentBlock) -> str:
    """Name a document with the ending its content has: StepFun parses by it."""
    path = PurePath(str(block.path)) if block.path else PurePath()
    title = "" if block.title == _CORES_TITLE else block.title or ""
    ending = path.suffix or PurePath(title).suffix or mimetypes.guess_extension(block.document_mimetype or "") or ".txt"
    name = title or path.name or "document"
    return name if name.lower().endswith(ending.lower()) else name + ending


_CORES_TITLE = "input_document"  # where the user gave none


def _no_place(block: Any, where: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"StepFun takes no {type(block).__name__} in {where}; possible are TextBlock, ImageBlock, VideoBlock, "
        "AudioBlock and DocumentBlock in a user message",
        param="messages",
    )


# --- The wire to LlamaIndex's messages -------------------------------------------------------------------------------


def from_wire(message: Mapping[str, Any]) -> ChatMessage:
    """Turn a whole reply's message into one with blocks: thinking, text, sound, citations, tool calls."""
    audio = message.get("audio") or {}
    text = message.get("content") or audio.get("transcript") or ""
    return assistant_message(
        thinking=message.get("reasoning_content") or "",
        text=text,
        calls=message.get("tool_calls") or (),
        sound=audio.get("data") or "",
    )


def assistant_message(
    *, thinking: str = "", text: str = "", calls: Sequence[Mapping[str, Any]] = (), sound: str = ""
) -> ChatMessage:
    """Make an assistant's message, with blocks of its own and its calls in both places core looks for them."""
    blocks: list[Any] = []
    if thinking:
        blocks.append(ThinkingBlock(content=thinking))
    if text or not (thinking or sound or any(not is_server_call(call) for call in calls)):
        blocks.append(TextBlock(text=text))
    if sound:
        blocks.append(AudioBlock(audio=base64.b64decode(sound), format=_FORMATS[spoken_type(sound)]))
    if not calls:
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
    client_calls = [call for call in calls if not is_server_call(call)]
    server_calls = [dict(call) for call in calls if is_server_call(call)]
    blocks.extend(_citations(server_calls))
    blocks.extend(_call_block(call) for call in client_calls)
    extra: dict[str, Any] = {}
    if client_calls:
        extra["tool_calls"] = [_plain_call(call) for call in client_calls]
    if server_calls:
        extra["built_in_tool_calls"] = server_calls
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=extra)


def _call_block(call: Mapping[str, Any]) -> ToolCallBlock:
    function = call.get("function") or {}
    return ToolCallBlock(
        tool_call_id=call.get("id"), tool_name=function.get("name") or "", tool_kwargs=function.get("arguments") or "{}"
    )


def _plain_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": function.get("name") or "", "arguments": function.get("arguments") or ""},
    }


def _citations(server_calls: Iterable[Mapping[str, Any]]) -> list[CitationBlock]:
    return [
        CitationBlock(
            cited_content=TextBlock(text=hit.get("summary") or ""),
            source=hit.get("url") or "",
            title=hit.get("title") or "",
            additional_location_info={"index": hit.get("index") or 0},
        )
        for call in server_calls
        for hit in call.get("results") or ()
    ]


def told(body: Mapping[str, Any], *, trace_id: str | None, finish_reason: str | None) -> dict[str, Any]:
    """Collect what `ChatResponse.additional_kwargs` tells: token counts, the trace id, how the answer ended."""
    usage = body.get("usage") or {}
    counts = {name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens") if name in usage}
    facts = {"cached_tokens": cached_tokens(usage), "finish_reason": finish_reason, "trace_id": trace_id}
    return {**counts, **{name: value for name, value in facts.items() if value is not None}}
