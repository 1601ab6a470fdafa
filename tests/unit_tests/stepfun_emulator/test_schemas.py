"""Schemas that are none are refused; odd but valid ones are answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

AT = "tools[0].function.parameters.properties.c"


@pytest.fixture
def fill(ask, tool):
    """Force a tool whose argument ``c`` has a schema."""

    def send(schema: Any) -> Any:
        choice = {"type": "function", "function": {"name": "f"}}
        return ask("Hi there", tools=[tool("f", "does it", c=schema)], tool_choice=choice)

    return send


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        (None, AT),
        ("string", AT),
        ({"type": "text"}, f"{AT}.type"),
        ({"type": []}, f"{AT}.type"),
        ({"type": {}}, f"{AT}.type"),
        ({"properties": []}, f"{AT}.properties"),
        ({"properties": {"d": 1}}, f"{AT}.properties.d"),
        ({"$defs": None}, f"{AT}.$defs"),
        ({"required": "d"}, f"{AT}.required"),
        ({"required": [1]}, f"{AT}.required"),
        ({"enum": []}, f"{AT}.enum"),
        ({"anyOf": []}, f"{AT}.anyOf"),
        ({"oneOf": {}}, f"{AT}.oneOf"),
        ({"allOf": [{"type": "string"}, 2]}, f"{AT}.allOf[1]"),
        ({"items": "string"}, f"{AT}.items"),
        ({"items": {"items": []}}, f"{AT}.items.items"),
        ({"additionalProperties": 1}, f"{AT}.additionalProperties"),
        ({"$ref": 5}, f"{AT}.$ref"),
        ({"pattern": None}, f"{AT}.pattern"),
        ({"minimum": "1"}, f"{AT}.minimum"),
        ({"multipleOf": 0}, f"{AT}.multipleOf"),
        ({"minLength": -1}, f"{AT}.minLength"),
        ({"minLength": 10**6}, f"{AT}.minLength"),
        ({"minItems": 1001}, f"{AT}.minItems"),
        ({"minItems": True}, f"{AT}.minItems"),
        ({"examples": "x"}, f"{AT}.examples"),
    ],
)
def test_what_is_no_schema_is_refused_where_it_is_none(fill, schema, param):
    response = fill(schema)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


def test_a_schema_nested_too_deeply_is_refused(fill):
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(80):
        schema = {"type": "array", "items": schema}
    assert "64 levels" in fill(schema).json()["error"]["message"]


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$ref": "#"},
        {"$ref": "#/properties/c"},
        {"allOf": [True]},
        {"anyOf": [True]},
        {"type": "array", "items": False, "maxItems": 0},
        {"type": ["null"]},
        {"minimum": 5, "maximum": 1, "type": "integer"},
        {"type": "string", "pattern": r"\p{L}+("},
        {"type": "string", "pattern": r"\p{L}+(", "examples": ["x"]},
    ],
)
def test_odd_schemas_are_answered(fill, schema):
    response = fill(schema)
    assert response.status_code == 200, response.text
    call = response.json()["choices"][0]["message"]["tool_calls"][0]
    assert "c" in json.loads(call["function"]["arguments"])


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (
            "/chat/completions",
            {
                "messages": [{"role": "user", "content": "Hi"}],
                "model": "step-3.5-flash",
                "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": 1}}},
            },
            "response_format.json_schema.schema.enum",
        ),
        (
            "/responses",
            {
                "input": "Hi",
                "model": "step-3.7-flash",
                "text": {"format": {"type": "json_schema", "name": "x", "schema": {"enum": 1}}},
            },
            "text.format.schema.enum",
        ),
        (
            "/messages",
            {
                "messages": [{"role": "user", "content": "Hi"}],
                "model": "step-3.7-flash",
                "max_tokens": 9,
                "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"enum": 1}}}}],
            },
            "tools[0].input_schema.properties.a.enum",
        ),
    ],
)
def test_every_api_checks_its_schemas(http, path, body, param):
    response = http.post(path, json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
