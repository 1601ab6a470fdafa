"""``response_format``, and filling a schema (WIRE.md section 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stepfun_emulator.answerer.filling import Filler
from stepfun_emulator.answerer.material import Material

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}},
    "required": ["name", "age", "city"],
    "additionalProperties": False,
}


@pytest.fixture
def answer(ask):
    def parsed(messages: Any, response_format: dict[str, Any], **params: Any) -> Any:
        body = ask(messages, response_format=response_format, **params).json()
        return json.loads(body["choices"][0]["message"]["content"])

    return parsed


def by_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


OBJECT = {"type": "json_object"}


@pytest.mark.parametrize("model", ["step-3.5-flash", "step-3.5-flash-2603", "step-5-preview"])
def test_json_schema(answer, model):
    found = answer("Ann is 31 years old and lives in Paris.", by_schema(PERSON), model=model)
    assert found == {"name": "Ann", "age": 31, "city": "Paris"}


def test_json_object_by_a_schema_in_the_prompt(answer):
    system = {"role": "system", "content": f"Answer in JSON by this schema: {json.dumps(PERSON)}"}
    asked = [system, {"role": "user", "content": "Bob, 44, lives in Rome"}]
    assert answer(asked, OBJECT) == {"name": "Bob", "age": 44, "city": "Rome"}


def test_json_object_by_an_example_in_the_prompt(answer):
    example = '{"name": "x", "age": 1, "tags": ["a"], "ok": true, "none": null, "list": []}'
    found = answer(f"Ann is 31. Answer as JSON like {example}", OBJECT)
    assert list(found) == ["name", "age", "tags", "ok", "none", "list"]
    assert found["age"] == 31
    assert found["none"] is None
    assert isinstance(found["tags"], list)


def test_json_object_by_named_keys(answer):
    question = "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys."
    found = answer(question, OBJECT)
    assert list(found) == ["setup", "punchline"]
    assert "cats" in found["setup"]


def test_json_object_without_a_shape(answer):
    assert answer("Reply with only OK. Use JSON {broken and {} and {1}", OBJECT)["answer"]


def test_json_of_what_a_tool_found(answer):
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = [
        {"role": "user", "content": "What is the temperature?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "It is 21 degrees"},
    ]
    schema = {"type": "object", "properties": {"temperature": {"type": "number"}}, "required": ["temperature"]}
    assert answer(asked, by_schema(schema)) == {"temperature": 21}


def test_text_format_is_plain(ask):
    message = ask("Reply with only OK", response_format={"type": "text"}).json()["choices"][0]["message"]
    assert message["content"] == "OK"


def fill(schema: Any, question: str = "Ann is 31 and likes red", *, everything: bool = True) -> Any:
    return Filler(schema, Material(question), everything=everything).fill()


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, 31),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": "x"}}}, "x"),
        ({"$ref": "#/$defs/none"}, "Ann"),
        ({"$ref": "#/type/deeper", "type": "string"}, "Ann"),
        (
            {"allOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, {"required": ["a"]}]},
            {"a": 1},
        ),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 31),
        ({"oneOf": [{"type": "null"}, {"type": "boolean"}]}, False),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"anyOf": [True]}, "Ann"),
        ({"type": ["string", "null"], "enum": ["red", "blue", None]}, "red"),
        ({"type": ["null"]}, None),
        ({"enum": ["x", "y"], "default": "y"}, "y"),
        ({"enum": [1, 2]}, 1),
        ({"enum": ["colour red"]}, "colour red"),
        ({"minimum": 3, "maximum": 5}, 5),
        ({"items": {"type": "integer"}}, [31]),
        ({"type": "array", "items": [{"type": "integer"}, {"const": 1}]}, [31, 1]),
        ({"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 3}, [1, 2, 2]),
        ({"properties": {"colour": {"type": "string"}}}, {"colour": "red"}),
        ({"required": ["x"]}, {"x": "Ann"}),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, "AAA"),
        ({"type": "string", "pattern": "^Z$", "examples": ["Z"]}, "Z"),
        ({"type": "string", "pattern": "^never$"}, "Ann"),
        ({"type": "string", "minLength": 40}, "Ann " + "…" * 36),
        ({"type": "string", "maxLength": 2}, "An"),
        ({"type": "boolean", "default": True}, True),
        ({"type": "boolean", "default": "odd"}, False),
        ({"type": "number", "exclusiveMinimum": 31, "exclusiveMaximum": 32}, 31.5),
        ({"type": "number", "exclusiveMaximum": 20}, 19),
        ({"type": "integer", "multipleOf": 10}, 30),
        ({"type": "integer", "multipleOf": 0.5}, 31),
        ({"type": "integer", "multipleOf": 10, "minimum": 31}, 40),
        ({"type": "integer", "multipleOf": 10, "maximum": 28}, 20),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "uniqueItems": True}, ["a", "b"]),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True}, [False, True]),
        ({"type": "array", "items": {"const": None}, "minItems": 1, "uniqueItems": True}, [None]),
        (True, "Ann is 31 and likes red"),
    ],
)
def test_schemas_are_filled(schema, value):
    assert fill(schema) == value


def test_optional_properties_are_filled_when_the_question_speaks_of_them():
    inner = {"type": "object", "properties": {"limit": {"type": "integer"}}}
    schema = {
        "type": "object",
        "required": ["q"],
        "properties": {
            "q": {"type": "string"},
            "limit": {"type": "integer"},
            "colour": {"type": "string"},
            "verbose": {"type": "boolean"},
            "unit": {"enum": ["kg", "lb"]},
            "inner": inner,
            "anything": True,
            "fixed": {"const": 1},
            "title": {"type": "string"},
            "list": {"type": "array"},
            "when": {"type": "string", "format": "date"},
        },
    }
    plain = Filler(schema, Material("find cats")).fill()
    assert plain == {"q": "cats"}
    spoken = Filler(schema, Material('find cats, limit 3, red, verbose, in kg, title "Cats", on 2026-02-03')).fill()
    assert spoken == {
        "q": "Cats", "limit": 3, "colour": "red", "verbose": True, "unit": "kg", "inner": {"limit": 3},
        "title": "Cats", "when": "2026-02-03",
    }  # fmt: skip
    assert Filler({"type": "object", "properties": {"n": {"default": 1}}}, Material("x")).fill() == {}


def test_recursive_schemas_end():
    node = {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["value", "next"],
    }
    many = {"type": "array", "items": {"$ref": "#/$defs/many"}}
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node, "many": many}}
    Draft202012Validator(schema).validate(fill(schema))
    assert isinstance(fill({"$ref": "#/$defs/many", "$defs": {"many": many}}), list)
    assert fill({"$ref": "#"}) is not None


TEXTS = st.fixed_dictionaries(
    {"type": st.just("string")}, optional={"minLength": st.integers(0, 5), "maxLength": st.integers(5, 30)}
)
NUMBERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={"minimum": st.integers(-50, 0), "maximum": st.integers(20, 90), "multipleOf": st.sampled_from([1, 2, 5])},
)
OPEN_NUMBERS = st.fixed_dictionaries(
    {"type": st.just("integer"), "exclusiveMinimum": st.integers(-9, 0), "exclusiveMaximum": st.integers(2, 40)}
)
LEAVES = st.one_of(
    TEXTS,
    NUMBERS,
    OPEN_NUMBERS,
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.fixed_dictionaries({"const": st.one_of(st.integers(), st.text(max_size=5), st.none())}),
    st.fixed_dictionaries({"enum": st.lists(st.text(max_size=4), min_size=1, max_size=4, unique=True)}),
    st.fixed_dictionaries({"type": st.just("string"), "format": st.sampled_from(["date", "email", "uri", "uuid"])}),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from(["name", "city", "query", "count", "text", "url"]), inner, max_size=4)
    return properties.map(
        lambda given_: {
            "type": "object",
            "properties": given_,
            "required": sorted(given_),
            "additionalProperties": False,
        }
    )


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        objects(inner),
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={"minItems": st.integers(0, 2), "maxItems": st.integers(2, 4)},
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=12,
)
QUESTIONS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["What is 3 * 4?", "Ann is 31, Bob is 44", '"a" and "b"', "今天北京的天气", "limit 5 in Paris, CA"]
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(schema=SCHEMAS, question=QUESTIONS, everything=st.booleans())
def test_what_is_filled_always_validates(schema, question, everything):
    value = Filler(schema, Material(question), everything=everything).fill()
    json.dumps(value)
    Draft202012Validator(schema).validate(value)
