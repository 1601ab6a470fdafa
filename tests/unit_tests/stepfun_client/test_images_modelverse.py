"""step1x-edit on modelverse: another host with its own key, where nothing of StepFun's goes (WIRE.md section 10)."""

from __future__ import annotations

import base64
import io
import logging
import pickle
import re
import traceback

import pytest
from PIL import Image
from pydantic import SecretStr

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    ContentFilteredError,
    ContentModerationError,
    InvalidParameterError,
    MissingAPIKeyError,
    NotFoundError,
    Picture,
)
from stepfun_client.api.modelverse import at_modelverse
from stepfun_client.core.settings import Settings

MODEL = "stepfun-ai/step1x-edit"
OTHER_KEY = "mv-modelverse-0123456789abcdef"
ASK = {"model": MODEL, "prompt": "a beautiful flower"}


def drawn(width=64, height=48):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, format="PNG")
    return file.getvalue()


PNG = drawn()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """modelverse's key, where most users keep it."""
    monkeypatch.setenv("MODELVERSE_API_KEY", OTHER_KEY)


@pytest.fixture
def elsewhere(server, monkeypatch):
    """A server that stands for modelverse; StepFun itself is nowhere."""
    monkeypatch.setenv("MODELVERSE_BASE_URL", server.base_url + "/")
    return server


def answer(wire, **entry):
    return wire.reply({"created": 7, "data": [entry or {"url": "https://example.com/a.png"}], "usage": {}})


# On the emulator


@pytest.mark.parametrize("reply", ["url", "b64_json", None])
async def test_it_edits_a_picture(both, emulator, monkeypatch, reply):
    monkeypatch.setenv("MODELVERSE_BASE_URL", emulator.modelverse_url)
    images = both.client(base_url=emulator.base_url).images
    picture = await both.get(images.edit(PNG, **ASK, seed=9_999_999_999, fetch=True, response_format=reply))
    assert (picture.width, picture.height, picture.model) == (64, 48, MODEL)
    assert picture.content != PNG
    assert (picture.url is None) == (reply != "url")


async def test_a_picture_of_stepfuns_is_handed_on_by_its_url(both, emulator):
    images = both.client(base_url=emulator.base_url).images
    first = await both.get(images.generate(model="step-2x-large", prompt="a lake", size="256x256"))
    second = await both.get(images.edit(first, **ASK, base_url=emulator.modelverse_url))
    assert second.content is None
    assert (await both.get(images.fetch(second))).width == 256
    asked = [request.body for request in emulator.requests if request.path.startswith("/modelverse/")]
    assert asked[-1]["image"] == first.url


async def test_a_client_made_for_modelverse_works_too(both, emulator, monkeypatch):
    monkeypatch.delenv("MODELVERSE_API_KEY")
    images = both.client(base_url=emulator.modelverse_url, api_key=OTHER_KEY).images
    assert (await both.get(images.edit(PNG, **ASK, fetch=True))).width == 64


async def test_param_is_the_request_id_and_becomes_the_trace_id(both, emulator):
    images = both.client(base_url=emulator.base_url).images
    with pytest.raises(AuthenticationError, match="this is modelverse's own") as caught:
        await both.get(images.edit(PNG, **ASK, api_key="invalid-key", base_url=emulator.modelverse_url))
    assert re.fullmatch("[0-9a-f]{32}", caught.value.trace_id)
    assert caught.value.param is None
    assert "api.stepfun.com" not in str(caught.value)
    with pytest.raises(ContentModerationError, match="content moderation blocked the request"):
        await both.get(images.edit(PNG, model=MODEL, prompt="censored-by-emulator", base_url=emulator.modelverse_url))


# On the wire


async def test_everything_is_sent_as_the_wire_has_it(both, elsewhere, wire):
    elsewhere.answers(answer(wire))
    params = {
        "negative_prompt": "blurry",
        "steps": 28,
        "guidance_scale": 2.5,
        "seed": -1,
        "response_format": "url",
        "extra_body": {"more": 1},
        "extra_headers": {"x-mine": "1"},
    }
    picture = await both.get(both.client(region="cn").images.edit(PNG, **ASK, **params))
    request = elsewhere.requests[0]
    assert (request.method, request.path, request.headers["x-mine"]) == ("POST", "/v1/images/generations", "1")
    assert request.headers["authorization"] == f"Bearer {OTHER_KEY}"
    assert request.json == {
        **ASK,
        "image": Picture.of(PNG).data_uri(),
        "negative_prompt": "blurry",
        "steps": 28,
        "guidance_scale": 2.5,
        "seed": -1,
        "response_format": "url",
        "more": 1,
    }
    assert (picture.url, picture.created, picture.seed) == ("https://example.com/a.png", 7, None)


async def test_steps_and_guidance_are_left_to_the_service(both, elsewhere, wire):
    elsewhere.answers(answer(wire))
    await both.get(both.client(region="cn").images.edit("https://example.com/a.png", **ASK))
    assert elsewhere.requests[0].json == {**ASK, "image": "https://example.com/a.png"}


async def test_b64_json_may_carry_a_data_prefix(both, elsewhere, wire):
    data = base64.b64encode(PNG).decode()
    elsewhere.answers(
        answer(wire, b64_json=f"data:image/png;base64,{data}", url="https://example.com/a.png"),
        answer(wire, b64_json=data),
    )
    images = both.client(region="cn").images
    first, second = await both.get(images.edit(PNG, **ASK)), await both.get(images.edit(PNG, **ASK))
    assert first.content == second.content == PNG
    assert (first.url, second.url) == ("https://example.com/a.png", None)


@pytest.mark.parametrize("injected", [True, False])
async def test_the_stepfun_key_and_headers_never_go_there(both, elsewhere, wire, monkeypatch, injected):
    monkeypatch.setenv("STEP_API_KEY", wire.key)
    elsewhere.answers(answer(wire))
    headers = {"Authorization": f"Bearer {wire.key}", "X-Api-Key": wire.key, "Cookie": f"a={wire.key}"}
    http_client = both.http(headers=headers, cookies={"b": wire.key}) if injected else None
    client = both.client(region="cn", default_headers={"x-account": wire.key}, http_client=http_client)
    await both.get(client.images.edit(PNG, **ASK))
    request = elsewhere.requests[0]
    assert request.headers["authorization"] == f"Bearer {OTHER_KEY}"
    assert request.headers["user-agent"].startswith("stepfun-integrations/")
    assert wire.key not in str(request)
    if http_client:
        await both.get(http_client.close() if both.kind == "sync" else http_client.aclose())


async def test_the_client_needs_no_stepfun_key(both, elsewhere, wire):
    elsewhere.answers(answer(wire))
    assert (await both.get(both.client(api_key=None).images.edit(PNG, **ASK))).url


async def test_stepfun_calls_are_as_before(both, server, wire, monkeypatch):
    monkeypatch.setenv("MODELVERSE_BASE_URL", "https://nowhere.invalid/v1")
    server.answers(answer(wire))
    await both.get(both.client(server).images.edit(PNG, model="step-1x-edit", prompt="a flower"))
    assert server.requests[0].headers["authorization"] == f"Bearer {wire.key}"
    assert OTHER_KEY not in str(server.requests[0])


async def test_a_call_has_its_own_key_and_address(both, server, wire):
    server.answers(answer(wire))
    images = both.client(region="cn").images
    for given in ("mv-of-this-call", SecretStr("mv-of-this-call")):
        await both.get(images.edit(PNG, **ASK, api_key=given, base_url=server.base_url))
        assert server.requests[-1].headers["authorization"] == "Bearer mv-of-this-call"


async def test_a_missing_key_names_its_variable(both, elsewhere, monkeypatch):
    monkeypatch.delenv("MODELVERSE_API_KEY")
    with pytest.raises(MissingAPIKeyError) as caught:
        await both.get(both.client(region="cn").images.edit(PNG, **ASK))
    assert str(caught.value) == (
        "no modelverse API key: set the environment variable MODELVERSE_API_KEY, or pass api_key=..."
    )
    assert elsewhere.requests == []


def test_where_a_call_goes_and_with_which_key(monkeypatch):
    stepfun = Settings(api_key=SecretStr("sk"), timeout=3, max_retries=1, default_headers={"a": "b"}, plan=True)
    theirs = Settings(api_key=SecretStr("mv"), base_url="https://api.modelverse.cn/v1", default_headers={"a": "b"})
    keyless = Settings(base_url="https://api.modelverse.cn/v1")
    plain = at_modelverse(api_key=None, base_url=None)
    keyed = at_modelverse(api_key=SecretStr("of-the-call"), base_url=None)

    beside = plain.beside(stepfun)
    assert (beside.root, beside.key()) == ("https://api.modelverse.cn/v1", OTHER_KEY)
    assert (beside.timeout, beside.max_retries, beside.default_headers) == (3, 1, {})
    assert plain.beside(theirs) is theirs
    assert keyed.beside(theirs).key() == "of-the-call"
    monkeypatch.setenv("STEP_API_KEY", "sk-of-the-environment")
    assert plain.beside(keyless).key() == OTHER_KEY
    proxy = Settings(api_key=SecretStr("mv"), base_url="https://proxy.example/modelverse/v1")
    assert keyed.beside(proxy).root == "https://proxy.example/modelverse/v1"
    assert pickle.loads(pickle.dumps(beside)).key() == OTHER_KEY
    monkeypatch.setenv("MODELVERSE_BASE_URL", "https://other.example/v1")
    assert plain.beside(stepfun).root == "https://other.example/v1"


# Its errors


def refused(wire, status, message="no", **more):
    error = {"message": message, "type": "some_type", "code": "some_code", "param": "request-id-1", **more}
    return wire.reply({"error": error}, status)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, None),
        (401, "check the key: this is modelverse's own (MODELVERSE_API_KEY, or api_key=...), not StepFun's"),
        (402, "top up the balance at modelverse; StepFun's does not count there"),
        (404, "check the model's name and the address (MODELVERSE_BASE_URL, or base_url=...)"),
        (500, None),
    ],
)
async def test_advice_is_about_modelverse(both, elsewhere, wire, status, hint):
    elsewhere.answers(refused(wire, status))
    with pytest.raises(APIStatusError) as caught:
        await both.get(both.client(region="cn", max_retries=0).images.edit(PNG, **ASK))
    error = caught.value
    assert (error.status_code, error.code, error.trace_id, error.param) == (status, "some_code", "request-id-1", None)
    assert error.hint == hint
    assert error.body["error"]["param"] == "request-id-1"


async def test_without_a_request_id_the_header_counts(both, elsewhere, wire):
    elsewhere.answers(wire.error(400, "some_type"))
    with pytest.raises(APIStatusError) as caught:
        await both.get(both.client(region="cn").images.edit(PNG, **ASK))
    assert caught.value.trace_id == wire.trace_id


async def test_a_filtered_picture_is_an_error_there_too(both, elsewhere, wire):
    elsewhere.answers(answer(wire, finish_reason="content_filtered"))
    with pytest.raises(ContentFilteredError) as caught:
        await both.get(both.client(region="cn").images.edit(PNG, **ASK))
    assert (caught.value.trace_id, "change the prompt" in caught.value.hint) == (wire.trace_id, True)


QUOTES = {
    "in an error": lambda wire: refused(wire, 401, f"bad key {OTHER_KEY}", param=OTHER_KEY),
    "in plain text": lambda wire: wire.reply(f"key {OTHER_KEY}".encode(), 400, content_type="text/plain"),
    "in a reply that cannot be read": lambda wire: wire.reply(f"key {OTHER_KEY}".encode()),
    "in a reply of another shape": lambda wire: wire.reply({"data": OTHER_KEY}),
    "in what should be a picture": lambda wire: answer(wire, b64_json=f"?{OTHER_KEY}"),
    "in its URL": lambda wire: answer(wire, url=f"ftp://{OTHER_KEY}"),
}


@pytest.fixture(params=["of the environment", "of the call"])
def given(request, monkeypatch):
    """Its key, in either place."""
    if request.param == "of the environment":
        return {}
    monkeypatch.delenv("MODELVERSE_API_KEY")
    return {"api_key": OTHER_KEY}


@pytest.fixture(params=QUOTES)
def quoting(request, elsewhere, wire):
    """It quotes its key."""
    elsewhere.answers(QUOTES[request.param](wire))


@pytest.mark.usefixtures("quoting")
async def test_its_key_is_in_no_error_and_no_log(both, caplog, given):
    caplog.set_level(logging.DEBUG)
    client = both.client(region="cn")
    with pytest.raises((APIStatusError, APIResponseError, InvalidParameterError)) as caught:
        await both.get(client.images.edit(PNG, **ASK, fetch=True, response_format="url", **given))
    error = caught.value
    assert OTHER_KEY not in f"{error} {error!r} {vars(error)} {error.args} {error.__cause__!r} {client!r} {caplog.text}"
    if not given:  # else the caller's own frame, this one, holds it
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert OTHER_KEY not in "".join(shown.format())


async def test_an_address_where_nobody_is_is_named(both, monkeypatch, naps):
    monkeypatch.setenv("MODELVERSE_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(APIConnectionError, match=r"POST http://127.0.0.1:9/v1/images/generations") as caught:
        await both.get(both.client(region="cn", max_retries=1).images.edit(PNG, **ASK))
    assert len(naps) == 1
    assert OTHER_KEY not in f"{caught.value} {caught.value.__cause__!r}"


async def test_a_hostile_result_is_refused_there_too(both, emulator):
    images = both.client(base_url=emulator.base_url).images
    headers = {"x-emulator-fault": "hostile-svg"}
    with pytest.raises(APIResponseError, match=r"image/svg\+xml.*the picture was made"):
        await both.get(
            images.edit(
                PNG,
                **ASK,
                base_url=emulator.modelverse_url,
                response_format="url",
                fetch=True,
                extra_headers=headers,
            )
        )


async def test_a_picture_that_is_gone_at_once_is_still_about_the_picture(both, emulator, elsewhere, wire):
    gone = emulator.base_url.removesuffix("/v1") + "/images/none-such.png"
    elsewhere.answers(answer(wire, url=gone))
    client = both.client(base_url=emulator.base_url)
    with pytest.raises(APIStatusError, match="modelverse's after 7") as caught:
        await both.get(client.images.edit(PNG, **ASK, fetch=True, response_format="url"))
    assert not isinstance(caught.value, NotFoundError)
    assert f"is at '{gone}'" in str(caught.value)


REFUSALS = {
    "a seed below -1": ({"seed": -2}, "seed", "greater than or equal to -1"),
    "a seed above 9999999999": ({"seed": 10_000_000_000}, "seed", "less than or equal to 9999999999"),
    "too little guidance": ({"guidance_scale": 0.9}, "guidance_scale", "greater than or equal to 1"),
    "too much guidance": ({"guidance_scale": 10.1}, "guidance_scale", "less than or equal to 10"),
    "no steps": ({"steps": 0}, "steps", "greater than or equal to 1"),
    "cfg_scale": ({"cfg_scale": 2}, "cfg_scale", "guidance_scale=... is its name there"),
    "text_mode": ({"text_mode": True}, "text_mode", "there is none there"),
    "size": ({"size": "512x512"}, "size", "the size the service gives it; if modelverse allows it by now"),
    "width": ({"width": 5, "height": 5}, "width", "the size the service gives it"),
    "no prompt": ({"prompt": ""}, "prompt", "not empty"),
    "a typing error": ({"promt": "a"}, "promt", "no parameter of this call"),
    "a base URL that is none": ({"base_url": "modelverse"}, "base_url", "must begin with https://"),
    "a key that is none": ({"api_key": "mv with blanks"}, "api_key", "no key can hold"),
}


@pytest.mark.parametrize(("params", "param", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_what_is_certain_to_fail_is_refused_before_sending(both, elsewhere, params, param, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)) as caught:
        await both.get(both.client(region="cn").images.edit(PNG, **{**ASK, **params}))
    assert caught.value.param == param
    assert "mv with blanks" not in str(caught.value)
    assert elsewhere.requests == []


async def test_what_is_no_picture_is_refused_before_sending(both, elsewhere):
    with pytest.raises(InvalidParameterError, match="no picture"):
        await both.get(both.client(region="cn").images.edit(b"<svg/>", **ASK))
    assert elsewhere.requests == []


async def test_one_client_does_both(both, server, wire):
    server.answers(answer(wire))
    images = both.client(server).images
    await both.get(images.edit(PNG, model=MODEL, prompt="x" * 3000, base_url=server.base_url))
    await both.get(images.generate(model="step-2x-large", prompt="a lake"))
    keys = {request.json["model"]: request.headers["authorization"] for request in server.requests}
    assert keys == {MODEL: f"Bearer {OTHER_KEY}", "step-2x-large": f"Bearer {wire.key}"}
