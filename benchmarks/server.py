"""A loopback server that costs next to nothing: it sends ready replies, shaped as StepFun's, over kept connections.

`python -m benchmarks.server` prints its address and serves until its standard input closes. How long the streams are is
in the path: below `/3000/v1`, 3,000 chunks say something.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from functools import cache
from typing import Any

MODEL = "step-3.7-flash"
QUESTION = "Why is the sky blue?"
PIECE = " 阶跃 star"

_PROMPT_TOKENS = 29
_REASONING_SHARE = 5  # one chunk in five thinks, at the beginning
_CREATED = 1791494332
_TRACE_ID = "6a65792cf7ff25c5ba108b757b811f3f"

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_WANTS_STREAM = re.compile(rb'"stream": *true')


def said_whole() -> str:
    """Return the text of a reply without stream."""
    return PIECE * 20


def said_in_stream(chunks: int) -> tuple[str, ...]:
    """Return the text of each chunk that says something, `""` where it only thinks."""
    thinking = chunks // _REASONING_SHARE
    return ("",) * thinking + (PIECE,) * (chunks - thinking)


def _usage(written: int) -> dict[str, Any]:
    return {
        "cached_tokens": 0,
        "prompt_tokens": _PROMPT_TOKENS,
        "completion_tokens": written,
        "total_tokens": _PROMPT_TOKENS + written,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _event(written: int, *choices: dict[str, Any]) -> bytes:
    body = {
        "id": f"{_TRACE_ID}.01a11d621d5b7240b324f8fd94e1cc01",
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": MODEL,
        "choices": choices,
        "usage": _usage(written),
        "agent": "",
    }
    return b"data: " + _json(body) + b"\n\n"


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _events(chunks: int) -> list[bytes]:
    """Write a stream with the wire's quirks: role, content and cumulative usage on each chunk, the reasoning twice."""
    silent = {"role": "assistant", "content": ""}
    thinks = {**silent, "reasoning": PIECE, "reasoning_content": PIECE}
    deltas = [{**silent, "content": text} if text else thinks for text in said_in_stream(chunks)]
    return [
        _event(0, {"index": 0, "delta": silent}),
        *(_event(written, {"index": 0, "delta": delta}) for written, delta in enumerate(deltas, 1)),
        _event(chunks, {"index": 0, "delta": silent, "finish_reason": "stop"}),
        _event(chunks),
        b"data: [DONE]\n\n",
    ]


def _head(content_type: str, framing: str) -> bytes:
    lines = ("HTTP/1.1 200 OK", f"content-type: {content_type}", f"x-trace-id: {_TRACE_ID}", framing)
    return "\r\n".join((*lines, "", "")).encode()


@cache
def _stream(chunks: int) -> bytes:
    """Put each event into an HTTP chunk of its own, as a server that flushes each token does."""
    framed = [b"%x\r\n%s\r\n" % (len(event), event) for event in (*_events(chunks), b"")]
    return _head("text/event-stream; charset=utf-8", "transfer-encoding: chunked") + b"".join(framed)


@cache
def _whole() -> bytes:
    text = said_whole()
    message = {"role": "assistant", "content": text, "reasoning": text, "reasoning_content": text}
    body = _json(
        {
            "id": f"chatcmpl-{_TRACE_ID}.01a11d621d5b7240b324f8fd94e1cc01",
            "object": "chat.completion",
            "created": _CREATED,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(40),
        }
    )
    return _head("application/json; charset=utf-8", f"content-length: {len(body)}") + body


def _reply(path: str, body: bytes) -> bytes:
    return _stream(int(path.split("/")[1])) if _WANTS_STREAM.search(body) else _whole()


class _Connection(asyncio.Protocol):
    """Answers one request after the other; whoever connects sends no second one before the reply."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _LENGTH.search(head)
        if length and len(body) < int(length[1]):
            return
        self._received = b""
        self._transport.write(_reply(head.split(b" ", 2)[1].decode(), body))  # type: ignore[attr-defined]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    async with server:
        host, port = server.sockets[0].getsockname()
        print(f"http://{host}:{port}", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
