"""Shows an agent's run as it happens: thinking dimmed, tools named, the answer plain. Colours only on a terminal."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage

_STYLES = {"dim": "\x1b[2m", "bold": "\x1b[1m", "tool": "\x1b[36m"}
_RESET = "\x1b[0m"


class Screen:
    """Writes what the agent thinks, does and says, one labelled paragraph each."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colours = out.isatty()
        self._speaking = ""

    def line(self, text: str, style: str = "") -> None:
        """Write a line of its own."""
        self._end()
        self._write(text + "\n", style)

    def piece(self, chunk: AIMessageChunk) -> None:
        """Write what a piece of the model's stream adds."""
        for block in chunk.content_blocks:
            if block["type"] == "reasoning":
                self._say("thinking", str(block.get("reasoning", "")), "dim")
            elif block["type"] == "text":
                self._say("answer", block["text"], "bold")

    def step(self, message: Any) -> None:
        """Write what the agent did: the tools the model called, and what they returned."""
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                self.line(f"tool call  {call['name']}({json.dumps(call['args'], ensure_ascii=False)})", "tool")
        elif isinstance(message, ToolMessage):
            self.line(f"tool result  {message.name}: {message.text}", "tool")

    def _say(self, label: str, text: str, style: str) -> None:
        if self._speaking != label:
            self._end()
            self._write(f"{label}  ", style)
            self._speaking = label
        self._write(text, style)

    def _end(self) -> None:
        if self._speaking:
            self._write("\n")
            self._speaking = ""

    def _write(self, text: str, style: str = "") -> None:
        coloured = f"{_STYLES[style]}{text}{_RESET}" if self._colours and style else text
        self._out.write(coloured)
        self._out.flush()
