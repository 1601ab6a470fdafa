"""The web search that the service runs itself (WIRE.md section 4); for ``retrieval`` see ``test_knowledge``."""

from __future__ import annotations

import json

import pytest

SEARCH = {"type": "web_search", "function": {"description": "search the web"}}


@pytest.fixture
def weather(tool):
    return tool("get_weather", "Get the weather", city={"type": "string"})


def test_web_search_comes_with_its_results_and_the_answer(ask):
    choice = ask("What is the latest news about StepFun?", tools=[SEARCH]).json()["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "web_search"
    assert call["function"]["name"] == "step_websearch"
    assert json.loads(call["function"]["arguments"]) == {"query": "latest news about StepFun"}
    assert [set(result) for result in call["results"]] == [{"index", "url", "title", "summary"}] * 3
    assert choice["finish_reason"] == "stop"
    assert all(result["url"] in choice["message"]["content"] for result in call["results"])


def test_a_streamed_search_comes_first_in_one_delta_with_zero_usage(ask, events):
    first, *rest = events(ask("搜索最新的新闻", tools=[SEARCH], stream=True))
    (call,) = first["choices"][0]["delta"]["tool_calls"]
    assert call["type"] == "web_search"
    assert call["results"]
    assert {first["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")} == {0}
    assert not any("tool_calls" in chunk["choices"][0]["delta"] for chunk in rest)
    assert "搜索结果" in "".join(chunk["choices"][0]["delta"]["content"] for chunk in rest)


def test_no_search_where_none_is_wanted(ask):
    assert "tool_calls" not in ask("Hello!", tools=[SEARCH]).json()["choices"][0]["message"]


def test_functions_and_search_in_one_conversation(ask, weather):
    offered = [SEARCH, weather]
    question = "What is the weather in Paris? Search the news about StepFun."
    (call,) = ask(question, tools=offered).json()["choices"][0]["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    history = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": "", "tool_calls": [{key: call[key] for key in ("id", "type", "function")}]},
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
    ]
    message = ask(history, tools=offered).json()["choices"][0]["message"]
    assert [called["type"] for called in message["tool_calls"]] == ["web_search"]
    assert "sunny" in message["content"]
    history.append(message)
    history.append({"role": "user", "content": "What is the weather in Rome today?"})
    (call,) = ask(history, tools=offered).json()["choices"][0]["message"]["tool_calls"]
    assert call["type"] == "function"
