"""The whole chat reply, in the shape and the key order of the recorded one (WIRE.md section 4)."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from stepfun_emulator import sound
from stepfun_emulator.answerer.conversation import Call
from stepfun_emulator.tokens import pieces

if TYPE_CHECKING:
    from stepfun_emulator.answerer.answer import Answer, Search


class Usage(NamedTuple):
    """Tokens of a reply, or of a stream so far."""

    prompt: int
    completion: int
    cached: int

    def whole(self) -> dict[str, Any]:
        """As a reply without stream states it."""
        return {
            "completion_tokens": self.completion,
            "completion_tokens_details": {"reasoning_tokens": 0},
            "prompt_tokens": self.prompt,
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "total_tokens": self.prompt + self.completion,
        }


@dataclass(frozen=True)
class Choice:
    """One answer, cut where ``stop`` and ``max_tokens`` cut it, as the tokens that it is made of.

    Attributes:
        reasoning: The thoughts.
        content: The text.
        calls: The tools to call.
        search: What the server searched for by itself.
        finish: ``stop``, ``tool_calls`` or ``length``.
        sound: The text as samples, where it is spoken.
        stopped_by: The one of ``stop`` that cut it, ``""`` where none did.
    """

    reasoning: list[str]
    content: list[str]
    calls: tuple[Call, ...] = ()
    search: Search | None = None
    finish: str = "stop"
    sound: bytes = b""
    stopped_by: str = ""

    @property
    def tokens(self) -> int:
        """Completion tokens; the end of the answer is one too, unless the answer was cut."""
        calls = sum(len(pieces(call.name)) + len(pieces(call.arguments)) for call in self.calls)
        return len(self.reasoning) + len(self.content) + calls + (self.finish != "length")


@dataclass(frozen=True)
class Completion:
    """All choices of one request, with what every part of the reply repeats.

    Attributes:
        model: The model's id.
        trace_id: The request's trace id, which ids embed.
        choices: The answers.
        prompt_tokens: What the prompt counted.
        cached_tokens: How much of it was cached.
        routed: Whether another model answers behind this one, so that a stream may change its id (section 3).
        created: When it was made.
        suffix: What tells the ids of this reply from others.
    """

    model: str
    trace_id: str
    choices: list[Choice]
    prompt_tokens: int
    cached_tokens: int = 0
    routed: bool = False
    created: int = field(default_factory=lambda: int(time.time()))
    suffix: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def stream_ids(self) -> tuple[str, ...]:
        """The ids that the chunks of a stream carry."""
        suffixes = (self.suffix, self.suffix[::-1]) if self.routed else (self.suffix,)
        return tuple(f"{self.trace_id}.{suffix}" for suffix in suffixes)

    @property
    def usage(self) -> Usage:
        """The truth, as the last word of a reply states it."""
        return Usage(self.prompt_tokens, sum(choice.tokens for choice in self.choices), self.cached_tokens)


def cut(answer: Answer, *, max_tokens: int | None, stop: tuple[str, ...], speak: bool = False) -> Choice:
    """Apply ``stop`` and ``max_tokens`` to an answer; thinking counts against ``max_tokens`` and comes first."""
    content, stopped_by = _before(answer.content, stop)
    calls = () if stopped_by else tuple(_identified(call) for call in answer.calls)
    finish = "tool_calls" if calls else "stop"
    reasoning, text = pieces(answer.reasoning), pieces(content)
    voice = sound.utter(content) if speak else b""
    choice = Choice(reasoning, text, calls, answer.search, finish, voice, stopped_by)
    if max_tokens is None or choice.tokens <= max_tokens:
        return choice
    left = max_tokens - len(reasoning)
    kept: list[Call] = []
    budget = left - len(text)
    for call in calls:
        budget -= len(pieces(call.name))
        if budget < 0:
            break
        arguments = pieces(call.arguments)[:budget]
        budget -= len(arguments)
        kept.append(Call(call.name, "".join(arguments), call.id))
    return Choice(reasoning[:max_tokens], text[: max(left, 0)], tuple(kept), answer.search, "length", voice)


def _before(text: str, stop: tuple[str, ...]) -> tuple[str, str]:
    """The text before the first of the words in it, and that word."""
    found = [(at, word) for word in stop if (at := text.find(word)) >= 0]
    at, word = min(found, default=(len(text), ""))
    return text[:at], word


def _identified(call: Call) -> Call:
    return Call(call.name, call.arguments, f"call_{secrets.token_hex(12)}")


def whole(completion: Completion) -> dict[str, Any]:
    """The JSON body of a reply without stream, keys in alphabetical order as recorded."""
    return {
        "choices": [_choice(choice, index) for index, choice in enumerate(completion.choices)],
        "created": completion.created,
        "id": f"chatcmpl-{completion.trace_id}.{completion.suffix}",
        "model": completion.model,
        "object": "chat.completion",
        "usage": completion.usage.whole(),
    }


def _choice(choice: Choice, index: int) -> dict[str, Any]:
    message: dict[str, Any] = {}
    if choice.sound:
        wav = sound.write_wav(choice.sound, sound.RATE, text="".join(choice.content))
        message["audio"] = {"data": base64.b64encode(wav).decode(), "transcript": "".join(choice.content)}
    message["content"] = None if choice.sound else "".join(choice.content)
    if choice.reasoning:
        message["reasoning"] = message["reasoning_content"] = "".join(choice.reasoning)
    message["role"] = "assistant"
    if choice.search is not None:
        message["tool_calls"] = [search_call(choice.search)]
    if choice.calls:
        message.setdefault("tool_calls", []).extend(_call(call, at) for at, call in enumerate(choice.calls))
    # An audio reply has no finish reason in the documents (section 4), unless it was cut.
    finish = None if choice.sound and choice.finish == "stop" else choice.finish
    return {"finish_reason": finish, "index": index, "message": message}


def _call(call: Call, index: int) -> dict[str, Any]:
    return {
        "function": {"arguments": call.arguments, "name": call.name},
        "id": call.id,
        "index": index,
        "type": "function",
    }


def search_call(search: Search) -> dict[str, Any]:
    """The server tool's call, already executed: its results come with it."""
    return {
        "id": f"call_{secrets.token_hex(12)}",
        "index": 0,
        "type": "web_search",
        "function": {"name": "step_websearch", "arguments": search.arguments},
        "results": search.results,
    }
