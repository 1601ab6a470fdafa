"""What the tests of the tools share: both ways to use one, a model that plays a script, and a public StepFun."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from stepfun_emulator import Emulator

KEY = "sk-never-to-be-seen-anywhere"
SERVICE = "https://service.test/v1"
DATA = Path(__file__).parents[2] / "data"
TONE = (DATA / "tone.wav").read_bytes()
MEADOW = (DATA / "meadow.png").read_bytes()

Use = Callable[..., Awaitable[ToolMessage]]


def called(tool: BaseTool, args: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_call", "id": "call_1", "name": tool.name, "args": args}


async def _invoke(tool: BaseTool, **args: Any) -> ToolMessage:
    return tool.invoke(called(tool, args))


async def _ainvoke(tool: BaseTool, **args: Any) -> ToolMessage:
    return await tool.ainvoke(called(tool, args))


USES: dict[str, Use] = {"invoke": _invoke, "ainvoke": _ainvoke}


class Scripted(GenericFakeChatModel):
    """A model that says what it was told to say, whatever tools it has."""

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Scripted:
        return self


def scripted(*calls: Sequence[tuple[str, dict[str, Any]]]) -> Scripted:
    """A model that makes these calls, a list of them each turn, and then says that it is done."""
    turns = [
        AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{turn}_{at}"}])
        for turn, made in enumerate(calls)
        for at, (name, args) in enumerate(made)
    ]
    return Scripted(messages=iter([*turns, AIMessage("done")]))


class PublicService:
    """StepFun at an https address, which is as public as any: it hears and draws the same always, and serves files."""

    def __init__(self, *, said: str = "Heard it.", **files: bytes) -> None:
        self.said = said
        self.files = {f"/v1/{name.replace('_', '.')}": content for name, content in files.items()}
        self.sent: list[httpx.Request] = []

    def settings(self) -> dict[str, Any]:
        transport = httpx.MockTransport(self._answer)
        return {
            "api_key": KEY,
            "base_url": SERVICE,
            "max_retries": 0,
            "http_client": httpx.Client(transport=transport),
            "http_async_client": httpx.AsyncClient(transport=transport),
        }

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.sent]

    def body(self, path: str) -> dict[str, Any]:
        return json.loads(next(request.content for request in self.sent if request.url.path == path))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(request)
        if request.url.path.endswith("/asr/sse"):
            done = f"data: {json.dumps({'type': 'transcript.text.done', 'text': self.said})}\n\n"
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=done)
        if request.url.path.endswith("/file/submit"):
            return httpx.Response(200, json={"task_id": "t1"})
        if request.url.path.endswith("/file/query"):
            return httpx.Response(200, json={"duration": 1, "result": [{"text": "Heard there.", "utterances": []}]})
        if "/images/" in request.url.path:
            drawn = {"b64_json": base64.b64encode(MEADOW).decode(), "seed": 3, "finish_reason": "success"}
            return httpx.Response(200, json={"created": 1, "data": [drawn]})
        if (content := self.files.get(request.url.path)) is not None:
            return httpx.Response(200, content=content)
        return httpx.Response(404, json={"error": {"message": "no such path", "type": "invalid_request_error"}})


class SecureEmulator(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The emulator at an https address, as public as any; it keeps the hosts that were asked for, and visits no other.

    Args:
        emulator: The emulator, which forgets what it was asked before.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator, self._place = emulator, httpx.URL(emulator.base_url)
        emulator.requests.clear()
        self._sync, self._async = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()
        self.hosts: list[str] = []

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The method and the path of all requests that came through."""
        return [(request.method, request.path) for request in self._emulator.requests]

    def settings(self) -> dict[str, Any]:
        return {
            "api_key": "any",
            "base_url": SERVICE,
            "max_retries": 0,
            "http_client": httpx.Client(transport=self),
            "http_async_client": httpx.AsyncClient(transport=self),
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._sync.handle_request(self._rerouted(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._async.handle_async_request(self._rerouted(request))

    def _rerouted(self, request: httpx.Request) -> httpx.Request:
        self.hosts.append(request.url.host)
        if request.url.host != httpx.URL(SERVICE).host:
            raise httpx.ConnectError(f"nobody may visit {request.url.host}", request=request)
        request.url = request.url.copy_with(scheme="http", host=self._place.host, port=self._place.port)
        return request

    async def aclose(self) -> None:
        self._sync.close()
        await self._async.aclose()
