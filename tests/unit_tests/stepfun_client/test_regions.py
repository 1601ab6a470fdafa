"""China and the world: each region's address for every family of calls, and what a key of the other one is told."""

from __future__ import annotations

import json
import socket
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import httpx
import pytest

from stepfun_client import APIConnectionError, AuthenticationError

TONE = (Path(__file__).parents[2] / "data" / "tone.wav").read_bytes()
CHAT = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hi"}]}
SPEECH = {"model": "stepaudio-2.5-tts", "voice": "cixingnansheng"}
HOSTS = {"cn": "api.stepfun.com", "global": "api.stepfun.ai"}

CALLS = {
    "/chat/completions": lambda client: client.chat.create(**CHAT),
    "/messages": lambda client: client.messages.create(max_tokens=9, **CHAT),
    "/responses": lambda client: client.responses.create(model="step-3.7-flash", input="Hi"),
    "/files": lambda client: client.files.list(),
    "/models": lambda client: client.models.list(),
    "/search": lambda client: client.search.create("lamps"),
    "/audio/speech": lambda client: client.speech.create(input="Hi", **SPEECH),
    "/audio/asr/sse": lambda client: client.transcription.create(TONE, model="stepaudio-2.5-asr"),
    "/audio/transcriptions": lambda client: client.transcription.create(TONE, model="step-asr"),
    "/audio/voices": lambda client: client.voices.list(),
    "/images/generations": lambda client: client.images.generate(model="step-image-edit-2", prompt="a lake"),
}
STREAMS = {
    "/chat/completions": lambda client: client.chat.stream(**CHAT),
    "/messages": lambda client: client.messages.stream(max_tokens=9, **CHAT),
    "/responses": lambda client: client.responses.stream(model="step-3.7-flash", input="Hi"),
    "/audio/speech": lambda client: client.speech.stream(input="Hi", **SPEECH),
    "/audio/asr/sse": lambda client: client.transcription.stream(TONE, model="stepaudio-2.5-asr"),
}
TALKS = {
    "/realtime/audio": lambda client: client.speech.stream(input=["Hi."], **SPEECH).audio(),
    "/realtime/asr/stream": lambda client: client.transcription.live([bytes(640)]).transcript(),
    "/realtime": lambda client: entered(client.realtime.connect(model="stepaudio-2.5-realtime")),
}


def entered(session):
    """Open a session, however that is done."""
    if hasattr(session, "__enter__"):
        with ExitStack() as stack:
            return stack.enter_context(session)
    return _entered(session)


async def _entered(session):
    async with AsyncExitStack() as stack:
        return await stack.enter_async_context(session)


@pytest.fixture
def no_names(monkeypatch):
    """No host is found, so that an error says where a connection was to go."""

    def nowhere(*_args, **_kwargs):
        raise socket.gaierror("no names here")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)


@pytest.mark.parametrize(("region", "host"), HOSTS.items())
@pytest.mark.parametrize(("path", "call"), CALLS.items())
async def test_every_call_goes_to_its_region(both, region, host, path, call):
    visited = []

    def answer(request):
        visited.append(request.url)
        return httpx.Response(401, json={"error": {"message": "no", "type": "invalid_api_key"}})

    with pytest.raises(AuthenticationError):
        await both.get(call(both.mocked(answer, region=region)))
    assert [(url.scheme, url.host, url.path) for url in visited] == [("https", host, f"/v1{path}")]


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize(("region", "host"), HOSTS.items())
@pytest.mark.parametrize(("path", "talk"), TALKS.items())
async def test_every_websocket_goes_to_its_region(both, region, host, path, talk):
    client = both.client(region=region, max_retries=0)

    with pytest.raises(APIConnectionError, match=rf"wss://{host}/v1{path}[?:]"):
        await both.get(talk(client))


@pytest.mark.usefixtures("no_names")
async def test_the_plan_is_in_both_regions(both):
    client = both.client(region="global", plan=True, max_retries=0)
    with pytest.raises(APIConnectionError, match=r"wss://api\.stepfun\.ai/step_plan/v1/realtime\?"):
        await both.get(TALKS["/realtime"](client))
    with pytest.raises(APIConnectionError, match=r"https://api\.stepfun\.ai/step_plan/v1/messages"):
        await both.get(CALLS["/messages"](client))


# --- A key works in its own region only: the wrong one answers 401 ----------------------------------------------------


def check_hint(error, path):
    said = str(error)
    assert "region='cn' talks to api.stepfun.com (keys: https://platform.stepfun.com/interface-key)" in said
    assert "region='global' to api.stepfun.ai (keys: https://platform.stepfun.ai/interface-key)" in said
    assert f"/v1{path}" in error.hint
    assert "invalid-here" not in f"{said} {error!r} {json.dumps(vars(error), default=str)}"


@pytest.fixture
def stranger(both, emulator):
    """A client with a key that the service does not know."""
    return both.client(emulator, api_key="invalid-here")


@pytest.mark.parametrize(("path", "call"), CALLS.items())
async def test_a_401_hints_at_the_other_region(both, stranger, path, call):
    with pytest.raises(AuthenticationError) as raised:
        await both.get(call(stranger))
    check_hint(raised.value, path)
    assert raised.value.trace_id


@pytest.mark.parametrize(("path", "stream"), STREAMS.items())
async def test_a_streams_401_hints_at_the_other_region(both, stranger, path, stream):
    with pytest.raises(AuthenticationError) as raised:
        await both.items(stream(stranger))
    check_hint(raised.value, path)


@pytest.mark.parametrize(("path", "talk"), TALKS.items())
async def test_a_handshakes_401_hints_at_the_other_region(both, stranger, path, talk):
    with pytest.raises(AuthenticationError) as raised:
        await both.get(talk(stranger))
    check_hint(raised.value, path)
