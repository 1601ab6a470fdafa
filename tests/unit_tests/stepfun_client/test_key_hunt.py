"""The key is looked for wherever this package could leave it: it is in the request's header, and nowhere else."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from stepfun_client import InvalidParameterError, StepFunError
from stepfun_client.core.call import Call

LIBRARIES = ("httpx", "httpcore", "ssl", "asyncio", "pydantic")  # pydantic's SecretStr is where the key has to be


def told_by(thing: Any, levels: int = 6) -> Iterator[str]:
    """Everything a curious eye reads off an object: repr, str, and the same of what it holds."""
    yield from (repr(thing), str(thing))
    if not levels or isinstance(thing, (str, bytes, type)) or type(thing).__module__.startswith(LIBRARIES):
        return
    held = [*thing.items()] if isinstance(thing, dict) else [*thing] if isinstance(thing, (list, tuple)) else []
    held += getattr(thing, "__dict__", {}).values()
    held += (getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ()))
    for value in held:
        yield from told_by(value, levels - 1)


def told_by_error(error: BaseException) -> Iterator[str]:
    """What pytest's --showlocals and a debugger print of an error: its chain, with the locals of every frame."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    yield "".join(shown.format(chain=True))
    link: BaseException | None = error
    while link is not None:
        yield from told_by(link)
        link = link.__cause__ or link.__context__


FAULTS = {
    "a good answer": lambda server, wire: wire.completion(),
    "401 that quotes the key": lambda server, wire: wire.error(401, "invalid_api_key", f"bad key {wire.key}"),
    "plain text that quotes it": lambda server, wire: wire.reply(b"key " + wire.key.encode(), 403),
    "a long page that quotes it": lambda server, wire: wire.reply(b"x" * 290 + wire.key.encode(), 400),
    "503": lambda server, wire: wire.error(503),
    "garbage that quotes it": lambda server, wire: wire.reply(f"<p>{wire.key}</p>".encode()),
    "a reply of another shape that quotes it": lambda server, wire: wire.reply({"choices": wire.key}),
    "broken encoding": lambda server, wire: wire.reply(wire.key.encode(), **{"content-encoding": "gzip"}),
    "dropped": lambda server, wire: [server.drop],
    "dropped inside the body": lambda server, wire: [wire.completion()[:-3], server.drop],
    "no HTTP": lambda server, wire: [b"SSH-2.0-OpenSSH\r\n\r\n", server.drop],
    "silence": lambda server, wire: [server.stall],
    "an error inside the stream": lambda server, wire: wire.stream(wire.event({"error": {"message": wire.key}})),
    "garbage inside the stream": lambda server, wire: wire.stream(wire.event(wire.key.encode())),
    "a cut stream": lambda server, wire: wire.stream(wire.delta(content="So")),
    "a stream that breaks": lambda server, wire: [wire.head(), wire.chunk(wire.delta(content="So")), 0.02, server.drop],
    "a stream that falls silent": lambda server, wire: [wire.head(), server.stall],
}


@pytest.fixture
def logged():
    """Everything any logger says, at DEBUG: httpx's and httpcore's too."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


async def outcomes(both: Any, client: Any, ask: dict[str, Any]) -> list[Any]:
    """What comes back of each kind of call: replies and errors."""

    def paid():
        return (yield Call("POST", "/audio/voices", content=b"{}", repeatable=False, timeout=0.1)).trace_id

    stream = client.chat.stream(**ask, timeout=0.1)
    calls = [
        lambda: client.chat.create(**ask, timeout=0.1),
        stream.completion,
        stream.completion,
        lambda: client.files.create(b"sound", filename="a.mp3", timeout=0.1),
        lambda: client.models.list(timeout=0.1),
        lambda: client.run(paid()),
        lambda: client.chat.create(**ask, temperature=9),
    ]
    found: list[Any] = [stream]
    for call in calls:
        try:
            found.append(await both.get(call()))
        except StepFunError as error:
            found.append(error)
    return found


@pytest.mark.usefixtures("naps")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_the_key_is_nowhere(both, server, wire, fault, logged):
    client = both.client(server.answers(fault(server, wire)))
    found = await outcomes(both, client, wire.ask)
    errors = [one for one in found if isinstance(one, BaseException)]
    told = [
        *told_by(client),
        *told_by(copy.deepcopy(client)),
        *(text for one in found for text in told_by(one)),
        *(text for error in errors for text in told_by_error(error)),
        *(repr(pickle.dumps(one)) for one in [client, *errors]),
        logged.getvalue(),
    ]
    assert errors, "what is refused before it is sent is an error at least"
    assert server.requests[0].headers["authorization"] == f"Bearer {wire.key}", "it was used"
    assert "stepfun_client" in logged.getvalue() or "POST" in logged.getvalue(), "something was logged"
    for text in told:
        assert wire.key not in text


@pytest.mark.parametrize("wrong", [{"region": "eu"}, {"max_retries": -1}, {"timeout": -1}])
def test_nor_where_a_client_cannot_be_made(both, wire, wrong):
    with pytest.raises(InvalidParameterError) as raised:
        both.client(**wrong)
    frame = traceback.TracebackException.from_exception(raised.value, capture_locals=True).stack[-2]
    assert frame.name == "__init__"
    assert wire.key not in str(frame.locals)


async def test_nor_in_a_request_that_was_refused_by_the_http_library(both, server, wire, naps):
    client = both.client(server, default_headers={"X-App": "a\nb"})
    with pytest.raises(InvalidParameterError) as raised:
        await both.get(client.models.list())
    assert not any(wire.key in text for text in told_by_error(raised.value))
