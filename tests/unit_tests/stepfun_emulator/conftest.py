"""One emulator for each test module, and short ways to talk to it."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

import stepfun_emulator
from stepfun_emulator import Emulator

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with stepfun_emulator.serving() as running:
        yield running


@pytest.fixture(scope="module")
def http(emulator: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.base_url, headers={"authorization": "Bearer test"}, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def openai_client(emulator: Emulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=emulator.base_url, api_key="test", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def ask(http: httpx.Client) -> Ask:
    """Send a chat request; a string stands for one user message. ``fault`` becomes the header."""

    def send(messages: Any, *, fault: str | None = None, model: str = "step-3.5-flash", **body: Any) -> httpx.Response:
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        headers = {} if fault is None else {"x-emulator-fault": fault}
        return http.post("/chat/completions", json={"model": model, "messages": messages, **body}, headers=headers)

    return send


@pytest.fixture(scope="session")
def events() -> Callable[[httpx.Response], list[dict[str, Any]]]:
    """The JSON events of a stream, which must end with ``[DONE]``."""

    def read(response: httpx.Response) -> list[dict[str, Any]]:
        assert response.status_code == 200, response.text
        *lines, last, end = response.text.split("\n\n")
        assert last == "data: [DONE]"
        assert end == ""
        return [json.loads(line.removeprefix("data: ")) for line in lines]

    return read


@pytest.fixture(scope="session")
def png() -> Callable[..., bytes]:
    """Encode a PNG from already filtered rows."""

    def encode(
        width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, interlace: int = 0, extra: bytes = b""
    ) -> bytes:
        def chunk(name: bytes, content: bytes) -> bytes:
            return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
        return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

    return encode


@pytest.fixture(scope="session")
def painted(png: Callable[..., bytes]) -> Callable[..., bytes]:
    """A PNG of rectangles ``(left, top, right, bottom, (r, g, b))`` on a background."""

    def paint(width: int, height: int, *rectangles: Any, background: tuple[int, int, int] = (255, 255, 255)) -> bytes:
        rows = [[background] * width for _ in range(height)]
        for left, top, right, bottom, colour in rectangles:
            for row in rows[top:bottom]:
                row[left:right] = [colour] * (right - left)
        return png(width, height, b"".join(b"\0" + b"".join(map(bytes, row)) for row in rows))

    return paint


@pytest.fixture(scope="session")
def chart(painted: Callable[..., bytes]) -> bytes:
    """A bar chart: red 40, green 100, blue 70 percent, on a black axis."""
    return painted(
        200, 140, (0, 120, 200, 121, (0, 0, 0)),
        (20, 80, 50, 120, (220, 30, 30)), (80, 20, 110, 120, (30, 160, 40)), (140, 50, 170, 120, (30, 60, 210)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def data_uri() -> Callable[[bytes, str], str]:
    def encode(data: bytes, kind: str) -> str:
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"

    return encode


@pytest.fixture(scope="session")
def tool() -> Callable[..., dict[str, Any]]:
    """A function tool; keyword arguments are its properties, all required unless ``required`` says otherwise."""

    def describe(
        name: str, description: str = "", /, *, required: list[str] | None = None, **properties: Any
    ) -> dict[str, Any]:
        named = list(properties) if required is None else required
        parameters = {"type": "object", "properties": properties, "required": named}
        return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}

    return describe
