"""Messages, both ways: LangChain's to the wire, a whole reply to an `AIMessage`. Pure functions.

Streams are read in `streaming`; both go through the functions at the end of this module, so that a feature cannot work
in one and fail in the other.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call

from langchain_stepfun.content import only_text, unknown_block, user_content, user_part
from langchain_stepfun.content_blocks import PROVIDER, citations
from stepfun_client.api.chat_stream import cached_tokens
from stepfun_client.api.spoken import spoken_type
from stepfun_client.api.tool_choice import is_server_call
from stepfun_client.errors import InvalidParameterError

_TOOL_MEDIA_NOTE = "[the tool returned {count} attachment{s}, shown in the user message that follows]"


# --- LangChain's messages to the wire --------------------------------------------------------------------------------


def to_wire(messages: Iterable[BaseMessage], *, send_reasoning: bool = True) -> list[dict[str, Any]]:
    """Turn a conversation into StepFun's message objects.

    A tool message takes text only, so pictures a tool returned follow in a user message, after the last of the tool
    messages that answer the same turn: every call must be answered before anybody else speaks. A message's `name` is
    not
    sent: StepFun documents none, and ignores what it does not document.

    Args:
        messages: The conversation.
        send_reasoning: Whether an assistant's reasoning goes back together with its tool calls, as StepFun's own
            clients send it (WIRE.md section 4).

    Raises:
        InvalidParameterError: For a message or block StepFun has no place for.
    """
    messages = list(messages)
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    wire: list[dict[str, Any]] = []
    from_tools: list[dict[str, Any]] = []
    for message in messages:
        if from_tools and not isinstance(message, ToolMessage):
            wire.append({"role": "user", "content": from_tools})
            from_tools = []
        if isinstance(message, ToolMessage):
            wire.append(_tool_message(message, from_tools))
        else:
            wire.append(_message(message, answered, send_reasoning=send_reasoning))
    if from_tools:
        wire.append({"role": "user", "content": from_tools})
    return wire


def _message(message: BaseMessage, answered: set[str], *, send_reasoning: bool) -> dict[str, Any]:
    if isinstance(message, HumanMessage):
        return {"role": "user", "content": user_content(message.content)}
    if isinstance(message, SystemMessage):
        return {"role": "system", "content": only_text(message.content, "a system message")}
    if isinstance(message, AIMessage):
        return _assistant_message(message, answered, send_reasoning=send_reasoning)
    if isinstance(message, ChatMessage):
        content = user_content(message.content) if message.role == "user" else only_text(message.content, message.role)
        return {"role": message.role, "content": content}
    raise InvalidParameterError(
        f"StepFun takes no {type(message).__name__}; possible are HumanMessage, AIMessage, SystemMessage, ToolMessage "
        "and ChatMessage",
        param="messages",
    )


def _assistant_message(message: AIMessage, answered: set[str], *, send_reasoning: bool) -> dict[str, Any]:
    text = _assistant_text(message)
    wire: dict[str, Any] = {"role": "assistant", "content": text}
    # Every call must be answered; an invalid one seldom is, and then was none to the model either.
    invalid = [call for call in message.invalid_tool_calls if call["id"] in answered]
    calls = [*map(_call_to_wire, message.tool_calls), *map(_call_to_wire, invalid)]
    if calls:
        wire["content"] = text or None
        wire["tool_calls"] = calls
        reasoning = _reasoning_of(message)
        if reasoning and send_reasoning:
            wire["reasoning_content"] = reasoning
    return wire


# What an assistant's content may hold beside text: it is said elsewhere in the message, or StepFun ran it by itself.
_SAID_ELSEWHERE = frozenset(
    {
        "reasoning",
        "thinking",
        "redacted_thinking",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_use",
        "function_call",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
    }
)


def _assistant_text(message: AIMessage) -> str:
    """Join what an assistant said. Of a spoken answer, StepFun takes back the words, not the sound."""
    extra = message.additional_kwargs
    if isinstance(message.content, str):
        return message.content or transcript_of(extra) or extra.get("refusal") or ""
    texts = []
    for block in _standard_blocks(message):
        kind = block["type"]
        if kind == "text":
            texts.append(block["text"])
        elif kind == "audio":
            texts.append((block.get("extras") or {}).get("transcript", ""))
        elif kind == "non_standard":
            texts.append(_others_own(block["value"], message))
        elif kind not in _SAID_ELSEWHERE:
            texts.append(_others_own(block, message))
    return "".join(texts)


def _others_own(block: Mapping[str, Any], message: AIMessage) -> str:
    """Return what a block says that has no standard form.

    Another provider's own block, such as its file search, is left out, with a warning where nothing else in the message
    stands for it; a block that no provider answers for is an error.
    """
    kind = block.get("type")
    if kind == "refusal":
        return str(block.get("refusal", ""))
    if kind in _SAID_ELSEWHERE:
        return ""
    if message.response_metadata.get("model_provider", PROVIDER) == PROVIDER:
        raise unknown_block(block, "an assistant message")
    warnings.warn(f"a {kind!r} block of an assistant message is not sent to StepFun", stacklevel=2)
    return ""


def _reasoning_of(message: AIMessage) -> str:
    reasoning = message.additional_kwargs.get("reasoning_content")
    if reasoning is None:
        reasoning = "".join(map(_thought, _standard_blocks(message)))
    return str(reasoning)


def _thought(block: Mapping[str, Any]) -> str:
    """Return what a reasoning block holds, or a `thinking` one of a message that names no provider to translate it."""
    if block["type"] == "non_standard":
        block = block["value"]
    return str(block.get("reasoning") or block.get("thinking") or "")


def _standard_blocks(message: AIMessage) -> list[dict[str, Any]]:
    """Read a message's content as standard blocks: the translator of whoever wrote it makes them so."""
    return [dict(block) for block in message.content_blocks]


def _call_to_wire(call: ToolCall | InvalidToolCall) -> dict[str, Any]:
    args = call["args"]
    try:
        arguments = args if isinstance(args, str) else json.dumps(args or {}, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"the arguments of the call of {call['name']!r} cannot be written as JSON: {error}", param="messages"
        ) from error
    return {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": arguments}}


def _tool_message(message: ToolMessage, media: list[dict[str, Any]]) -> dict[str, Any]:
    """Turn a tool's answer into text, and put what is no text into `media`."""
    if isinstance(message.content, str):
        text = message.content
    else:
        parts = [user_part(block) for block in message.content]
        shown = [part for part in parts if part["type"] != "text"]
        texts = [part["text"] for part in parts if part["type"] == "text"]
        if shown:
            texts.append(_TOOL_MEDIA_NOTE.format(count=len(shown), s="" if len(shown) == 1 else "s"))
            media.append({"type": "text", "text": f"Returned by the tool for call {message.tool_call_id}:"})
            media.extend(shown)
        text = "\n".join(texts)
    return {"role": "tool", "tool_call_id": message.tool_call_id, "content": text}


# --- The wire to LangChain's messages --------------------------------------------------------------------------------


def from_wire(message: dict[str, Any], *, usage: UsageMetadata | None, metadata: Mapping[str, Any]) -> AIMessage:
    """Turn a whole reply's message into an `AIMessage`.

    Args:
        message: The wire's message, its reasoning in `reasoning_content`.
        usage: What the exchange used.
        metadata: What goes into `response_metadata`.
    """
    calls, invalid = _client_calls(message.get("tool_calls") or ())
    tell_audio_type(message)
    content = message.get("content") or transcript_of(message)
    if content and (found := found_by(message)):
        message["citations"] = found
    warn_if_thought_only(metadata.get("finish_reason"), has_answered=bool(content or message.get("tool_calls")))
    return AIMessage(
        content=content,
        additional_kwargs=extra_content(message),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage,
        response_metadata=dict(metadata),
    )


def extra_content(message: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what LangChain's messages keep beside the text, from a whole message or from a stream's delta.

    The reasoning stands where a process that has not imported this package finds it too.
    """
    extra: dict[str, Any] = {}
    if reasoning := message.get("reasoning_content"):
        extra["reasoning_content"] = reasoning
    if audio := message.get("audio"):
        extra["audio"] = dict(audio)
    calls = message.get("tool_calls")
    if calls and (server_calls := [dict(call) for call in calls if is_server_call(call)]):
        extra["server_tool_calls"] = server_calls
    if cited := message.get("citations"):
        extra["citations"] = cited
    return extra


def found_by(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the server calls of a message, or of a delta, found: the text that follows cites it."""
    return citations(call for call in message.get("tool_calls") or () if is_server_call(call))


def transcript_of(message: Mapping[str, Any]) -> str:
    """Return a spoken answer's words: they are its text."""
    return (message.get("audio") or {}).get("transcript") or ""


def tell_audio_type(message: dict[str, Any]) -> None:
    """Write the MIME type of a spoken answer beside its sound."""
    audio = message.get("audio")
    if audio and (data := audio.get("data")):
        message["audio"] = {**audio, "mime_type": spoken_type(data)}


def warn_if_thought_only(finish_reason: str | None, *, has_answered: bool) -> None:
    """Warn where thinking used up `max_tokens`: what looks like an empty answer is none (WIRE.md section 4)."""
    if finish_reason == "length" and not has_answered:
        warnings.warn(
            "the model's thinking used up max_tokens and no answer came (finish_reason 'length'): raise max_tokens, "
            "which thinking counts against, or lower reasoning_effort",
            stacklevel=2,
        )


def _client_calls(calls: Iterable[Mapping[str, Any]]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        if is_server_call(call):
            continue
        function = call.get("function") or {}
        read = read_call(call.get("id"), function.get("name") or "", function.get("arguments") or "")
        if read["type"] == "tool_call":
            valid.append(read)
        else:
            invalid.append(read)
    return valid, invalid


def read_call(identifier: str | None, name: str, arguments: str) -> ToolCall | InvalidToolCall:
    """Read the JSON text of a call's arguments; where it is no object, the call is an invalid one that keeps it."""
    try:
        args = json.loads(arguments or "{}", strict=False)  # models write line breaks into strings
    except (ValueError, RecursionError) as error:
        return invalid_tool_call(name=name, args=arguments, id=identifier, error=str(error))
    if not isinstance(args, dict):
        return invalid_tool_call(name=name, args=arguments, id=identifier, error="the arguments are no object")
    return tool_call(name=name, args=args, id=identifier)


def usage_metadata(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Turn the wire's usage into LangChain's. `reasoning_tokens` is 0 even after long thinking, so it is not told."""
    if not usage:
        return None
    read, written = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    metadata = UsageMetadata(
        input_tokens=read, output_tokens=written, total_tokens=int(usage.get("total_tokens") or read + written)
    )
    cached = cached_tokens(usage)
    if cached is not None:
        metadata["input_token_details"] = InputTokenDetails(cache_read=cached)
    return metadata


def reply_metadata(
    *,
    model: str | None,
    finish_reason: str | None,
    request_id: str | None,
    trace_id: str | None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Collect what `response_metadata` tells of an exchange; said once for each message."""
    told = {"model_name": model, "finish_reason": finish_reason, "id": request_id, "trace_id": trace_id}
    metadata: dict[str, Any] = {"model_provider": PROVIDER, **{name: value for name, value in told.items() if value}}
    if headers is not None:
        metadata["headers"] = dict(headers)
    return metadata
