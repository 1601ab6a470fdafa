"""`make demo`: an agent on StepFun reads a chart, looks a month up, calculates, and answers.

With `STEP_API_KEY` (or `STEPFUN_API_KEY`) it talks to the live service; else to the emulator, which it starts itself.
"""

from __future__ import annotations

import base64
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from operator import add
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from pydantic import SecretStr

import stepfun_emulator
from demo.picture import BLUE, GREEN, ORANGE, RED, bar_chart
from demo.screen import Screen
from demo.tools import calculate, read_sales
from langchain_stepfun import ChatStepFun, cost_of
from stepfun_client import StepFunError

QUESTION = (
    "The picture is a bar chart of our revenue from January (left) to April (right). Which bar is the tallest, and "
    "what colour is it? Then read the sales of March, and calculate 2100 * 0.2 to know the tax on them."
)


def main() -> int:
    """Run the demo; return the exit status."""
    screen = Screen()
    live = any(os.environ.get(name) for name in ("STEP_API_KEY", "STEPFUN_API_KEY"))
    service: AbstractContextManager[str | None] = nullcontext(None) if live else stepfun_emulator.running()
    with service as base_url:
        model = ChatStepFun(
            model="step-3.7-flash",
            reasoning_effort="low",
            base_url=base_url,
            api_key=None if live else SecretStr("demo"),
        )
        screen.line(_service(model, live=live), "bold")
        try:
            replies = run(model, screen)
        except StepFunError as error:
            screen.line(f"StepFun refused: {error}")
            return 1
    for line in receipt(replies):
        screen.line(line, "dim")
    return 0


def run(model: ChatStepFun, screen: Screen) -> list[AIMessage]:
    """Ask the agent, show what it does, and return the model's replies."""
    agent = create_agent(model, tools=[calculate, read_sales])
    chart = base64.b64encode(bar_chart([(RED, 1280), (GREEN, 1440), (BLUE, 2100), (ORANGE, 1650)])).decode()
    question = HumanMessage(
        content=[
            {
                "type": "image",
                "base64": chart,
                "mime_type": "image/png",
            },  # StepFun advises pictures before the question
            {"type": "text", "text": QUESTION},
        ]
    )
    screen.line(f"question  {QUESTION} [a picture of 480 x 320 pixels is attached]")
    replies: list[AIMessage] = []
    events: Any = agent.stream({"messages": [question]}, stream_mode=["messages", "updates"])
    for mode, event in events:
        if mode == "messages":
            piece, _ = event
            if isinstance(piece, AIMessageChunk):
                screen.piece(piece)
            continue
        for message in (message for update in event.values() for message in update["messages"]):
            screen.step(message)
            if isinstance(message, AIMessage):
                replies.append(message)
    return replies


def receipt(replies: list[AIMessage]) -> list[str]:
    """Say what the run used, what that costs by the catalogue's dated price, and which traces support can look up."""
    usages = [reply.usage_metadata for reply in replies if reply.usage_metadata]
    read = sum(usage["input_tokens"] for usage in usages)
    cached = sum(usage.get("input_token_details", {}).get("cache_read", 0) for usage in usages)
    written = sum(usage["output_tokens"] for usage in usages)
    tokens = f"tokens  {read} in ({cached} of them cached), {written} out, in {len(replies)} calls"
    costs = [cost for reply in replies if (cost := cost_of(reply))]
    if costs:
        tokens += f"; about {reduce(add, costs)}"
    return [tokens, "trace ids  " + ", ".join(str(reply.response_metadata.get("trace_id")) for reply in replies)]


def _service(model: ChatStepFun, *, live: bool) -> str:
    address = model.client.base_url
    if live:
        who = "StepFun itself" if "api.stepfun." in address else "a server of yours"
        return f"service  {who}, at {address}, with {model.model}"
    return f"service  the emulator at {address}: it answers by rules; set STEP_API_KEY to talk to StepFun"


if __name__ == "__main__":
    sys.exit(main())
