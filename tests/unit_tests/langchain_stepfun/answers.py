"""Answers of each kind as StepFun sends them, whole and in pieces, and the standard content blocks they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

TRACE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        message: The whole reply's message.
        deltas: The same in a stream.
        blocks: What LangChain shows of it.
        finish: Its finish reason.
    """

    message: dict[str, Any]
    deltas: list[dict[str, Any]]
    blocks: list[dict[str, Any]] = field(default_factory=list)
    finish: str | None = "stop"

    def whole(self) -> httpx.Response:
        choice = {"index": 0, "finish_reason": self.finish, "message": {"role": "assistant", **self.message}}
        return httpx.Response(200, json={"id": TRACE, "model": "step-3.7-flash", "choices": [choice], "usage": USAGE})

    def streamed(self) -> httpx.Response:
        """In a stream as StepFun writes it: the role, an empty content and the usage so far on every chunk."""
        choices = [{"delta": {"role": "assistant", "content": "", **delta}} for delta in self.deltas]
        choices.append({"delta": {"role": "assistant", "content": ""}, "finish_reason": self.finish or "stop"})
        events = [
            {"id": TRACE, "model": "step-3.7-flash", "choices": [{"index": 0, **choice}], "usage": USAGE}
            for choice in choices
        ]
        return event_stream(*events)

    def reply(self, request: httpx.Request) -> httpx.Response:
        return self.streamed() if json.loads(request.content).get("stream") else self.whole()


def event_stream(*events: dict[str, Any]) -> httpx.Response:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content="".join([*lines, "data: [DONE]\n\n"]).encode()
    )


def function(name: str, arguments: str) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function(name, arguments)}


def more(index: int, arguments: str) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}}


HIT = {"index": 1, "url": "https://example.com/news", "title": "News", "summary": "StepFun has news."}
SEARCH = {
    "index": 0,
    "id": "call_s",
    "type": "web_search",
    "function": function("step_websearch", '{"query": "news"}'),
    "results": [HIT],
}
SEARCH_BLOCKS = [
    {
        "type": "server_tool_call",
        "id": "call_s",
        "name": "web_search",
        "args": {"query": "news"},
        "extras": {"function": "step_websearch"},
    },
    {"type": "server_tool_result", "tool_call_id": "call_s", "status": "success", "output": [HIT]},
]
CITATION = {
    "type": "citation",
    "url": HIT["url"],
    "title": HIT["title"],
    "cited_text": HIT["summary"],
    "extras": {"index": 1},
}


def text(said: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": said, **({"annotations": list(annotations)} if annotations else {})}


def reasoning(thought: str) -> dict[str, Any]:
    return {"type": "reasoning", "reasoning": thought}


def tool_call(index: int, name: str, **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": f"call_{index}", "name": name, "args": args}


ANSWERS: dict[str, Answer] = {
    "nothing": Answer({"content": ""}, []),
    "text": Answer(
        {"content": "The answer is 42"}, [{"content": "The answer"}, {"content": " is 42"}], [text("The answer is 42")]
    ),
    "reasoning": Answer(
        {"content": "42", "reasoning": "6 * 7", "reasoning_content": "6 * 7"},
        [
            {"reasoning": "6 *", "reasoning_content": "6 *"},
            {"reasoning_content": " 7"},
            {"content": "4"},
            {"content": "2"},
        ],
        [reasoning("6 * 7"), text("42")],
    ),
    "parallel tool calls": Answer(
        {"content": "I add.", "tool_calls": [call(0, "add", '{"a": 1}'), call(1, "now", "")]},
        [
            {"content": "I add."},
            {"tool_calls": [call(0, "add", "")]},
            {"tool_calls": [call(1, "now", "")]},
            {"tool_calls": [more(0, '{"a"')]},
            {"tool_calls": [more(0, ": 1}")]},
        ],
        [text("I add."), tool_call(0, "add", a=1), tool_call(1, "now")],
        finish="tool_calls",
    ),
    "search": Answer(
        {"content": "There are news.", "reasoning_content": "I searched.", "tool_calls": [SEARCH]},
        [
            {"tool_calls": [SEARCH]},
            {"reasoning_content": "I searched."},
            {"content": "There are"},
            {"content": " news."},
        ],
        [*SEARCH_BLOCKS, reasoning("I searched."), text("There are news.", CITATION)],
    ),
    "search and tool calls": Answer(
        {
            "content": "Now I add.",
            "tool_calls": [SEARCH, call(1, "add", '{"a": 1}'), call(2, "add", '{"a": 2}')],
        },
        [
            {"tool_calls": [SEARCH]},
            {"content": "Now I"},
            {"content": " add."},
            {"tool_calls": [call(1, "add", "")]},
            {"tool_calls": [more(1, '{"a": 1}'), call(2, "add", '{"a"')]},
            {"tool_calls": [more(2, ": 2}")]},
        ],
        [*SEARCH_BLOCKS, text("Now I add.", CITATION), tool_call(1, "add", a=1), tool_call(2, "add", a=2)],
        finish="tool_calls",
    ),
    "search and a tool call in one piece": Answer(
        {"content": "", "tool_calls": [SEARCH, call(1, "add", '{"a": 1}')]},
        [{"tool_calls": [SEARCH, call(1, "add", '{"a": ')]}, {"tool_calls": [more(1, "1}")]}],
        [*SEARCH_BLOCKS, tool_call(1, "add", a=1)],
    ),
    "retrieval": Answer(
        {
            "content": "By the book.",
            "tool_calls": [{"id": "call_r", "type": "retrieval", "function": {"name": "book"}}],
        },
        [
            {"tool_calls": [{"index": 0, "id": "call_r", "type": "retrieval", "function": {"name": "book"}}]},
            {"content": "By the book."},
        ],
        [
            {
                "type": "server_tool_call",
                "id": "call_r",
                "name": "retrieval",
                "args": {},
                "extras": {"function": "book"},
            },
            text("By the book."),
        ],
    ),
    "audio": Answer(
        {"content": None, "audio": {"data": "AAAAAQAC", "transcript": "Hello!"}},
        [{"audio": {"data": "AAAA", "transcript": "Hel"}}, {"audio": {"data": "AQAC", "transcript": "lo!"}}],
        [text("Hello!"), {"type": "audio", "base64": "AAAAAQAC", "mime_type": "audio/pcm"}],
        finish=None,
    ),
    "broken arguments": Answer(
        {"content": "", "tool_calls": [call(0, "add", '{"a": six}'), call(1, "add", '{"a": 1}')]},
        [
            {"tool_calls": [call(0, "add", '{"a": ')]},
            {"tool_calls": [more(0, "six}"), call(1, "add", '{"a": 1}')]},
        ],
        [
            tool_call(1, "add", a=1),
            {
                "type": "invalid_tool_call",
                "id": "call_0",
                "name": "add",
                "args": '{"a": six}',
                "error": "Expecting value: line 1 column 7 (char 6)",
            },
        ],
    ),
}
