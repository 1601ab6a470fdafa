"""Each fault does what its name says, to streams and to whole replies."""

from __future__ import annotations

import collections
import json
import threading
import time

import httpx
import pytest

import stepfun_emulator

CHINESE = "只回复你好，世界"


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def stream(http):
    """Open a stream under a fault and give its body, read until it ends or fails."""

    def read(fault: str, question: str = CHINESE) -> tuple[bytes, Exception | None]:
        body = {"model": "step-3.5-flash", "messages": [{"role": "user", "content": question}], "stream": True}
        content = b""
        with http.stream("POST", "/chat/completions", json=body, headers={"x-emulator-fault": fault}) as response:
            assert response.status_code == 200
            try:
                for part in response.iter_bytes():
                    content += part
            except httpx.HTTPError as error:
                return content, error
        return content, None

    return read


@pytest.fixture
def calculator(tool):
    return tool("calculator", "Evaluate an expression", expression={"type": "string"})


def test_rate_limit_has_no_retry_after(ask):
    response = ask("Hi", fault="rate-limit")
    assert response.status_code == 429
    assert response.json()["error"]["type"] == "rate_limited"
    assert "retry-after" not in response.headers
    assert len(response.headers["x-trace-id"]) == 32


def test_rate_limit_retry_after(ask):
    response = ask("Hi", fault="rate-limit-retry-after", stream=True)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"


def test_flaky_fails_twice_for_each_request(ask):
    for question in ("one", "two"):
        assert [ask(question, fault="flaky").status_code for _ in range(4)] == [503, 503, 200, 503]


def test_overloaded_is_always_503(ask):
    assert [ask("Hi", fault="overloaded", stream=streamed).status_code for streamed in (False, True)] == [503, 503]


def test_timeout_503(ask):
    response = ask("Hi", fault="timeout-503")
    assert response.status_code == 503
    assert "10 minutes" in response.json()["error"]["message"]


def test_html_error_is_a_gateway_page(ask):
    response = ask("Hi", fault="html-error")
    assert response.status_code == 502
    assert response.headers["content-type"].startswith("text/html")
    assert "<center>nginx</center>" in response.text
    assert "x-trace-id" not in response.headers


@pytest.mark.parametrize("streamed", [False, True])
def test_drop_connection(ask, streamed):
    with pytest.raises(httpx.RemoteProtocolError):
        ask("Hi", fault="drop-connection", stream=streamed)


def test_cut_stream_ends_after_three_events(stream):
    content, error = stream("cut-stream")
    assert error is None
    assert content.count(b"data: ") == 3
    assert content.endswith(b"\n\n")


@pytest.mark.parametrize("fault", ["cut-stream", "cut-connection", "cut-before-first"])
def test_whole_replies_are_cut_short_of_their_length(ask, fault):
    with pytest.raises(httpx.RemoteProtocolError):
        ask("Hi", fault=fault)


def test_cut_connection_ends_inside_an_event(stream):
    content, error = stream("cut-connection")
    assert isinstance(error, httpx.RemoteProtocolError)
    assert content.count(b"data: ") == 4
    assert not content.endswith(b"\n\n")


def test_cut_before_first_is_an_empty_stream(stream):
    assert stream("cut-before-first") == (b"", None)


def test_garbage(ask, stream):
    whole = ask("Hi", fault="garbage")
    assert whole.status_code == 200
    with pytest.raises(ValueError, match=r".+"):
        whole.json()
    content, error = stream("garbage")
    assert error is None
    lines = [line for line in content.split(b"\n\n") if line not in (b"", b"data: [DONE]")]
    broken = []
    for line in lines:
        try:
            json.loads(line.removeprefix(b"data: "))
        except ValueError:
            broken.append(line)
    assert len(broken) == 1


def test_error_in_stream(ask, stream):
    content, error = stream("error-in-stream")
    assert error is None
    *_, last, end = content.split(b"\n\n")
    assert end == b""
    assert json.loads(last.removeprefix(b"data: "))["error"]["type"] == "server_error"
    whole = ask("Hi", fault="error-in-stream")
    assert whole.status_code == 200
    assert whole.json()["error"]["message"]


def test_no_done(stream):
    content, error = stream("no-done")
    assert error is None
    assert b'"finish_reason":"stop"' in content
    assert b"[DONE]" not in content


def test_slow_trickles_by_the_delay():
    with stepfun_emulator.running(fault="slow", delay=0.01) as base_url:
        started = time.monotonic()
        body = {"model": "step-2-mini", "messages": [{"role": "user", "content": "只回复你好"}], "stream": True}
        response = httpx.post(f"{base_url}/chat/completions", json=body, headers={"authorization": "Bearer a"})
        assert response.text.endswith("data: [DONE]\n\n")
        assert time.monotonic() - started > 0.01 * 4 * response.text.count("data: ") * 0.9


@pytest.mark.parametrize(("fault", "arrives"), [("stall", 0), ("stall-after-first", 2)])
@pytest.mark.parametrize("streamed", [False, True])
def test_stall_is_silent_and_ends_with_the_client(emulator, fault, arrives, streamed):
    body = {"model": "step-3.5-flash", "messages": [{"role": "user", "content": "Hi"}], "stream": streamed}
    headers = {"authorization": "Bearer a", "x-emulator-fault": fault}
    content = bytearray()
    with (
        httpx.Client(base_url=emulator.base_url, headers=headers, timeout=0.1) as client,
        client.stream("POST", "/chat/completions", json=body) as response,
    ):
        assert response.status_code == 200
        assert emulator.open_streams == streamed
        parts = response.iter_bytes()
        with pytest.raises(httpx.ReadTimeout):
            collections.deque(map(content.extend, parts))
    assert (content.count(b"data: ") == arrives) if streamed else (bool(content) == bool(arrives))
    wait_until(lambda: emulator.open_streams == 0)


@pytest.mark.parametrize("fault", ["one-byte", "odd-chunks"])
def test_borders_anywhere_change_no_byte(ask, events, stream, fault):
    content, error = stream(fault)
    assert error is None
    deltas = [json.loads(line[6:]) for line in content.decode().split("\n\n") if line.startswith("data: {")]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in deltas) == "你好，世界"
    assert ask(CHINESE, fault=fault).json()["choices"][0]["message"]["content"] == "你好，世界"


def test_one_byte_is_a_network_chunk_of_its_own(http):
    body = {"model": "step-2-mini", "messages": [{"role": "user", "content": CHINESE}], "stream": True}
    headers = {"x-emulator-fault": "one-byte"}
    with http.stream("POST", "/chat/completions", json=body, headers=headers) as response:
        assert {len(part) for part in response.iter_raw()} == {1}


def test_odd_chunks_split_characters(http):
    body = {
        "model": "step-2-mini",
        "messages": [{"role": "user", "content": "只回复" + "你好世界" * 30}],
        "stream": True,
    }
    headers = {"x-emulator-fault": "odd-chunks"}
    with http.stream("POST", "/chat/completions", json=body, headers=headers) as response:
        parts = list(response.iter_raw())

    def splits(part: bytes) -> bool:
        try:
            part.decode()
        except UnicodeDecodeError:
            return True
        return False

    assert any(map(splits, parts))


def test_crlf_has_a_mark_comments_and_crlf(ask, stream):
    content, error = stream("crlf")
    assert error is None
    assert content.startswith(b"\xef\xbb\xbf: welcome\r\n\r\n")
    assert b"\r\n: keep-alive\r\n" in content
    assert content.replace(b"\r\n", b"").count(b"\n") == 0
    assert ask("只回复好", fault="crlf").json()["choices"][0]["message"]["content"] == "好"


def test_tool_whole_sends_each_call_in_one_delta(ask, events, calculator):
    asked = {"tools": [calculator], "stream": True}
    plain = events(ask("Compute 3 + 4 and 5 * 6", **asked))
    assert len(deltas_of(plain)) > 2
    (first,), (second,) = deltas_of(events(ask("Compute 3 + 4 and 5 * 6", fault="tool-whole", **asked)))
    assert json.loads(first["function"]["arguments"]) == {"expression": "3 + 4"}
    assert json.loads(second["function"]["arguments"]) == {"expression": "5 * 6"}
    assert (first["index"], second["index"]) == (0, 1)


def test_tool_no_index(ask, events, calculator):
    asked = {"tools": [calculator], "fault": "tool-no-index"}
    calls = [call for calls in deltas_of(events(ask("Compute 3 + 4", stream=True, **asked))) for call in calls]
    assert all("index" not in call for call in calls)
    assert len({call["id"] for call in calls}) == 1
    message = ask("Compute 3 + 4", **asked).json()["choices"][0]["message"]
    assert "index" not in message["tool_calls"][0]
    assert ask("Hi", **asked).json()["choices"][0]["message"]["content"]


def test_tool_repeated_id(ask, events, calculator):
    asked = {"tools": [calculator], "fault": "tool-repeated-id", "stream": True}
    calls = [call for calls in deltas_of(events(ask("Compute 123456 + 987654", **asked))) for call in calls]
    ids = [call["id"] for call in calls]
    assert ids[0] == ids[1] != ""
    assert ids[2] == ""


def test_tool_faults_leave_a_server_tool_alone(ask, events):
    searching = {"type": "web_search", "function": {"description": "search"}}
    chunks = events(ask("latest news", tools=[searching], stream=True, fault="tool-no-index"))
    (call,) = deltas_of(chunks)[0]
    assert call["index"] == 0
    assert call["results"]


def test_finish_empty(ask, events):
    asked = {"stream": True, "stream_options": {"include_usage": True}, "fault": "finish-empty"}
    first, *middle, last, usage = events(ask("Hi", **asked))
    assert first["created"] == 0
    assert first["usage"]["total_tokens"] == 0
    assert all(chunk["choices"][0]["finish_reason"] == "" for chunk in [first, *middle])
    assert all(chunk["choices"][0]["delta"]["role"] == "" for chunk in [first, *middle, last])
    assert last["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []


def test_reasoning_only(ask, events):
    asked = {"stream": True, "stream_options": {"include_usage": True}, "fault": "reasoning-only"}
    chunks = events(ask("Hi", **asked))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert any("reasoning" in delta for delta in deltas)
    assert not any("reasoning_content" in delta for delta in deltas)
    message = ask("Hi", fault="reasoning-only").json()["choices"][0]["message"]
    assert "reasoning" in message
    assert "reasoning_content" not in message


def deltas_of(chunks):
    deltas = (chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"])
    return [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]


def test_a_fault_of_the_server_befalls_every_request():
    with (
        stepfun_emulator.running(fault="overloaded") as base_url,
        httpx.Client(base_url=base_url, headers={"authorization": "Bearer a"}) as client,
    ):
        assert client.get("/models").status_code == 503
        assert client.get("/models", headers={"x-emulator-fault": "none"}).status_code == 200
        assert client.get("/models", headers={"x-emulator-fault": "rate-limit"}).status_code == 429


def test_an_unknown_fault_is_refused(ask):
    response = ask("Hi", fault="earthquake")
    assert response.status_code == 400
    assert "cut-stream" in response.json()["error"]["message"]
    with pytest.raises(ValueError, match="earthquake"):
        stepfun_emulator.create_app(fault="earthquake")


def test_refusals_pass_through_a_broken_line(ask):
    assert ask("Hi", model="none", fault="cut-stream").status_code == 404


def test_a_fault_befalls_unknown_paths_too(emulator):
    response = httpx.get(emulator.base_url.removesuffix("/v1") + "/none", headers={"x-emulator-fault": "overloaded"})
    assert response.status_code == 503


def test_every_fault_is_summarised():
    assert all(name == fault.name and fault.summary for name, fault in stepfun_emulator.FAULTS.items())


def test_faults_do_not_disturb_others(ask):
    threads = [threading.Thread(target=ask, args=("Hi",), kwargs={"fault": "slow"}) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert ask("Hi").status_code == 200
    for thread in threads:
        thread.join()
