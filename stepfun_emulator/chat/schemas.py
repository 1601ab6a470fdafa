"""Whether what a request calls a JSON Schema is one: its keywords hold what they must, if the answerer reads them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from stepfun_emulator.errors import invalid

_TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")
_DEEPEST = 64
_MOST_ITEMS, _MOST_TEXT = 1000, 100_000  # what the emulator is willing to make up


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_size(value: Any, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


_KEYWORDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "type": (_is_type, "the name of a type, or an array of them"),
    "required": (lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
                 "an array of strings"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a non-empty array"),
    "examples": (lambda value: isinstance(value, list), "an array"),
    **dict.fromkeys(("$ref", "pattern", "format"), (lambda value: isinstance(value, str), "a string")),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_is_number, "a number")),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    **dict.fromkeys(("maxItems", "maxLength"), (_is_size, "a whole number of at least 0")),
    "minItems": (lambda value: _is_size(value, _MOST_ITEMS), f"a whole number up to {_MOST_ITEMS} (in this emulator)"),
    "minLength": (lambda value: _is_size(value, _MOST_TEXT), f"a whole number up to {_MOST_TEXT} (in this emulator)"),
}  # fmt: skip


def check_schema(schema: Any, at: str, depth: int = 0) -> None:
    """Check a schema and all schemas in it.

    Args:
        schema: What was sent.
        at: Where it stands.
        depth: How many schemas it stands in.

    Raises:
        Refusal: It is none.
    """
    if isinstance(schema, bool) and depth:
        return
    if not isinstance(schema, dict):
        raise invalid(at, f"{at} must be a JSON Schema")
    if depth > _DEEPEST:
        raise invalid(at, f"{at} is nested more than {_DEEPEST} levels deep")
    for name, (fits, wanted) in _KEYWORDS.items():
        if name in schema and not fits(schema[name]):
            raise invalid(f"{at}.{name}", f"{at}.{name} is not valid in a JSON Schema: it must be {wanted}")
    for inner, place in _inner(schema, at):
        check_schema(inner, place, depth + 1)


def _inner(schema: dict[str, Any], at: str) -> Iterator[tuple[Any, str]]:
    """The schemas in a schema, and where they stand."""
    for name in (name for name in _MAPS if name in schema):
        if not isinstance(schema[name], dict):
            raise invalid(f"{at}.{name}", f"{at}.{name} must be an object")
        yield from ((inner, f"{at}.{name}.{key}") for key, inner in schema[name].items())
    for name in (name for name in _LISTS if name in schema):
        if not isinstance(schema[name], list) or not schema[name]:
            raise invalid(f"{at}.{name}", f"{at}.{name} must be a non-empty array")
        yield from ((inner, f"{at}.{name}[{index}]") for index, inner in enumerate(schema[name]))
    yield from ((schema[name], f"{at}.{name}") for name in _SINGLE if name in schema)
