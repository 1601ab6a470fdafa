"""Starting, stopping, and what the emulator remembers."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import stepfun_emulator
from stepfun_emulator.__main__ import main
from stepfun_emulator.journal import Journal, Received

HEADERS = {"authorization": "Bearer secret-key", "x-api-key": "secret-key"}
BODY = {"model": "step-2-mini", "messages": [{"role": "user", "content": "Hi"}]}


def test_running_gives_a_plain_base_url():
    with stepfun_emulator.running() as base_url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", base_url)
        assert type(base_url) is str


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "Cookie"])
def test_what_it_logs_of_a_handshake_holds_no_key(caplog, header):
    caplog.set_level(logging.DEBUG)
    with stepfun_emulator.running() as base_url:
        url = f"{base_url.replace('http', 'ws', 1)}/realtime/audio?model=step-tts-2"
        with contextlib.suppress(InvalidStatus), connect(url, additional_headers={header: "Bearer sk-of-mine"}):
            pass
    logged = [record.getMessage().lower() for record in caplog.records if record.name == "uvicorn.error"]
    assert f"< {header}: ***".lower() in logged
    assert "sk-of-mine" not in "".join(logged)


def test_it_starts_and_stops_quickly():
    started = time.monotonic()
    for _ in range(5):
        with stepfun_emulator.running() as base_url:
            assert httpx.get(f"{base_url}/models", headers=HEADERS).status_code == 200
    assert time.monotonic() - started < 2.5


def test_it_stops_with_streams_open_and_leaves_nothing_behind():
    before = threading.active_count()
    started = time.monotonic()
    with httpx.Client(headers=HEADERS) as client:
        with stepfun_emulator.serving(fault="stall") as emulator:
            request = client.build_request(
                "POST", f"{emulator.base_url}/chat/completions", json={**BODY, "stream": True}
            )
            responses = [client.send(request, stream=True) for _ in range(3)]
            assert emulator.open_streams == 3
            assert emulator.connections == 3
        assert emulator.open_streams == 0
        for response in responses:
            with pytest.raises(httpx.HTTPError):
                response.read()
            response.close()
    assert time.monotonic() - started < 2
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(emulator.base_url)


def test_a_given_port_is_used_and_freed():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with stepfun_emulator.running(port=port) as base_url:
            assert f":{port}/" in base_url


def test_a_taken_port_is_an_error_at_once():
    with stepfun_emulator.running() as base_url:
        taken = int(base_url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match=r"[Aa]ddress"), stepfun_emulator.running(port=taken):
            pass


def test_two_emulators_share_nothing():
    with stepfun_emulator.serving() as one, stepfun_emulator.serving() as other:
        httpx.get(f"{one.base_url}/models", headers=HEADERS)
        assert len(one.requests) == 1
        assert other.requests == []


def test_requests_are_remembered_without_keys():
    with stepfun_emulator.serving() as emulator:
        httpx.post(f"{emulator.base_url}/chat/completions", json=BODY, headers={**HEADERS, "x-mine": "yes"})
        httpx.get(f"{emulator.base_url}/models", headers=HEADERS)
        (method, path, headers, body), second = emulator.requests
        assert (method, path, body) == ("POST", "/v1/chat/completions", BODY)
        assert headers["x-mine"] == "yes"
        assert "secret-key" not in json.dumps(emulator.requests)
        assert second.body is None


def test_the_journal_keeps_the_last_requests_only():
    journal = Journal()
    for number in range(1500):
        journal.note(Received("GET", str(number), {}, None))
    assert len(journal.requests) <= 1000
    assert journal.requests[-1].path == "1499"


def test_a_stream_is_open_until_the_client_leaves():
    with stepfun_emulator.serving(delay=0.05) as emulator, httpx.Client(headers=HEADERS) as client:
        asked = {**BODY, "messages": [{"role": "user", "content": "Write 500 words"}], "stream": True}
        with client.stream("POST", f"{emulator.base_url}/chat/completions", json=asked) as response:
            parts = response.iter_bytes()
            next(parts)
            assert emulator.open_streams == 1
        end = time.monotonic() + 5
        while emulator.open_streams:
            assert time.monotonic() < end
            time.sleep(0.005)


def test_a_long_stream_is_stopped_when_the_client_leaves():
    with stepfun_emulator.serving() as emulator, httpx.Client(headers=HEADERS) as client:
        asked = {**BODY, "messages": [{"role": "user", "content": "Write 20000 words"}], "stream": True}
        with client.stream("POST", f"{emulator.base_url}/chat/completions", json=asked) as response:
            parts = response.iter_bytes()
            next(parts)
        end = time.monotonic() + 5
        while emulator.open_streams:
            assert time.monotonic() < end
            time.sleep(0.005)


def test_streams_are_served_side_by_side():
    with stepfun_emulator.serving(delay=0.02) as emulator, httpx.Client(headers=HEADERS) as client:
        asked = {**BODY, "stream": True}
        with client.stream("POST", f"{emulator.base_url}/chat/completions", json=asked) as response:
            parts = response.iter_bytes()
            next(parts)
            assert httpx.get(f"{emulator.base_url}/models", headers=HEADERS).status_code == 200
            assert emulator.open_streams == 1
            assert b"[DONE]" in b"".join(parts)


def test_the_app_works_under_another_server():
    client = TestClient(stepfun_emulator.create_app(), headers=HEADERS)
    assert client.post("/v1/chat/completions", json=BODY).status_code == 200
    with pytest.raises(ConnectionAbortedError):
        client.post("/v1/chat/completions", json=BODY, headers={"x-emulator-fault": "drop-connection"})


def test_the_lifespan_of_another_server_is_understood():
    with TestClient(stepfun_emulator.create_app(), headers=HEADERS) as client:
        assert client.get("/v1/models").status_code == 200


def test_help_lists_the_faults(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in stepfun_emulator.FAULTS)


def test_importing_it_loads_neither_numpy_nor_soundfile():
    program = "import stepfun_emulator, sys; print({'numpy', 'soundfile', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_old_bodies_are_shortened_where_much_came_in():
    journal = Journal()
    picture = {"kind": "picture", "parts": [{"data": "x" * 900_000}], "n": 1}
    for number in range(40):
        body = {"at": number, **picture}
        journal.note(Received("POST", "/", {}, body), len(json.dumps(body)))
    assert journal.requests[-1].body == {"at": 39, **picture}
    assert journal.requests[-15].body == {"at": 25, **picture}
    assert journal.requests[0].body == {"at": 0, **picture, "parts": [{"data": "x" * 100 + "… <900000 characters>"}]}
    assert sum(len(json.dumps(one.body)) for one in journal.requests) < 17 * 1024 * 1024


@pytest.mark.parametrize("nested", [False, True])
def test_of_an_old_body_that_cannot_be_shortened_the_length_is_kept(nested):
    journal = Journal()
    body: list = list(range(10_000))
    for _ in range(5000 if nested else 1):
        body = [body]
    for _ in range(2):
        journal.note(Received("POST", "/", {}, body), 17_000_000)
    assert journal.requests[0].body == "<17000000 bytes of JSON>"
    assert journal.requests[1].body is body


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"n": NaN}'])
def test_what_is_no_json(content):
    with stepfun_emulator.running() as base_url:
        answer = httpx.post(f"{base_url}/search", content=content, headers=HEADERS)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "the body is not valid JSON")


def test_a_text_that_could_not_be_quoted_is_refused():
    half, pair = b'{"query": "\\ud83d", "n": 1}', b'{"query": "\\ud83d\\ude00", "n": 1}'
    with stepfun_emulator.running() as base_url, httpx.Client(base_url=base_url, headers=HEADERS) as client:
        assert client.post("/search", content=pair).json()["query"] == "😀"
        for path in ("/search", "/chat/completions", "/messages", "/responses"):
            refused = client.post(path, content=half)
            assert (refused.status_code, "surrogate" in refused.json()["error"]["message"]) == (400, True)


def test_a_taken_port_is_told_in_one_line(capsys):
    with stepfun_emulator.running() as base_url:
        taken = base_url.split(":")[2].split("/")[0]
        with pytest.raises(SystemExit) as ended:
            main(["--port", taken])
    assert re.fullmatch(rf"cannot listen on port {taken}: [Aa]ddress.*--port 0: a free one\)", str(ended.value.code))


def test_a_port_out_of_range_is_told_by_the_usage(capsys):
    with pytest.raises(SystemExit):
        main(["--port", "65536"])
    assert "a port is a number from 0 to 65535, not 65536" in capsys.readouterr().err


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_as_a_program_it_prints_its_url_and_ends_when_told(ended_by):
    command = [sys.executable, "-m", "stepfun_emulator", "--port", "0", "--fault", "overloaded"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", base_url)
        assert httpx.get(f"{base_url}/models", headers=HEADERS).status_code == 503
        process.send_signal(ended_by)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_main_serves_until_it_is_told_to_end(capsys, monkeypatch, number):
    handler = signal.getsignal(number)
    given = {}

    @contextlib.contextmanager
    def running(**options):
        given.update(options)
        yield "http://127.0.0.1:1/v1"

    def printed(*_, **__):
        sys.stdout.write("ready")
        signal.raise_signal(number)

    monkeypatch.setattr("stepfun_emulator.__main__.running", running)
    monkeypatch.setattr("builtins.print", printed)
    main(["--port", "0", "--lenient", "--fault", "slow", "--delay", "0.5"])
    assert capsys.readouterr().out == "ready"
    assert given == {"port": 0, "fault": "slow", "lenient": True, "delay": 0.5}
    assert signal.getsignal(number) is handler
