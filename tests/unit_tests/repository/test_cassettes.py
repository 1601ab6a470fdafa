"""Cassettes: what is in the files of `tests/cassettes`, and that a recording plays back what was recorded."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import vcr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.request import Request

from langchain_stepfun import ChatStepFun
from stepfun_client import AsyncStepFunClient, StepFunClient
from tests.tape import MATCH_ON, Persister, Source

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

TESTS = Path(__file__).parents[2]
CASSETTES = sorted((TESTS / "cassettes").rglob("*.yaml"))
KEY = "sk-the-key-of-a-recording"
QUESTION = [{"role": "user", "content": "乘法: what is 6 * 7?"}]


# --- The files -------------------------------------------------------------------------------------------------------


def test_there_are_cassettes() -> None:
    assert CASSETTES


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_cassette_says_where_and_when_it_was_recorded_and_nothing_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    cassette = yaml.safe_load(text)

    assert cassette["origin"] in ("emulator", "live")
    assert isinstance(cassette["recorded"], dt.date)
    assert cassette["interactions"]
    for interaction in cassette["interactions"]:
        assert re.match(r"https://api\.(stepfun\.(com|ai)|modelverse\.cn)/", interaction["request"]["uri"])
        assert set(interaction["request"]["headers"]) <= {"content-type"}
        assert set(interaction["response"]["headers"]) <= {"content-type", "retry-after", "x-trace-id"}
    for secret in ("authorization", "bearer ", "cookie", "x-api-key", "127.0.0.1"):
        assert secret not in text.lower()
    assert not re.search(r"\bsk-[a-z0-9]", text)


# --- The recorder ----------------------------------------------------------------------------------------------------


def recorder(source: Source, record_mode: str) -> vcr.VCR:
    made = vcr.VCR(record_mode=record_mode)
    made.register_persister(Persister(source))
    return made


def record(path: Path, emulator: Emulator, **headers: str) -> list[dict]:
    source = Source("emulator", emulator.base_url, KEY)
    with (
        recorder(source, "new_episodes").use_cassette(str(path), **source.vcr_config()),
        StepFunClient(KEY, base_url=emulator.base_url, default_headers=headers) as client,
    ):
        return list(client.chat.stream(model="step-3.7-flash", messages=QUESTION))


def player(path: Path):
    """The cassette, played without emulator or network: clients talk to the real host."""
    source = Source("emulator")
    return recorder(source, "none").use_cassette(str(path), **source.vcr_config())


@pytest.mark.parametrize("fault", ["none", "crlf"])
def test_what_was_recorded_from_the_emulator_is_played_for_the_real_host(
    tmp_path: Path, emulator: Emulator, fault: str
) -> None:
    path = tmp_path / "stream.yaml"
    recorded = record(path, emulator, **{"x-emulator-fault": fault})

    with player(path), StepFunClient("another") as client:
        assert list(client.chat.stream(model="step-3.7-flash", messages=QUESTION)) == recorded
    text = path.read_text("utf-8")
    assert KEY not in text
    assert "127.0.0.1" not in text
    assert "乘法" in text  # people read cassettes


async def test_a_cassette_plays_for_the_asynchronous_client_and_for_langchain_too(
    tmp_path: Path, emulator: Emulator
) -> None:
    path = tmp_path / "stream.yaml"
    recorded = record(path, emulator)

    with player(path):
        async with AsyncStepFunClient("another") as client:
            stream = client.chat.stream(model="step-3.7-flash", messages=QUESTION)
            assert [chunk async for chunk in stream] == recorded
        texts = [chunk.text for chunk in ChatStepFun(api_key="any").stream(QUESTION[0]["content"])]
    assert "42" in "".join(texts)


def test_a_request_that_was_not_recorded_is_refused(tmp_path: Path, emulator: Emulator) -> None:
    record(tmp_path / "stream.yaml", emulator)

    with (
        player(tmp_path / "stream.yaml"),
        StepFunClient("any") as client,
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        client.chat.create(model="step-3.7-flash", messages=QUESTION)  # recorded was a stream


def test_an_upload_is_played_though_its_boundary_is_another_each_time(tmp_path: Path, emulator: Emulator) -> None:
    path, source = tmp_path / "upload.yaml", Source("emulator", emulator.base_url, KEY)

    def upload(client: StepFunClient) -> str:
        return client.files.create(b"\x00\xff\r\n", filename="a.txt", purpose="file-extract").id

    with (
        recorder(source, "new_episodes").use_cassette(str(path), **source.vcr_config()),
        StepFunClient(KEY, base_url=emulator.base_url) as client,
    ):
        recorded = upload(client)
    with player(path), StepFunClient("any") as client:
        assert upload(client) == recorded


def test_ids_that_a_client_makes_at_random_are_numbered() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    body = f'{{"calls": ["{one}", "{other}"], "answers": ["{other}"]}}'.encode()

    harmless = Source("live").harmless_request(Request("POST", "https://api.stepfun.com/v1/x", body, {}))

    first, second = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    assert harmless.body.decode() == f'{{"calls": ["{first}", "{second}"], "answers": ["{second}"]}}'
    assert Source("live").harmless_request(harmless).body == harmless.body


def test_a_cassette_with_the_key_in_it_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "leak.yaml"
    source = Source("live", key=KEY)

    def quote_the_key(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=f"wrong key {KEY}")

    with (
        pytest.raises(ValueError, match="the API key is in it"),
        recorder(source, "new_episodes").use_cassette(str(path), **source.vcr_config()),
        httpx.Client(transport=httpx.MockTransport(quote_the_key)) as client,
    ):
        client.get("https://api.stepfun.com/v1/models", headers={"Authorization": f"Bearer {KEY}"})
    assert not path.exists()


@given(
    body=st.binary() | st.text().map(str.encode) | st.text("\r\n\t :|-#é\ufeff\x85\u2028", max_size=30).map(str.encode)
)
def test_any_body_is_read_again_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = str(tmp_path_factory.getbasetemp() / "any-body.yaml")
    request = Request("POST", "https://api.stepfun.com/v1/x", body, {})
    response = {"status": {"code": 200, "message": "OK"}, "headers": {"a": ["b"]}, "body": {"string": body}}

    Persister(Source("emulator")).save_cassette(path, {"requests": [request], "responses": [response]})

    requests, responses = Persister.load_cassette(path)
    assert (requests[0].body or b"") == body
    assert responses == [response]


def test_headers_are_kept_by_a_list_of_harmless_ones() -> None:
    source = Source("live", base_url="https://api.stepfun.ai/v1")
    request = Request(
        "POST",
        "https://api.stepfun.ai/v1/models?limit=1",
        b"{}",
        {"Authorization": "Bearer x", "X-Api-Key": "x", "Cookie": "x", "Content-Type": "application/json"},
    )
    response = {"status": {}, "headers": {"Set-Cookie": ["x"], "X-Trace-Id": ["abc"]}, "body": {"string": b""}}

    harmless = source.harmless_request(request)

    assert harmless.uri == "https://api.stepfun.com/v1/models?limit=1"
    assert dict(harmless.headers) == {"content-type": "application/json"}
    assert Source("live").harmless_response(response)["headers"] == {"x-trace-id": ["abc"]}
    assert "body" in MATCH_ON


def test_what_is_asked_of_modelverse_is_stored_under_its_own_host(emulator: Emulator) -> None:
    source = Source("emulator", emulator.base_url, "any", emulator.modelverse_url, "any")
    made = f"{emulator.base_url.removesuffix('/v1')}/generated/1.png".encode()

    asked = source.harmless_request(Request("POST", f"{emulator.modelverse_url}/images/generations", b"{}", {}))
    reply = source.harmless_response({"status": {}, "headers": {}, "body": {"string": made}})

    assert asked.uri == "https://api.modelverse.cn/v1/images/generations"
    assert reply["body"]["string"] == b"https://api.stepfun.com/generated/1.png"


@pytest.mark.parametrize("key", ["", "any"])
def test_what_is_on_modelverse_is_recorded_live_only_with_its_key_and_else_skipped(key: str) -> None:
    on_modelverse = [path for path in CASSETTES if "https://api.modelverse.cn" in path.read_text("utf-8")]
    modules = sorted(TESTS.glob("unit_tests/*/test_recorded.py"))
    # The plan only: no test runs, so that nothing is sent and no cassette is touched.
    command = [sys.executable, "-m", "pytest", "-n", "0", "-rs", "--record", "--setup-plan", "-m", "modelverse"]
    environment = {**os.environ, "STEP_API_KEY": "any", "MODELVERSE_API_KEY": key}

    planned = subprocess.run(
        [*command, *map(str, modules)], cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=True
    ).stdout

    assert on_modelverse
    assert (f"{len(on_modelverse)} skipped" in planned) is (not key)
    assert ("set MODELVERSE_API_KEY" in planned) is (not key)


@pytest.mark.parametrize("key", ["STEPFUN", "MODELVERSE"])
def test_a_cassette_with_either_key_in_it_is_not_written(tmp_path: Path, key: str) -> None:
    source = Source("live", key="STEPFUN", modelverse_key="MODELVERSE")
    request = Request("POST", "https://api.stepfun.com/v1/models", f"my {key}".encode(), {})

    with pytest.raises(ValueError, match="the API key is in it"):
        Persister(source).save_cassette(
            str(tmp_path / "a.yaml"),
            {"requests": [request], "responses": [{"status": {}, "headers": {}, "body": {"string": b""}}]},
        )
    assert list(tmp_path.iterdir()) == []
