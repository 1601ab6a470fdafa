"""The streamed chat reply: chunks in the shape and the key order of the recorded ones (WIRE.md section 4).

Chunks are made as plain values first, so that the faults which change their shape work on values and not on text.
"""

from __future__ import annotations

import base64
import json
from itertools import accumulate, cycle
from typing import TYPE_CHECKING, Any, NamedTuple

from stepfun_emulator.chat.reply import Choice, Completion, Usage, search_call
from stepfun_emulator.tokens import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DONE = b"data: [DONE]\n\n"

# How many tokens come in one chunk: a few words, unevenly, as recorded.
_RHYTHM = (1, 2, 4, 4, 4, 4, 2, 3, 2, 3)
_ID_LASTS = 4  # chunks, where a stream has several ids
_SOUND_PIECE = 24_000  # bytes of samples: half a second
_UNCONFIRMED = 3  # the engine claims all of the prompt but this much as cached, until the last chunk tells the truth
_ZERO = {
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "total_tokens": 0,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}


class Chunk(NamedTuple):
    """One event of a stream before it is text; ``delta`` is None for the chunk that has no choices."""

    choice: int
    delta: dict[str, Any] | None
    usage: dict[str, Any]
    finish: str | None = None
    created: int | None = None


def chunks(completion: Completion, *, include_usage: bool) -> list[Chunk]:
    """Everything that a stream says, choice after choice, before ``[DONE]``."""
    made: list[Chunk] = []
    engine = max(completion.prompt_tokens - _UNCONFIRMED, 0)
    spent = 0
    for index, choice in enumerate(completion.choices):
        if choice.search is not None:
            made.append(Chunk(index, _delta(tool_calls=[search_call(choice.search)]), _ZERO))
        for delta, tokens in _deltas(choice):
            spent += tokens
            made.append(Chunk(index, delta, _running(Usage(completion.prompt_tokens, spent, engine))))
        spent = sum(done.tokens for done in completion.choices[: index + 1])
        last = _final(Usage(completion.prompt_tokens, spent, completion.cached_tokens))
        made.append(Chunk(index, _delta(), last, choice.finish))
    if include_usage:
        made.append(Chunk(0, None, _final(completion.usage)))
    return made


def encode(completion: Completion, made: Iterable[Chunk]) -> Iterator[bytes]:
    """Write chunks as server-sent events; what all of them share is written once."""
    model = f',"model":{json.dumps(completion.model)},"choices":['
    heads = [f'data: {{"id":"{id_}","object":"chat.completion.chunk","created":' for id_ in completion.stream_ids]
    usual = [f"{head}{completion.created}{model}" for head in heads]
    for at, chunk in enumerate(made):
        which = at // _ID_LASTS % len(heads)
        start = usual[which] if chunk.created is None else f"{heads[which]}{chunk.created}{model}"
        body = ""
        if chunk.delta is not None:
            finish = "" if chunk.finish is None else f',"finish_reason":{json.dumps(chunk.finish)}'
            body = f'{{"index":{chunk.choice},"delta":{_json(chunk.delta)}{finish}}}'
        yield f'{start}{body}],"usage":{_json(chunk.usage)},"agent":""}}\n\n'.encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _delta(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "", **fields}


def _running(usage: Usage) -> dict[str, Any]:
    """Usage in the middle of a stream: cumulative, with the engine's own idea of what is cached."""
    return {"cached_tokens": usage.cached, **_final(usage)}


def _final(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _deltas(choice: Choice) -> Iterator[tuple[dict[str, Any], int]]:
    """Each delta of one choice with the number of tokens in it."""
    yield _delta(), 0
    for text, tokens in grouped(choice.reasoning):
        yield _delta(reasoning=text, reasoning_content=text), tokens
    if choice.sound:
        yield from _audio(choice)
    else:
        for text, tokens in grouped(choice.content):
            yield {"role": "assistant", "content": text}, tokens
    for index, call in enumerate(choice.calls):
        function = {"name": call.name, "arguments": ""}
        first = {"index": index, "id": call.id, "type": "function", "function": function}
        yield _delta(tool_calls=[first]), len(pieces(call.name))
        for text, tokens in grouped(pieces(call.arguments)):
            yield _delta(tool_calls=[{"index": index, "function": {"arguments": text}}]), tokens


def _audio(choice: Choice) -> Iterator[tuple[dict[str, Any], int]]:
    """Sound in pieces, each with its share of the transcript; the pieces of the transcript joined are the whole."""
    total = -(-len(choice.sound) // _SOUND_PIECE)
    borders = [
        *list(accumulate((len(choice.content) // total for _ in range(total - 1)), initial=0)),
        len(choice.content),
    ]
    for at in range(total):
        data = base64.b64encode(choice.sound[at * _SOUND_PIECE : (at + 1) * _SOUND_PIECE]).decode()
        said = choice.content[borders[at] : borders[at + 1]]
        yield _delta(audio={"data": data, "transcript": "".join(said)}), len(said)


def grouped(tokens: list[str]) -> Iterator[tuple[str, int]]:
    """Tokens in the portions in which a stream states them, each with the number of tokens in it."""
    at = 0
    for size in cycle(_RHYTHM):
        if at >= len(tokens):
            return
        group = tokens[at : at + size]
        yield "".join(group), len(group)
        at += size
