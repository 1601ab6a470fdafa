"""Answers in JSON (``response_format`` of WIRE.md section 4)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.filling import Filler
from stepfun_emulator.answerer.material import Material
from stepfun_emulator.answerer.reading import sentences
from stepfun_emulator.answerer.speaking import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepfun_emulator.answerer.conversation import Turn

_KEYS = re.compile(r"keys?|fields?|propert(?:y|ies)|字段|键", re.IGNORECASE)
_SHAPE = re.compile(r"\bjson\b|[{}]|\bschema\b", re.IGNORECASE)
_NAMED = re.compile(r"['\"`“‘]([A-Za-z_一-鿿][\w一-鿿-]*)['\"`”’]")


def json_text(schema: dict[str, Any] | None, turn: Turn, seen: list[str]) -> str:
    """A JSON answer: by the schema, else by the shape that the prompt describes, else the answer in words."""
    found = "\n".join([*seen, *(result.text for result in turn.results)])
    wanted = schema or _described(turn)
    if wanted is None:
        return json.dumps({"answer": text(turn, seen, None)}, ensure_ascii=False)
    asked = _without_shape(turn.question)
    value = Filler(wanted, Material(asked, f"{asked}\n{found}", found), everything=True).fill()
    return json.dumps(value, ensure_ascii=False)


def _described(turn: Turn) -> dict[str, Any] | None:
    """The shape that the prompt asks for: a JSON Schema, an example object, or named keys."""
    said = [one.text for one in reversed(turn.said) if one.role in ("user", "system")]
    objects = [value for text_ in said for value in _objects(text_)]
    for value in objects:
        if isinstance(value.get("properties"), dict):
            return value
    for value in objects:
        if value:
            return _like(value)
    for text_ in said:
        names = _NAMED.findall(text_)
        if names and _KEYS.search(text_):
            return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return None


def _objects(text_: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that stands in a text."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text_.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text_, at)
        except ValueError:
            at += 1
            continue
        if isinstance(value, dict):
            yield value


def _without_shape(question: str) -> str:
    """The question without what it says about the shape of its answer: those words are not what it is about."""
    kept = [sentence for sentence in sentences(question) if not _SHAPE.search(sentence)]
    return " ".join(kept) or question


def _like(example: Any) -> dict[str, Any]:
    """A schema for values like an example."""
    if isinstance(example, dict):
        return {
            "type": "object",
            "properties": {key: _like(value) for key, value in example.items()},
            "required": list(example),
        }
    if isinstance(example, list):
        return {"type": "array", "items": _like(example[0]) if example else {}, "minItems": 1}
    if isinstance(example, bool):
        return {"type": "boolean", "default": example}
    if isinstance(example, (int, float)):
        return {"type": "integer" if isinstance(example, int) else "number", "default": example}
    return {"type": "null"} if example is None else {"type": "string"}
