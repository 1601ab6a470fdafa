"""Filling a JSON Schema from what stands in a question.

Used for the arguments of tools and for JSON answers. The result always satisfies the schema where that is possible
with ``$ref``, ``allOf``, ``anyOf``, ``oneOf``, ``enum``, ``const`` and the limits on numbers, texts and arrays.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.arithmetic import evaluate
from stepfun_emulator.answerer.briefs import choose
from stepfun_emulator.answerer.reading import words
from stepfun_emulator.answerer.vocabulary import OPERATIONS
from stepfun_emulator.answerer.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stepfun_emulator.answerer.material import Material

Schema = dict[str, Any]

_DEPTH = 12
_NUMBER_OF_CHOICE = re.compile(r"choice|option|select|^(?:index|number|id)$", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:no|not|without|don't|never|disable)\b|不要|不|无", re.IGNORECASE)


class Filler:
    """Fills one schema.

    Args:
        root: The whole schema, in which ``$ref`` points.
        material: What the values are made of.
        everything: Fill optional properties too, as a JSON answer should; else only those the question speaks of.
    """

    def __init__(self, root: Schema, material: Material, *, everything: bool = False) -> None:
        self._root = root
        self._material = material
        self._everything = everything
        self._choices = choose(material.around)

    def fill(self) -> Any:
        """A value for the whole schema."""
        return self._value(self._root, "", 0)

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict):  # `true` allows anything
            return self._material.topic
        if depth > 2 * _DEPTH:  # it asks for itself again and again, which no value can satisfy
            return None
        schema = self._resolved(schema, name, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._enum(schema)
        makers: dict[str, Callable[[Schema, str, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "integer": self._integer,
            "number": self._number,
            "boolean": self._boolean,
            "null": lambda *_: None,
        }
        return makers.get(_kind(schema), self._string)(schema, name, depth)

    def _resolved(self, schema: Any, name: str, depth: int) -> Schema:
        """Follow ``$ref``, merge ``allOf``, choose one of ``anyOf`` and ``oneOf``."""
        if not isinstance(schema, dict):
            return {}
        for _ in range(_DEPTH):
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self._referred(schema["$ref"]), **rest}
            elif "allOf" in schema:
                schema = _merged([schema, *(self._resolved(part, name, depth) for part in schema["allOf"])])
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
                schema = _merged([rest, self._chosen(options, name, depth)])
            else:
                break
        return dict(schema)

    def _referred(self, pointer: str) -> Schema:
        node: Any = self._root
        for step in pointer.removeprefix("#").strip("/").split("/"):
            if step:
                node = node.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, dict) else {}
        return node if isinstance(node, dict) else {}

    def _chosen(self, options: list[Any], name: str, depth: int) -> Schema:
        """The option that fits: not null unless there is nothing else, and no deeper than must be."""
        resolved = [self._resolved(option, name, depth) for option in options if isinstance(option, dict)]
        real = [option for option in resolved if _kind(option) != "null"] or resolved
        if depth > _DEPTH // 2:
            real = [option for option in resolved if _kind(option) not in ("object", "array")] or real
        numeric = [option for option in real if _kind(option) in ("integer", "number")]
        if numeric and self._material.numbers and not self._material.quoted:
            return numeric[0]
        return real[0] if real else {}

    def _object(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        del name
        properties: dict[str, Any] = schema.get("properties", {})
        required = set(schema.get("required", ()))
        filled: dict[str, Any] = {}
        for key, inner in properties.items():
            wanted = key in required or (self._everything and depth < _DEPTH // 2)
            if wanted or (not self._everything and self._spoken_of(key, inner, depth)):
                filled[key] = self._value(inner, key, depth + 1)
        if not filled and properties and not required:
            # Some schemas name nothing as required; calling such a tool with nothing at all would help nobody.
            key, inner = next(iter(properties.items()))
            if not (isinstance(inner, dict) and "default" in inner):
                filled[key] = self._value(inner, key, depth + 1)
        for key in sorted(required - set(filled)):
            filled[key] = self._value(schema.get("additionalProperties", {}), key, depth + 1)
        return filled

    def _spoken_of(self, name: str, schema: Any, depth: int) -> bool:
        """Whether the question says anything about an optional property."""
        schema = self._resolved(schema, name, depth) if isinstance(schema, dict) else {"const": None}
        if "enum" in schema or "const" in schema:
            return self._mentioned(schema.get("enum", ())) is not None
        kind = _kind(schema)
        if kind == "object":
            return any(self._spoken_of(key, inner, depth + 1) for key, inner in schema.get("properties", {}).items())
        if kind in ("integer", "number"):
            return self._material.beside(name) is not None
        if kind == "boolean":
            return bool(words(name) & words(self._material.text))
        return kind == "string" and wording(name, schema, self._material, certain=True) is not None

    def _mentioned(self, values: Sequence[Any]) -> Any:
        """The value of an enum that the question names, or means."""
        text = self._material.text.lower()
        for value in values:
            if isinstance(value, str) and value and _stands_in(value.lower(), text):
                return value
        about = words(self._material.text)
        for value in values:
            if isinstance(value, str) and words(value) & about:
                return value
        sign = self._material.expression or ""
        for value in values:
            if isinstance(value, str) and (known := OPERATIONS.get(value.lower()[:3])) and known in sign:
                return value
        around = self._material.around.lower()
        return next((v for v in values if isinstance(v, str) and v and _stands_in(v.lower(), around)), None)

    def _enum(self, schema: Schema) -> Any:
        values = schema["enum"]
        mentioned = self._mentioned(values)
        if mentioned is not None:
            return mentioned
        default = schema.get("default")
        return default if default in values else values[0]

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        items = schema.get("items", {})
        if isinstance(items, list):  # the old way of writing a tuple
            return [self._value(item, name, depth + 1) for item in items]
        prefix = [self._value(item, name, depth + 1) for item in schema.get("prefixItems", ())]
        wanted = max(least, min(self._available(items, name, depth), most)) - len(prefix)
        values = list(prefix)
        values += [self._value(items, name, depth + 1) for _ in range(max(int(wanted), 0))]
        return _distinct(values, self._resolved(items, name, depth)) if schema.get("uniqueItems") else values

    def _available(self, items: Any, name: str, depth: int) -> int:
        """How many items the question offers."""
        if depth > _DEPTH // 2:
            return 0
        schema = self._resolved(items, name, depth) if isinstance(items, dict) else {}
        if "enum" in schema or "const" in schema:
            return 1
        kind = _kind(schema)
        if kind in ("integer", "number"):
            return len(self._material.numbers)
        if kind == "string":
            return max(len(self._material.quoted), len(self._material.names), 1)
        if any(_NUMBER_OF_CHOICE.search(key) for key in schema.get("properties", {})):
            return max(len(self._choices), 1)
        return 1

    def _integer(self, schema: Schema, name: str, depth: int) -> int | float:
        del depth
        return _limited(self._wanted_number(schema, name), schema, whole=True)

    def _number(self, schema: Schema, name: str, depth: int) -> int | float:
        del depth
        return _limited(self._wanted_number(schema, name), schema, whole=False)

    def _wanted_number(self, schema: Schema, name: str) -> float:
        if self._choices and _NUMBER_OF_CHOICE.search(name):
            return self._choices.pop(0)
        text = self._material.beside(name) or self._material.take("number") or self._from_earlier()
        if text is not None:
            return float(text)
        value = schema.get("default", schema.get("minimum", 0))
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0

    def _from_earlier(self) -> str | None:
        if self._material.found_number:
            return self._material.found_number
        expression = self._material.expression
        return evaluate(expression) if expression else None

    def _boolean(self, schema: Schema, name: str, depth: int) -> bool:
        del depth
        if words(name) & words(self._material.text):
            return _NEGATED.search(self._material.text) is None
        default = schema.get("default", False)
        return default if isinstance(default, bool) else False

    def _string(self, schema: Schema, name: str, depth: int) -> str:
        del depth
        text = wording(name, schema, self._material)
        return sized(text if text is not None else "", schema)


def _kind(schema: Schema) -> str:
    """The type of a schema, guessed where it is not said."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    if "minimum" in schema or "maximum" in schema:
        return "number"
    return "string"


def _merged(parts: list[Schema]) -> Schema:
    merged: Schema = {}
    for part in parts:
        for key, value in part.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, ()), *value]
            elif key != "allOf":
                merged[key] = value
    return merged


def _stands_in(value: str, text: str) -> bool:
    if value.isascii():
        return re.search(rf"(?<![a-z0-9]){re.escape(value)}(?![a-z0-9])", text) is not None
    return value in text


def _limited(value: float, schema: Schema, *, whole: bool) -> int | float:
    """The value nearest to the wanted one that the limits allow."""
    step = schema.get("multipleOf") or (1 if whole else None)
    if whole and step is not None and step != int(step):
        step = 1
    low, high = _bounds(schema, step)
    value = min(max(value, low), high)
    if step:
        value = round(value / step) * step
        if value < low:
            value = math.ceil(low / step) * step
        if value > high:
            value = math.floor(high / step) * step
    return int(value) if whole or float(value).is_integer() else value


def _bounds(schema: Schema, step: float | None) -> tuple[float, float]:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    inside = step or _gap(above, below)
    if isinstance(above, (int, float)) and not isinstance(above, bool):
        low = max(low, (math.floor(above / step) + 1) * step if step else above + inside)
    if isinstance(below, (int, float)) and not isinstance(below, bool):
        high = min(high, (math.ceil(below / step) - 1) * step if step else below - inside)
    return low, high


def _gap(above: Any, below: Any) -> float:
    """How far inside an open limit a number may safely stand."""
    if isinstance(above, (int, float)) and isinstance(below, (int, float)):
        return min((below - above) / 2, 1.0)
    return 1.0


def sized(text: str, schema: Schema) -> str:
    """The text with the length that the schema wants."""
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if len(text) < least:
        text = (text + " " + "…" * least)[:least] if text else "…" * least
    return text if most is None else text[:most]


def _distinct(values: list[Any], items: Schema) -> list[Any]:
    """Different values: numbers move on, texts are numbered, choices take the next one."""
    seen: list[Any] = []
    for value in values:
        candidate, turn = value, 0
        while candidate in seen and turn < 1000:
            turn += 1
            if "enum" in items:
                candidate = items["enum"][turn % len(items["enum"])]
            elif isinstance(candidate, str):
                candidate = f"{turn + 1}{value}"[: items.get("maxLength")]
            elif isinstance(candidate, (int, float)) and not isinstance(candidate, bool):
                candidate += items.get("multipleOf", 1)
            elif isinstance(candidate, bool):
                candidate = not candidate
        seen.append(candidate)
    return seen
