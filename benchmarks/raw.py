"""httpx without an integration: the fast end of the scale."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager

import httpx

from benchmarks.server import MODEL, QUESTION


class LoopbackHTTP:
    """httpx's two clients at their best: no request waits for a connection, and every connection is kept."""

    def __init__(self, base_url: str) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._sync = httpx.Client(limits=limits)
        self._async = httpx.AsyncClient(limits=limits)
        self._url = f"{base_url}/chat/completions"
        asked = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}
        self._whole = json.dumps(asked).encode()
        self._streamed = json.dumps({**asked, "stream": True}).encode()

    def post(self) -> bytes:
        """Ask for a whole reply."""
        return self._sync.post(self._url, content=self._whole).content

    def open(self) -> AbstractContextManager[httpx.Response]:
        """Ask for a stream."""
        return self._sync.stream("POST", self._url, content=self._streamed)

    def aopen(self) -> AbstractAsyncContextManager[httpx.Response]:
        """Ask for a stream, asynchronously."""
        return self._async.stream("POST", self._url, content=self._streamed)


class Raw:
    """What one writes without any library: httpx, lines, json. It understands nothing but the text."""

    def __init__(self, base_url: str) -> None:
        self._http = LoopbackHTTP(base_url)

    def invoke(self) -> str:
        """Ask for a whole reply."""
        return json.loads(self._http.post())["choices"][0]["message"]["content"]

    def stream(self) -> Iterator[str]:
        """Ask for a stream."""
        with self._http.open() as response:
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    yield _text_of(line)

    async def astream(self) -> AsyncIterator[str]:
        """Ask for a stream, asynchronously."""
        async with self._http.aopen() as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    yield _text_of(line)

    events = stream  # nobody but LangChain knows v3 events


def _text_of(line: str) -> str:
    choices = json.loads(line.removeprefix("data: "))["choices"]
    return choices[0]["delta"]["content"] if choices else ""
