"""step1x-edit on modelverse (WIRE.md section 10): another prefix, another shape of errors."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openai import OpenAI

from stepfun_emulator.images import painting
from stepfun_emulator.images.gallery import Gallery
from stepfun_emulator.images.painting import Painted
from stepfun_emulator.pictures import decode_png, size_of

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

MODEL = "stepfun-ai/step1x-edit"


@pytest.fixture(scope="module")
def flag(painted: Callable[..., bytes]) -> bytes:
    return painted(90, 60, (0, 0, 45, 60, (220, 30, 30)), (45, 0, 90, 60, (30, 60, 210)))


@pytest.fixture(scope="module")
def host(emulator: Emulator) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer another-key"}
    with httpx.Client(base_url=emulator.modelverse_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def edit(host: httpx.Client, flag: bytes, data_uri) -> Callable[..., httpx.Response]:
    def send(*, key: str = "another-key", fault: str = "none", **fields: Any) -> httpx.Response:
        body = {"model": MODEL, "prompt": "a beautiful flower", "image": data_uri(flag, "image/png"), **fields}
        headers = {"authorization": f"Bearer {key}", "x-emulator-fault": fault}
        return host.post("/images/generations", json=body, headers=headers)

    return send


def png(response: httpx.Response) -> bytes:
    assert response.status_code == 200, response.text
    prefix, _, encoded = response.json()["data"][0]["b64_json"].partition(",")
    assert prefix == "data:image/png;base64"
    return base64.b64decode(encoded, validate=True)


def test_the_reply_has_a_url_and_usage_and_no_seed(edit, flag):
    reply = edit(negative_prompt="blurry, low quality").json()
    assert set(reply) == {"created", "data", "usage"}
    [entry] = reply["data"]
    assert set(entry) == {"url"}
    picture = httpx.get(entry["url"], trust_env=False).content
    assert size_of("png", picture) == (90, 60)
    assert decode_png(picture) != decode_png(flag)


def test_b64_json_carries_a_data_prefix(edit):
    assert size_of("png", png(edit(response_format="b64_json"))) == (90, 60)


def test_a_seed_repeats_and_minus_one_or_none_is_random(edit):
    def drawn(**fields: Any) -> bytes:
        return png(edit(response_format="b64_json", **fields))

    assert drawn(seed=9_999_999_999) == drawn(seed=9_999_999_999) != drawn(seed=0)
    assert drawn(seed=-1) != drawn(seed=-1)
    assert drawn() != drawn()


def test_steps_guidance_scale_and_negative_prompt_are_seen(edit):
    asked = {"response_format": "b64_json", "seed": 1}
    plain = png(edit(**asked))
    for more in ({"steps": 1}, {"guidance_scale": 10}, {"negative_prompt": "blurry"}):
        assert png(edit(**asked, **more)) != plain
    assert png(edit(**asked, steps=28, guidance_scale=2.5)) == plain


def test_an_image_by_url_is_fetched_from_the_loopback(edit):
    first = edit().json()["data"][0]["url"]
    assert edit(image=first).status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "kind", "named"),
    [
        ({"model": "step-image-edit-2"}, 404, "model_invalid", "step-image-edit-2"),
        ({"model": None}, 400, "request_params_invalid", "model"),
        ({"prompt": ""}, 400, "request_params_invalid", "prompt"),
        ({"image": None}, 400, "request_params_invalid", "image"),
        ({"image": ["a", "b"]}, 400, "request_params_invalid", "image"),
        ({"image": "http://somewhere.invalid/a.png"}, 400, "input_invalid", "Cannot fetch the content"),
        ({"image": "data:image/png;base64,AAAA"}, 400, "input_invalid", "image"),
        ({"seed": -2}, 400, "request_params_invalid", "seed"),
        ({"seed": 10_000_000_000}, 400, "request_params_invalid", "seed"),
        ({"guidance_scale": 0.5}, 400, "request_params_invalid", "guidance_scale"),
        ({"guidance_scale": 10.5}, 400, "request_params_invalid", "guidance_scale"),
        ({"steps": 0}, 400, "request_params_invalid", "steps"),
        ({"negative_prompt": 1}, 400, "request_params_invalid", "negative_prompt"),
        ({"response_format": "png"}, 400, "request_params_invalid", "response_format"),
        ({"cfg_scale": 2}, 400, "request_params_invalid", "cfg_scale"),
        ({"size": "1024x1024"}, 400, "request_params_invalid", "size"),
        ({"key": "invalid-key"}, 401, "invalid_api_key", "key"),
        ({"key": "broke"}, 402, "quota_exceeded", "quota"),
        ({"prompt": "censored-by-emulator"}, 451, "censorship_blocked", "blocked"),
    ],
)
def test_the_param_of_an_error_is_the_request_id(edit, fields, status, kind, named):
    response = edit(**fields)
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert (error["type"], error["code"]) == (kind, kind)
    assert named in error["message"]
    assert re.fullmatch(r"[0-9a-f]{32}", error["param"])
    assert error["param"] != edit(**fields).json()["error"]["param"]


def test_what_is_not_json_is_refused(host):
    assert host.post("/images/generations", content=b"{").json()["error"]["code"] == "request_params_invalid"


def test_there_are_no_headers_of_stepfun(edit):
    assert "x-trace-id" not in edit().headers


def test_it_is_not_among_stepfuns_models(http):
    assert MODEL not in {model["id"] for model in http.get("/models").json()["data"]}
    assert http.post("/images/generations", json={"model": MODEL, "prompt": "x"}).status_code == 404


def test_hostile_results_come_here_too(edit):
    assert edit(fault="hostile-endless").json()["data"][0]["url"].endswith("/hostile/endless.png")


def test_the_seeds_openai_sample_works(emulator, flag, data_uri):
    with OpenAI(base_url=emulator.modelverse_url, api_key="any", max_retries=0) as client:
        reply = client.images.generate(
            model=MODEL,
            prompt="a beautiful flower",
            extra_body={"image": data_uri(flag, "image/png"), "negative_prompt": "blurry, low quality"},
        )
    assert reply.data is not None
    assert size_of("png", httpx.get(reply.data[0].url or "", trust_env=False).content) == (90, 60)


# --- what the pictures are kept in -----------------------------------------------------------------------------------


def test_a_gallery_keeps_the_newest_and_a_picture_once():
    gallery = Gallery(most_pictures=2)
    names = [gallery.hang(Painted(bytes([at]))) for at in (1, 2, 1, 3)]
    assert names[0] == names[2]
    assert [gallery.find(name) is not None for name in names] == [True, False, True, True]


def test_a_gallery_keeps_so_many_bytes_but_the_newest_always():
    gallery = Gallery(most_bytes=10)
    first, second, third = (gallery.hang(Painted(bytes(6) + bytes([at]))) for at in range(3))
    assert [gallery.find(name) for name in (first, second)] == [None, None]
    assert gallery.find(third) is not None
    large = gallery.hang(Painted(bytes(100)))
    assert gallery.find(large) is not None
    assert gallery.find(third) is None


def test_without_numpy_or_pillow_the_refusal_says_what_to_install(monkeypatch, http):
    monkeypatch.setitem(sys.modules, "stepfun_emulator.images.painting.studio", None)
    monkeypatch.delattr(painting, "studio", raising=False)
    response = http.post("/images/generations", json={"model": "step-2x-large", "prompt": "x"})
    assert response.status_code == 400
    assert "pip install" in response.json()["error"]["message"]
