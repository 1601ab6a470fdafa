"""Other shapes of the same reply, seen or documented (WIRE.md section 4): what a tolerant client must read too."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepfun_emulator.chat.streaming import Chunk

_ZERO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _same_chunks(made: list[Chunk]) -> list[Chunk]:
    return made


def _same_message(message: dict[str, Any]) -> dict[str, Any]:
    return message


@dataclass(frozen=True)
class Shape:
    """How a fault changes what a chat reply looks like, streamed and whole."""

    chunks: Callable[[list[Chunk]], list[Chunk]] = _same_chunks
    message: Callable[[dict[str, Any]], dict[str, Any]] = _same_message


def _tool_deltas(chunk: Chunk) -> list[dict[str, Any]]:
    """The function deltas of a chunk; a server tool's call is left alone."""
    calls = (chunk.delta or {}).get("tool_calls", ())
    return [call for call in calls if call.get("type", "function") == "function"]


def _with_calls(chunk: Chunk, calls: list[dict[str, Any]]) -> Chunk:
    return chunk._replace(delta={**(chunk.delta or {}), "tool_calls": calls})


def tool_whole(made: list[Chunk]) -> list[Chunk]:
    """Each call in one delta, arguments and all."""
    shaped: list[Chunk] = []
    at: dict[tuple[int, int], int] = {}
    for chunk in made:
        calls = _tool_deltas(chunk)
        if not calls:
            shaped.append(chunk)
            continue
        call = calls[0]
        key = (chunk.choice, call["index"])
        if key not in at:
            at[key] = len(shaped)
            shaped.append(chunk)
            continue
        before = _tool_deltas(shaped[at[key]])[0]
        arguments = before["function"]["arguments"] + call["function"]["arguments"]
        joined = {**before, "function": {**before["function"], "arguments": arguments}}
        shaped[at[key]] = _with_calls(chunk, [joined])
    return shaped


def tool_no_index(made: list[Chunk]) -> list[Chunk]:
    """No ``index``; the later fragments say only the ``id`` they belong to."""
    ids: dict[tuple[int, int], str] = {}

    def shaped(chunk: Chunk) -> Chunk:
        calls = []
        for call in _tool_deltas(chunk):
            key = (chunk.choice, call["index"])
            ids.setdefault(key, call.get("id", ""))
            calls.append(
                {"id": ids[key], **{name: value for name, value in call.items() if name not in ("index", "id")}}
            )
        return _with_calls(chunk, calls) if calls else chunk

    return [shaped(chunk) for chunk in made]


def tool_repeated_id(made: list[Chunk]) -> list[Chunk]:
    """The ``id`` stands in every fragment: repeated in one, empty in the next."""
    ids: dict[tuple[int, int], str] = {}
    repeated = itertools.cycle((True, False))

    def shaped(chunk: Chunk) -> Chunk:
        calls = []
        for call in _tool_deltas(chunk):
            key = (chunk.choice, call["index"])
            if key in ids:
                calls.append({"index": call["index"], "id": ids[key] if next(repeated) else "", **call})
            else:
                ids[key] = call["id"]
                calls.append(call)
        return _with_calls(chunk, calls) if calls else chunk

    return [shaped(chunk) for chunk in made]


def finish_empty(made: list[Chunk]) -> list[Chunk]:
    """As documented: ``finish_reason`` and ``role`` are ``""`` until the end; no time and no usage at first."""

    def shaped(chunk: Chunk) -> Chunk:
        if chunk.delta is None:
            return chunk
        return chunk._replace(delta={**chunk.delta, "role": ""}, finish=chunk.finish or "")

    first, *rest = map(shaped, made)
    return [first._replace(created=0, usage=_ZERO_USAGE), *rest]


def reasoning_only_chunks(made: list[Chunk]) -> list[Chunk]:
    """``reasoning`` without ``reasoning_content``, as the documents promise by ``reasoning_format``."""
    return [chunk._replace(delta=None if chunk.delta is None else reasoning_only(chunk.delta)) for chunk in made]


def reasoning_only(message: dict[str, Any]) -> dict[str, Any]:
    """A message without ``reasoning_content``."""
    return {name: value for name, value in message.items() if name != "reasoning_content"}


def no_index(message: dict[str, Any]) -> dict[str, Any]:
    """A message whose tool calls have no ``index``."""
    if "tool_calls" not in message:
        return message
    calls = [{name: value for name, value in call.items() if name != "index"} for call in message["tool_calls"]]
    return {**message, "tool_calls": calls}
