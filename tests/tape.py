"""Recorded exchanges: how a cassette is written, what never gets into it, and how it is read again.

A cassette is a YAML file that says where it came from (`emulator` or `live`) and when. Requests are stored under
StepFun's real host, wherever they were sent, so that a cassette of the emulator and one of StepFun stand for the same
test. Headers are kept by a list of harmless ones, and a cassette with the key in it is not written at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.request import Request

REAL_HOST = "https://api.stepfun.com"
MODELVERSE = "https://api.modelverse.cn"
MATCH_ON = ("method", "scheme", "host", "port", "path", "query", "body")

_KEPT_REQUEST_HEADERS = ("content-type",)
_KEPT_RESPONSE_HEADERS = ("content-type", "retry-after", "x-trace-id")
_BOUNDARY = re.compile(r"(?<=boundary=)[^;]+")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Source:
    """Where the exchanges of a recording come from.

    Attributes:
        origin: StepFun itself, or the emulator.
        base_url: What clients are pointed at; None for the real host.
        key: The key that must never be written.
        modelverse_url: What clients of modelverse are pointed at; None for the real host.
        modelverse_key: Its key, which must never be written either.
    """

    origin: Literal["emulator", "live"]
    base_url: str | None = None
    key: str = field(default="", repr=False)
    modelverse_url: str | None = None
    modelverse_key: str = field(default="", repr=False)

    def vcr_config(self) -> dict[str, Any]:
        """What `vcr.use_cassette` takes: a config for pytest-recording's `vcr` mark, and so for langchain-tests."""
        return {
            "match_on": MATCH_ON,
            "before_record_request": self.harmless_request,
            "before_record_response": self.harmless_response,
            "decode_compressed_response": True,
            "allow_playback_repeats": True,
        }

    def harmless_request(self, request: Request) -> Request:
        """The request under the real host, without its secret headers; applied when recording and when matching."""
        uri = request.uri
        if self.base_url:
            here = re.escape(_origin_of(self.base_url))
            uri = re.sub(rf"^{here}/modelverse(?=[/?]|$)", MODELVERSE, uri)  # where the emulator has the other host
            uri = re.sub(rf"^{here}(?=[/?]|$)", REAL_HOST, uri)
        body, headers = request.body or b"", _kept(request.headers, _KEPT_REQUEST_HEADERS)
        if boundary := _BOUNDARY.search(headers.get("content-type", "")):
            body = body.replace(boundary[0].encode(), b"boundary")
            headers["content-type"] = _BOUNDARY.sub("boundary", headers["content-type"])
        return Request(request.method, uri, _numbered(body), headers)

    def harmless_response(self, response: dict[str, Any]) -> dict[str, Any]:
        """The response without cookies, addresses and whatever else is nobody's business."""
        body = response["body"].get("string") or b""
        if self.base_url:  # what the emulator made lies at its own address
            body = body.replace(_origin_of(self.base_url).encode(), REAL_HOST.encode())
        headers = _kept(response["headers"], _KEPT_RESPONSE_HEADERS)
        return {**response, "headers": headers, "body": {**response["body"], "string": body}}


class Persister:
    """Writes and reads cassettes; what vcrpy calls a persister, its serializers left aside."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def save_cassette(self, cassette_path: str, cassette_dict: dict[str, Any], serializer: Any = None) -> None:
        """Write a cassette, unless the key is in it."""
        pairs = zip(cassette_dict["requests"], cassette_dict["responses"], strict=True)
        cassette = {
            "origin": self._source.origin,
            "recorded": datetime.now(timezone.utc).date(),
            "interactions": [{"request": _request(one), "response": _response(other)} for one, other in pairs],
        }
        text = yaml.dump(cassette, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
        if any(key and key in text for key in (self._source.key, self._source.modelverse_key)):
            raise ValueError(f"{cassette_path} is not written: the API key is in it")
        path = Path(cassette_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    @staticmethod
    def load_cassette(cassette_path: str, serializer: Any = None) -> tuple[list[Request], list[dict[str, Any]]]:
        """Read a cassette."""
        path = Path(cassette_path)
        if not path.is_file():
            raise CassetteNotFoundError(f"there is no cassette {path}; `make record` makes it")
        cassette = yaml.safe_load(path.read_bytes())
        requests, responses = [], []
        for interaction in cassette["interactions"]:
            request, response = interaction["request"], interaction["response"]
            requests.append(Request(request["method"], request["uri"], _bytes(request["body"]), request["headers"]))
            headers = {name: [value] for name, value in response["headers"].items()}
            responses.append({**response, "headers": headers, "body": {"string": _bytes(response["body"])}})
        return requests, responses


class _Dumper(yaml.SafeDumper):
    """Writes the lines of a body as lines, so that people can read an event stream."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def _request(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "uri": request.uri,
        "headers": dict(request.headers),
        "body": _text(request.body),
    }


def _response(response: dict[str, Any]) -> dict[str, Any]:
    headers = {name: ", ".join(values) for name, values in response["headers"].items()}
    return {"status": response["status"], "headers": headers, "body": _text(response["body"]["string"])}


def _kept(headers: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name.lower(): value for name, value in dict(headers).items() if name.lower() in names}


def _numbered(body: bytes) -> bytes:
    """Ids that the client makes anew each time, numbered, so that a request is the same tomorrow."""
    seen: dict[bytes, bytes] = {}
    return _UUID.sub(lambda found: seen.setdefault(found[0], b"00000000-0000-4000-8000-%012d" % (len(seen) + 1)), body)


def _text(body: bytes | None) -> str | bytes | None:
    """A body as text where YAML gives back the very same bytes; else as it is, and YAML writes base64."""
    try:
        text = (body or b"").decode()
    except UnicodeDecodeError:
        return body
    again = yaml.safe_load(yaml.dump(text, Dumper=_Dumper, allow_unicode=True, width=1_000_000))
    return text if again == text else body


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
