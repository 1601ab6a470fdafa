"""Whatever is sent to chat, Messages and Responses is answered or refused in order; nothing breaks the emulator."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
FUNCTION = {"name": "get_weather", "description": "Get the weather of a city", "parameters": SCHEMA}
BODIES: dict[str, dict[str, Any]] = {
    "/messages": {
        "model": "step-3.7-flash",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "url", "url": PICTURE}},
                {"type": "text", "text": "weather in Paris"},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "so", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Paris"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "sunny"}]},
            ]},
        ],
        "tools": [{"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "get_weather"},
        "output_config": {"effort": "low"},
        "stop_sequences": ["x"],
        "temperature": 1,
        "top_p": 1,
        "top_k": 5,
        "stream": False,
    },
    "/responses": {
        "model": "step-3.7-flash",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [
                {"type": "input_image", "image_url": PICTURE, "detail": "low"},
                {"type": "input_text", "text": "weather in Paris"},
            ]},
            {"role": "assistant", "content": "Well"},
            {"type": "reasoning", "id": "r", "summary": []},
            {"type": "function_call", "call_id": "a", "name": "get_weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "sunny"},
        ],
        "tools": [{"type": "function", **FUNCTION}],
        "tool_choice": "auto",
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}},
        "max_output_tokens": 100,
        "stream": False,
    },
    "/chat/completions": {
        "model": "step-5-preview",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
                {"type": "text", "text": "weather in Paris"},
            ]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
            ]},
            {"role": "tool", "content": "sunny", "tool_call_id": "a"},
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}},
        "stop": ["x"],
        "reasoning_effort": "low",
        "stream": False,
    },
}  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**12), st.floats(-3, 3), st.sampled_from(["", "text", "tool", "😀"]),
    st.just([]), st.just({}), st.just([{}]), st.just([[]]), st.just({"type": []}), st.just([{"type": {}}]),
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside another."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*at, key)
        yield from places(value[key], (*at, key))


@pytest.mark.parametrize("path", BODIES)
def test_the_bodies_are_accepted_as_they_are(http, path):
    response = http.post(path, json=BODIES[path])
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("path", BODIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_value_anywhere_is_answered_or_refused(http, path, data):
    body = copy.deepcopy(BODIES[path])
    *way, last = data.draw(st.sampled_from(sorted(places(body), key=repr)))
    inside = body
    for key in way:
        inside = inside[key]
    inside[last] = data.draw(VALUES)
    response = http.post(path, json=body)
    assert response.status_code in (200, 400, 404), response.text
    if response.status_code == 400:
        assert response.json()["error"]["message"]
