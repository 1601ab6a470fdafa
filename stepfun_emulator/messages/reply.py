"""The Messages reply, whole and as a stream of typed events (WIRE.md section 5).

No source says how the service shows thoughts on Messages. Here they come as Anthropic's API has them, in a ``thinking``
block with a signature, and only where ``output_config.effort`` asked for them: the SDKs know that block, and a client
that knows the documented blocks only never meets another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from stepfun_emulator.chat.streaming import grouped
from stepfun_emulator.tokens import pieces

if TYPE_CHECKING:
    from stepfun_emulator.chat.reply import Choice, Completion

_REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}

Event = dict[str, Any]


class _Block(NamedTuple):
    """A block before it is written: how it begins, and what its deltas are called and made of."""

    start: dict[str, Any]
    delta: str
    key: str
    tokens: list[str]

    def whole(self) -> dict[str, Any]:
        text = "".join(self.tokens)
        if self.start["type"] == "thinking":
            return {**self.start, "thinking": text, "signature": _signature(text)}
        return {**self.start, "input": json.loads(text)} if self.key == "partial_json" else {**self.start, "text": text}


def whole(completion: Completion) -> dict[str, Any]:
    """The JSON body of a reply without stream.

    A call whose arguments were cut by ``max_tokens`` is no object any more and cannot be stated: it is left out.
    """
    choice = completion.choices[0]
    content = [block.whole() for block in _blocks(choice) if _is_whole(block)]
    return {**_message(completion), "content": content, **_end(choice), "usage": _usage(completion, choice.tokens)}


def events(completion: Completion, *, reason_on_top: bool = False) -> Iterator[Event]:
    """Everything that a stream says.

    Args:
        completion: The answer.
        reason_on_top: State ``stop_reason`` at the top level of ``message_delta``, as the service may.
    """
    choice = completion.choices[0]
    nothing: Event = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(completion, 0)}
    yield {"type": "message_start", "message": {**_message(completion), **nothing}}
    for index, block in enumerate(_blocks(choice)):
        yield {"type": "content_block_start", "index": index, "content_block": block.start}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {**_end(choice), "delta": {}} if reason_on_top else {"delta": _end(choice)}
    yield {"type": "message_delta", **end, "usage": _usage(completion, choice.tokens)}
    yield {"type": "message_stop"}


def _message(completion: Completion) -> dict[str, Any]:
    id_ = f"msg_{completion.trace_id}.{completion.suffix}"
    return {"id": id_, "type": "message", "role": "assistant", "model": completion.model}


def _end(choice: Choice) -> dict[str, Any]:
    if choice.finish == "stop" and choice.stopped_by:
        return {"stop_reason": "stop_sequence", "stop_sequence": choice.stopped_by}
    return {"stop_reason": _REASONS[choice.finish], "stop_sequence": None}


def _usage(completion: Completion, output: int) -> dict[str, int]:
    return {"input_tokens": completion.prompt_tokens, "output_tokens": output}


def _blocks(choice: Choice) -> Iterator[_Block]:
    if choice.reasoning:
        yield _Block({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking",
                     choice.reasoning)  # fmt: skip
    if choice.content:
        yield _Block({"type": "text", "text": ""}, "text_delta", "text", choice.content)
    for call in choice.calls:
        start = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield _Block(start, "input_json_delta", "partial_json", pieces(call.arguments))


def _is_whole(block: _Block) -> bool:
    if block.key != "partial_json":
        return True
    try:
        json.loads("".join(block.tokens))
    except ValueError:
        return False
    return True


def _deltas(block: _Block) -> Iterator[dict[str, Any]]:
    for text, _ in grouped(block.tokens):
        yield {"type": block.delta, block.key: text}
    if block.start["type"] == "thinking":
        yield {"type": "signature_delta", "signature": _signature("".join(block.tokens))}


def _signature(thoughts: str) -> str:
    return hashlib.sha256(thoughts.encode("utf-8", "surrogatepass")).hexdigest()
