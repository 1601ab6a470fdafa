"""How the probes ask: messages of blocks, streams read to their end, and a look at what was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock

if TYPE_CHECKING:
    from benchmarks.features.probing import Case

_SECONDS = 30.0
_MOST_STEPS = 10


def asked(*blocks: Any, question: str = "Describe it.") -> list[ChatMessage]:
    """Ask about something."""
    return [ChatMessage(role="user", blocks=[*blocks, TextBlock(text=question)])]


def last(responses: Any) -> ChatResponse:
    """Read a stream to its end: its last response holds the whole message."""
    response = None
    for one in responses:
        response = one
    if response is None:
        message = "an empty stream"
        raise AssertionError(message)
    return response


def watched(case: Case, **settings: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Make a model that keeps the bodies of the requests it sends."""
    sent: list[dict[str, Any]] = []

    def keep(request: httpx.Request) -> None:
        sent.append(json.loads(request.content))

    client = httpx.Client(trust_env=False, timeout=_SECONDS, event_hooks={"request": [keep]})
    return case.model(http_client=client, **settings), sent


def agent_says(llm: Any, question: str, tools: Sequence[Any]) -> str:
    """Run an agent to its end and return what it says."""

    async def run() -> str:
        agent = FunctionAgent(tools=list(tools), llm=llm)
        return str(await agent.run(question, max_iterations=_MOST_STEPS))

    return asyncio.run(run())
