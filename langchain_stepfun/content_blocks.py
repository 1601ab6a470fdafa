"""StepFun's messages as LangChain's standard content blocks: the translator registered with langchain-core.

The small functions at the top say what one thing looks like as a block; whole messages, stream chunks and v3 events are
all made of them. A message keeps what it holds where a process without this package finds it too: text in `content`,
reasoning, server calls and sound in `additional_kwargs` (see `messages.extra_content`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.messages.block_translators import register_translator

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, AIMessageChunk

PROVIDER = "stepfun"

Block = dict[str, Any]

# What a stream adds to one block carries one index. The prefix makes langchain-core merge by it, and text and tool
# calls, which both count from zero on the wire, do not meet.
_TEXT, _REASONING, _AUDIO = "lc_text", "lc_reasoning", "lc_audio"


def server_call_blocks(call: Mapping[str, Any]) -> list[Block]:
    """Turn a call StepFun has run into the call and its result."""
    function = call.get("function") or {}
    identifier = call.get("id") or ""
    blocks: list[Block] = [
        {
            "type": "server_tool_call",
            "id": identifier,
            "name": call.get("type"),
            "args": _arguments(function.get("arguments")),
            "extras": {"function": function.get("name")},
        }
    ]
    if (results := call.get("results")) is not None:
        blocks.append(
            {"type": "server_tool_result", "tool_call_id": identifier, "status": "success", "output": results}
        )
    return blocks


def citations(calls: Iterable[Mapping[str, Any]]) -> list[Block]:
    """Turn what web searches found into annotations of the text: StepFun does not say which sentence owes to which."""
    return [
        {
            "type": "citation",
            "url": hit.get("url"),
            "title": hit.get("title"),
            "cited_text": hit.get("summary"),
            "extras": {"index": hit.get("index")},
        }
        for call in calls
        for hit in call.get("results") or ()
    ]


def text_block(text: str, annotations: list[Block] | None = None) -> Block:
    """Make a text block; with annotations where there are any."""
    return {"type": "text", "text": text, **({"annotations": annotations} if annotations else {})}


def reasoning_block(text: str) -> Block:
    """Make a reasoning block."""
    return {"type": "reasoning", "reasoning": text}


def audio_block(audio: Mapping[str, Any]) -> Block:
    """Make an audio block, or the piece of one: its MIME type is told once."""
    block: Block = {"type": "audio", "base64": audio.get("data", "")}
    return {**block, "mime_type": audio["mime_type"]} if audio.get("mime_type") else block


def translate_message(message: AIMessage) -> list[Any]:
    """Derive a whole message's standard blocks, in the order a stream tells them: what was searched comes first."""
    extra = _plain(message).additional_kwargs
    blocks: list[Block] = []
    for call in extra.get("server_tool_calls") or ():
        blocks.extend(server_call_blocks(call))
    if reasoning := extra.get("reasoning_content"):
        blocks.append(reasoning_block(reasoning))
    if message.content:
        blocks.append(text_block(str(message.content), extra.get("citations")))
    if audio := extra.get("audio"):
        blocks.append(audio_block(audio))
    blocks.extend({**call, "type": "tool_call"} for call in message.tool_calls)
    blocks.extend({**call, "type": "invalid_tool_call"} for call in message.invalid_tool_calls)
    return blocks


def translate_chunk(chunk: AIMessageChunk) -> list[Any]:
    """Derive the standard blocks of a stream's chunk, or of several added up."""
    if chunk.chunk_position == "last":
        return translate_message(chunk)
    extra = _plain(chunk).additional_kwargs
    blocks: list[Block] = []
    for call in extra.get("server_tool_calls") or ():
        blocks.extend({**block, "index": f"lc_{block['type']}_{call.get('id')}"} for block in server_call_blocks(call))
    if reasoning := extra.get("reasoning_content"):
        blocks.append({**reasoning_block(reasoning), "index": _REASONING})
    if chunk.content:
        blocks.append({**text_block(str(chunk.content), extra.get("citations")), "index": _TEXT})
    if audio := extra.get("audio"):
        blocks.append({**audio_block(audio), "index": _AUDIO})
    blocks.extend(
        {**call, "type": "tool_call_chunk", "index": f"lc_call_{call.get('index')}"} for call in chunk.tool_call_chunks
    )
    return blocks


def register() -> None:
    """Let langchain-core find the translator by `response_metadata["model_provider"]`."""
    register_translator(PROVIDER, translate_message, translate_chunk)


def _plain(message: AIMessage) -> AIMessage:
    """Leave a content that is a list of blocks already to langchain-core's own reading."""
    if not isinstance(message.content, str):
        raise NotImplementedError
    return message


def _arguments(text: Any) -> dict[str, Any]:
    try:
        arguments = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {"arguments": text}
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}
