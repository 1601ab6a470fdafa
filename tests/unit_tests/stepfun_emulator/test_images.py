"""The image endpoints (WIRE.md section 9): real pictures of the asked size, and what is documented is what is taken."""

from __future__ import annotations

import base64
import io
import itertools
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

import stepfun_emulator
from stepfun_emulator.pictures import decode_png

if TYPE_CHECKING:
    from openai import OpenAI

    from stepfun_emulator import Emulator

Send = Callable[..., httpx.Response]

PROMPT = "未来城市景观，赛博朋克风格"
EDIT2, LARGE, MEDIUM, EDIT1 = "step-image-edit-2", "step-2x-large", "step-1x-medium", "step-1x-edit"
SQUARES = ("256x256", "512x512", "768x768", "1024x1024")
FLOWERS = "http://somewhere.invalid/flowers.png"


@pytest.fixture
def draw(http: httpx.Client) -> Send:
    def send(*, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        return http.post("/images/generations", json={"model": LARGE, "prompt": PROMPT, **fields}, headers=headers)

    return send


@pytest.fixture
def transform(http: httpx.Client, source: str) -> Send:
    def send(**fields: Any) -> httpx.Response:
        body = {"model": LARGE, "prompt": PROMPT, "source_url": source, "source_weight": 0.8, "size": "256x256"}
        return http.post("/images/image2image", json={**body, **fields})

    return send


@pytest.fixture
def edit(http: httpx.Client, flag: bytes) -> Send:
    def send(image: bytes | None = None, **fields: str) -> httpx.Response:
        data = {"model": EDIT2, "prompt": "添加彩虹效果", "response_format": "b64_json", "seed": "1", **fields}
        return http.post("/images/edits", data=data, files={"image": ("a.png", flag if image is None else image)})

    return send


@pytest.fixture(scope="module")
def flag(painted: Callable[..., bytes]) -> bytes:
    """Red on the left, blue on the right."""
    return painted(120, 80, (0, 0, 60, 80, (220, 30, 30)), (60, 0, 120, 80, (30, 60, 210)))


@pytest.fixture(scope="module")
def source(flag: bytes) -> str:
    return uri(flag)


@pytest.fixture(scope="module")
def lenient() -> Iterator[httpx.Client]:
    with (
        stepfun_emulator.running(lenient=True) as url,
        httpx.Client(base_url=url, headers={"authorization": "Bearer test"}, trust_env=False) as client,
    ):
        yield client


def uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def encoded(form: str, size: tuple[int, int] = (120, 80), mode: str = "RGB", colour: Any = (200, 40, 40)) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, form)
    return file.getvalue()


def header_size(png: bytes) -> tuple[int, int]:
    """Width and height, read from the PNG's own header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float32)


def difference(one: bytes, other: bytes) -> float:
    """How far apart two pictures are on average, of 255."""
    return float(np.abs(pixels(one) - pixels(other)).mean())


def content(response: httpx.Response) -> bytes:
    assert response.status_code == 200, response.text
    return base64.b64decode(response.json()["data"][0]["b64_json"], validate=True)


@pytest.fixture
def drawn(draw: Send) -> Callable[..., bytes]:
    def send(**fields: Any) -> bytes:
        return content(draw(**{"response_format": "b64_json", "seed": 5, "size": "256x256", **fields}))

    return send


def refused(response: httpx.Response, param: str | None, kind: str = "request_params_invalid") -> str:
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert (error["type"], error.get("param")) == (kind, param)
    return error["message"]


# --- generations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [LARGE, MEDIUM])
@pytest.mark.parametrize(
    ("size", "wanted"),
    [(size, tuple(map(int, size.split("x")))) for size in (*SQUARES, "1280x800", "800x1280")],
)
def test_sizes_are_width_x_height(draw, model, size, wanted):
    png = content(draw(model=model, size=size, response_format="b64_json"))
    assert header_size(png) == wanted
    picture = decode_png(png)
    assert (picture.width, picture.height, len(picture.rgb)) == (*wanted, 3 * wanted[0] * wanted[1])


@pytest.mark.parametrize("prefix", ["/v1", "/step_plan/v1"])
@pytest.mark.parametrize("size", ["1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"])
def test_sizes_of_step_image_edit_2_are_height_x_width(http, size, prefix, emulator):
    url = emulator.base_url.removesuffix("/v1") + prefix + "/images/generations"
    body = {"model": EDIT2, "prompt": PROMPT, "size": size, "response_format": "b64_json"}
    height, width = map(int, size.split("x"))
    assert header_size(content(http.post(url, json=body))) == (width, height)


def test_without_a_size_it_is_1024x1024(draw):
    for model in (LARGE, EDIT2):
        assert header_size(content(draw(model=model, response_format="b64_json"))) == (1024, 1024)


def test_the_seeds_request_works(http):
    body = {"model": "step-1x-medium", "prompt": "未来城市景观，赛博朋克风格", "size": "512x512", "n": 1,
            "response_format": "b64_json", "seed": 12345, "steps": 50, "cfg_scale": 7.5}  # fmt: skip
    reply = http.post("/images/generations", json=body).json()
    assert isinstance(reply["created"], int)
    [entry] = reply["data"]
    assert (entry["seed"], entry["finish_reason"], set(entry)) == (
        12345,
        "success",
        {"b64_json", "seed", "finish_reason"},
    )


def test_the_same_prompt_and_seed_are_the_same_bytes(drawn):
    assert drawn() == drawn()


@pytest.mark.parametrize("other", [{"seed": 6}, {"prompt": "a quiet valley"}])
def test_another_seed_or_prompt_is_visibly_another_picture(drawn, other):
    assert difference(drawn(), drawn(**other)) > 8


@pytest.mark.parametrize("other", [{"steps": 4}, {"cfg_scale": 10}])
def test_steps_and_cfg_scale_are_slightly_visible(drawn, other):
    assert 0.5 < difference(drawn(), drawn(**other)) < 40


def test_without_a_seed_one_is_chosen_and_returned_and_draws_the_same_again(draw, drawn):
    asked = {"response_format": "b64_json", "size": "256x256"}
    replies = [draw(**asked) for _ in range(2)]
    seeds = [reply.json()["data"][0]["seed"] for reply in replies]
    assert seeds[0] != seeds[1]
    assert drawn(seed=seeds[0]) == content(replies[0])


@pytest.mark.parametrize(
    ("prompt", "seen"),
    [("一片红色的山谷", "red"), ("green hills", "green"), ("蓝天", "blue"), ("purple", "purple"), ("夜空", "blue"),
     ("sunset", "orange"), ("黑色的城市", "black")],
)  # fmt: skip
def test_what_is_drawn_can_be_seen_by_the_chat(ask, drawn, prompt, seen):
    said = ask([{"role": "user", "content": [
        {"type": "text", "text": "What do you see?"},
        {"type": "image_url", "image_url": {"url": uri(drawn(prompt=prompt, model=MEDIUM))}},
    ]}], model="step-1o-turbo-vision").json()["choices"][0]["message"]["content"]  # fmt: skip
    assert "256x256" in said
    assert f"Main colours: {seen}" in said


def brightness(picture: np.ndarray) -> float:
    return float(picture.mean())


def white(picture: np.ndarray) -> float:
    return float((picture > 235).all(axis=2).mean())


def bluish(picture: np.ndarray) -> float:
    """Brighter in blue than the sun and its glow."""
    return float((picture[..., 2] > 190).mean())


def lamps(picture: np.ndarray) -> float:
    return float((np.abs(picture - (255, 215, 120)) < 40).all(axis=2).mean())


def purple(picture: np.ndarray) -> float:
    red, green, blue = np.moveaxis(picture, 2, 0)
    return float(((blue > green + 40) & (red > green + 30)).mean())


def blue_below(picture: np.ndarray) -> float:
    return float((picture[-20:, :, 2] > picture[-20:, :, 1]).mean())


@pytest.mark.parametrize(
    ("without", "with_it", "measured", "grows"),
    [
        ("蓝色山谷", "蓝色山谷，夜", brightness, False),
        ("black valley", "black valley under stars", bluish, True),
        ("red valley", "red valley in winter", white, True),
        ("night", "night in the city", lamps, True),
        ("green valley", "green valley and a rainbow", purple, True),
        ("山谷", "大海", blue_below, True),
        ("snow", "snow and a forest", lambda picture: picture.min(axis=(0, 1)).mean(), False),
    ],
)
def test_things_are_painted(drawn, without, with_it, measured, grows):
    for seed in range(3):
        plain, painted = (measured(pixels(drawn(prompt=prompt, seed=seed))) for prompt in (without, with_it))
        assert (painted > plain * 1.1 + 0.0003) if grows else (painted < plain * 0.8)


def test_the_negative_prompt_is_ignored_at_cfg_scale_1_and_seen_above(drawn):
    asked = {"model": EDIT2, "size": "768x1360", "prompt": "a rainbow over red hills"}
    plain, negated = drawn(**asked), drawn(**asked, negative_prompt="rainbow, red")
    assert plain == negated
    plain, negated = drawn(**asked, cfg_scale=4), drawn(**asked, cfg_scale=4, negative_prompt="rainbow, red")
    assert difference(plain, negated) > 20


def test_text_mode_writes_the_quoted_text_on_a_sign(drawn):
    asked = {"model": EDIT2, "size": "1024x1024", "prompt": "a sign “开 门”"}
    plain, written, other = (
        drawn(**asked), drawn(**asked, text_mode=True), drawn(**{**asked, "prompt": "no quotes"}, text_mode=True)
    )  # fmt: skip
    assert 2 < difference(plain, written) < 60
    assert ((pixels(written) == 245).all(axis=2)).mean() > 0.02
    assert ((pixels(other) == 245).all(axis=2)).mean() > 0.02


def test_a_style_reference_is_seen_and_its_weight_too(drawn, painted):
    style = uri(painted(64, 64, background=(0, 0, 255)))
    asked = {"model": MEDIUM, "prompt": "red"}
    references = ({"source_url": style, **weight} for weight in ({"weight": 0.5}, {}, {"weight": 2}))
    pictures = [drawn(**asked), *(drawn(**asked, style_reference=one) for one in references)]
    blue = [pixels(picture)[..., 2].mean() for picture in pictures]
    assert all(after > before + 10 for before, after in itertools.pairwise(blue))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": "x" * 513}, "prompt"),
        ({"model": EDIT2, "prompt": "x" * 513}, "prompt"),
        ({"model": MEDIUM, "prompt": "字" * 1025}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"model": ""}, "model"),
        ({"model": EDIT1}, "model"),
        ({"model": "step-3.5-flash"}, "model"),
        ({"size": "768x1360"}, "size"),
        ({"model": EDIT2, "size": "512x512"}, "size"),
        ({"size": "1024X1024"}, "size"),
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"response_format": "png"}, "response_format"),
        ({"seed": "1"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"steps": 0}, "steps"),
        ({"steps": 101}, "steps"),
        ({"model": EDIT2, "steps": 51}, "steps"),
        ({"cfg_scale": 0.9}, "cfg_scale"),
        ({"cfg_scale": 10.1}, "cfg_scale"),
        ({"model": EDIT2, "cfg_scale": "2"}, "cfg_scale"),
        ({"negative_prompt": "blurry"}, "negative_prompt"),
        ({"model": EDIT2, "negative_prompt": 1}, "negative_prompt"),
        ({"text_mode": False}, "text_mode"),
        ({"model": EDIT2, "text_mode": "yes"}, "text_mode"),
        ({"style_reference": {"source_url": FLOWERS}}, "style_reference"),
        ({"model": EDIT2, "style_reference": {"source_url": FLOWERS}}, "style_reference"),
        ({"model": MEDIUM, "style_reference": FLOWERS}, "style_reference"),
        ({"model": MEDIUM, "style_reference": {"weight": 1}}, "style_reference.source_url"),
        ({"model": MEDIUM, "style_reference": {"source_url": FLOWERS, "weight": 0}}, "style_reference.weight"),
        ({"model": MEDIUM, "style_reference": {"source_url": FLOWERS, "weight": 2.1}}, "style_reference.weight"),
        ({"model": MEDIUM, "style_reference": {"source_url": FLOWERS, "strength": 1}}, "style_reference.strength"),
        ({"source_url": FLOWERS}, "source_url"),
        ({"quality": "hd"}, "quality"),
    ],
)
def test_what_a_generation_refuses(draw, fields, param):
    refused(draw(**fields), param)


def test_prompts_of_the_longest_length_are_taken(drawn):
    assert drawn(prompt="字" * 512)
    assert drawn(model=MEDIUM, prompt="字" * 1024)
    assert drawn(steps=100, cfg_scale=10)
    assert drawn(model=EDIT2, size="1024x1024", steps=50)


def test_half_a_character_in_a_prompt_is_drawn_like_any_other(http):
    body = b'{"model": "step-image-edit-2", "prompt": "\\ud83d", "text_mode": true, "seed": 1}'
    headers = {"content-type": "application/json"}
    assert http.post("/images/generations", content=body, headers=headers).status_code == 200


def test_no_such_model(draw):
    response = draw(model="step-99-image")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "model_invalid")


def test_the_body_must_be_an_object(http):
    refused(http.post("/images/generations", json=["a"]), "body")


def test_on_the_plan_there_is_step_image_edit_2_only(http, emulator, flag):
    for path, kwargs in (
        ("/images/generations", {"json": {"model": LARGE, "prompt": PROMPT}}),
        ("/images/edits", {"data": {"model": EDIT1, "prompt": PROMPT}, "files": {"image": flag}}),
    ):
        assert http.post(emulator.plan_url + path, **kwargs).status_code == 404
    nowhere = http.post(emulator.plan_url + "/images/image2image", json={})
    assert (nowhere.status_code, nowhere.text) == (404, "404 page not found")
    edited = http.post(
        emulator.plan_url + "/images/edits", data={"model": EDIT2, "prompt": PROMPT}, files={"image": flag}
    )
    assert edited.status_code == 200


def test_lenient_ignores_what_is_not_documented(lenient):
    body = {"model": LARGE, "prompt": PROMPT, "quality": "hd", "size": "256x256"}
    assert lenient.post("/images/generations", json=body).status_code == 200


def test_keys(http):
    body = {"model": LARGE, "prompt": PROMPT}
    for key, status in (("invalid-1", 401), ("broke", 402)):
        assert (
            http.post("/images/generations", json=body, headers={"authorization": f"Bearer {key}"}).status_code
            == status
        )


# --- answers ---------------------------------------------------------------------------------------------------------


def test_a_url_is_the_default_and_the_emulator_serves_it_without_a_key(draw, drawn, emulator):
    [entry] = draw(seed=5, size="256x256").json()["data"]
    assert entry["url"].startswith(emulator.base_url.removesuffix("/v1") + "/generated/")
    response = httpx.get(entry["url"], trust_env=False)
    assert response.headers["content-type"] == "image/png"
    assert response.content == drawn()


def test_a_url_that_is_not_there_is_gone(emulator):
    url = emulator.base_url.removesuffix("/v1") + "/generated/none.png"
    assert httpx.get(url, trust_env=False).status_code == 404


def test_content_filtered_is_answered_without_a_picture(draw):
    for form in ("url", "b64_json"):
        [entry] = draw(prompt="filtered-by-emulator", response_format=form, seed=3).json()["data"]
        assert entry == {"seed": 3, "finish_reason": "content_filtered"}


def test_censored_is_451(draw, transform, edit):
    for send in (draw, transform, edit):
        response = send(prompt="something censored-by-emulator")
        assert (response.status_code, response.json()["error"]["type"]) == (451, "censorship_blocked")


def test_a_fault_befalls_images_too(draw):
    assert draw(headers={"x-emulator-fault": "overloaded"}).status_code == 503


# --- image2image -----------------------------------------------------------------------------------------------------


def test_the_source_is_the_more_visible_the_greater_its_weight(transform, drawn):
    asked = {"seed": 5, "response_format": "b64_json"}
    light, heavy = (content(transform(source_weight=weight, **asked)) for weight in (0.1, 1))
    assert header_size(light) == header_size(heavy) == (256, 256)
    assert difference(heavy, drawn()) > 3 * difference(light, drawn())
    left, right = pixels(heavy)[:, :100].mean(axis=(0, 1)), pixels(heavy)[:, 156:].mean(axis=(0, 1))
    assert left[0] > left[2] + 60  # red still
    assert right[2] > right[0] + 60  # blue still
    assert difference(light, content(transform(source_weight=0.1, seed=6, response_format="b64_json"))) > 5


@pytest.mark.parametrize(
    "picture",
    [
        encoded("PNG", mode="RGBA", colour=(200, 40, 40, 128)),
        encoded("PNG", mode="L", colour=40),
        encoded("PNG", mode="P", colour=3),
        encoded("JPEG"),
        encoded("PNG", (2048, 2048)),
    ],
)
def test_pngs_and_jpegs_are_sources(transform, picture):
    assert transform(source_url=uri(picture)).status_code == 200


def test_a_source_by_url_is_fetched_from_the_loopback(draw, transform):
    url = draw(size="256x256").json()["data"][0]["url"]
    assert transform(source_url=url).status_code == 200


@pytest.mark.parametrize(
    "url",
    [FLOWERS, "https://example.com/a.png", "file:///etc/passwd", "http://127.0.0.1:1/a.png", "http://[", "iVBORw0KGgo"],
)
def test_what_cannot_be_fetched_is_refused(transform, draw, url):
    for response in (
        transform(source_url=url),
        draw(model=MEDIUM, style_reference={"source_url": url}),
    ):
        said = refused(response, None, "input_invalid")
        assert said == f"url invalid. url: {url} msg: Cannot fetch the content of url(s) you provided."


def test_a_redirect_is_not_followed(transform, emulator):
    url = emulator.base_url.removesuffix("/v1") + f"/hostile/redirect?to={emulator.base_url}/models"
    refused(transform(source_url=url), None, "input_invalid")


def test_the_largest_file_is_10_mb(transform, emulator, draw):
    huge = encoded("PNG") + bytes(10 * 1024 * 1024)
    assert "too large" in refused(transform(source_url=uri(huge)), "source_url", "input_invalid")
    endless = emulator.base_url.removesuffix("/v1") + "/hostile/endless.png"
    assert "too large" in refused(transform(source_url=endless), "source_url")


@pytest.mark.parametrize(
    "picture",
    [
        encoded("WEBP"),
        encoded("GIF"),
        b"<svg/>",
        b"",
        encoded("PNG", (2049, 10)),
        encoded("JPEG", (10, 2049)),
        encoded("PNG")[:20],
        encoded("PNG")[:60],
        encoded("JPEG")[:400],
        b"\xff\xd8\xff",
    ],
)
def test_what_is_no_such_picture_is_refused(transform, picture):
    refused(transform(source_url=uri(picture)), "source_url", "input_invalid")


def test_a_refusal_says_the_same_each_time(transform):
    cut = encoded("PNG", (8, 8))[:33]
    said = refused(transform(source_url=uri(cut)), "source_url", "input_invalid")
    assert said == "source_url is not a readable picture"


def test_a_broken_data_uri_is_refused(transform):
    refused(transform(source_url="data:image/png;base64,???"), "source_url", "input_invalid")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"source_weight": None}, "source_weight"),
        ({"source_weight": 0}, "source_weight"),
        ({"source_weight": -0.5}, "source_weight"),
        ({"source_weight": 1.1}, "source_weight"),
        ({"source_weight": "0.5"}, "source_weight"),
        ({"source_url": None}, "source_url"),
        ({"source_url": ""}, "source_url"),
        ({"model": EDIT2, "size": "1024x1024"}, "model"),
        ({"negative_prompt": "x"}, "negative_prompt"),
        ({"n": 2}, "n"),
        ({"strength": 1}, "strength"),
    ],
)
def test_what_image2image_refuses(transform, fields, param):
    refused(transform(**fields), param)


# --- edits -----------------------------------------------------------------------------------------------------------


EDITS = (
    "添加彩虹效果", "grayscale", "水彩画风格", "make it red", "反色", "mirror it", "变亮", "darker", "铅笔素描", "下雪",
    "at night", "something else",
)  # fmt: skip


@pytest.mark.parametrize("prompt", EDITS)
def test_an_edit_keeps_the_size_and_is_visible_and_repeatable(edit, flag, prompt):
    edited = content(edit(prompt=prompt))
    assert header_size(edited) == (120, 80)
    assert difference(edited, flag) > 5
    assert edited == content(edit(prompt=prompt))
    assert difference(edited, content(edit(prompt=prompt, seed="2"))) > 1


def test_what_is_asked_is_what_is_done(edit, flag):
    grey = pixels(content(edit(prompt="黑白照片")))
    assert np.ptp(grey, axis=2).max() <= 1
    mirrored = pixels(content(edit(prompt="mirrored")))
    assert mirrored[:, :50, 2].mean() > mirrored[:, :50, 0].mean() + 60  # blue is on the left now
    red = pixels(content(edit(prompt="变成红色")))
    assert (red[..., 0] > red[..., 2] + 10).mean() > 0.9


def test_steps_cfg_scale_and_text_mode_are_seen_in_an_edit(edit):
    plain = content(edit(prompt="red"))
    for more in ({"steps": "50"}, {"cfg_scale": "10"}, {"text_mode": "true"}):
        assert difference(plain, content(edit(prompt="red", **more))) > 1
    assert plain == content(edit(prompt="red", text_mode="false", negative_prompt="red"))
    assert difference(plain, content(edit(prompt="red", cfg_scale="2", negative_prompt="red"))) > 5


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_pictures_of_any_shape_are_edited(edit, size):
    everything = "“写” 素描 水彩 镜像 反色 黑白 变亮 变暗 夜 雪 彩虹 红"
    edited = content(edit(encoded("PNG", size), prompt=everything, text_mode="true"))
    assert header_size(edited) == size
    assert header_size(content(edit(encoded("PNG", size), model=EDIT1, size="512x512"))) == (512, 512)


def test_step_image_edit_2_ignores_the_size_and_step_1x_edit_follows_it(edit):
    assert header_size(content(edit(size="512x512"))) == (120, 80)
    assert header_size(content(edit(size="auto"))) == (120, 80)
    assert header_size(content(edit(model=EDIT1))) == (120, 80)
    assert header_size(content(edit(model=EDIT1, size="512x512"))) == (512, 512)


def test_a_jpeg_is_answered_with_a_jpeg_and_a_webp_with_a_png(edit):
    jpeg = content(edit(encoded("JPEG")))
    assert jpeg.startswith(b"\xff\xd8\xff")
    assert pixels(jpeg).shape == (80, 120, 3)
    assert header_size(content(edit(encoded("WEBP")))) == (120, 80)
    url = edit(encoded("JPEG"), response_format="url").json()["data"][0]["url"]
    assert url.endswith(".jpg")
    assert httpx.get(url, trust_env=False).headers["content-type"] == "image/jpeg"


def test_pictures_up_to_4096x4096_are_edited(edit):
    assert pixels(content(edit(encoded("JPEG", (4096, 8))))).shape == (8, 4096, 3)
    assert "4096x4096" in refused(edit(encoded("PNG", (8, 4097))), "image", "input_invalid")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": LARGE}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 513}, "prompt"),
        ({"seed": "many"}, "seed"),
        ({"steps": "51"}, "steps"),
        ({"steps": "1.5"}, "steps"),
        ({"cfg_scale": "0"}, "cfg_scale"),
        ({"cfg_scale": "nan"}, "cfg_scale"),
        ({"cfg_scale": "high"}, "cfg_scale"),
        ({"text_mode": "1"}, "text_mode"),
        ({"model": EDIT1, "text_mode": "true"}, "text_mode"),
        ({"model": EDIT1, "negative_prompt": "x"}, "negative_prompt"),
        ({"model": EDIT1, "size": "256x256"}, "size"),
        ({"response_format": "png"}, "response_format"),
        ({"n": "1"}, "n"),
        ({"mask": "x"}, "mask"),
    ],
)
def test_what_an_edit_refuses(edit, fields, param):
    refused(edit(**fields), param)


def test_an_edit_needs_one_picture_in_a_form(http, edit, flag):
    form = {"model": EDIT2, "prompt": "x"}
    refused(http.post("/images/edits", json=form), "image")
    refused(http.post("/images/edits", data={**form, "image": "x"}, files={"other": flag}), "image")
    refused(http.post("/images/edits", data=form, files=[("image", flag), ("image", flag)]), "image")
    refused(
        http.post("/images/edits", content=b"??", headers={"content-type": "multipart/form-data; boundary=x"}), "image"
    )
    refused(edit(b""), "image", "input_invalid")
    refused(edit(b"<svg/>"), "image", "input_invalid")
    refused(edit(encoded("JPEG")[:400]), "image", "input_invalid")


# --- the openai package ----------------------------------------------------------------------------------------------


def test_the_openai_package_generates(openai_client: OpenAI):
    reply = openai_client.images.generate(
        model=EDIT2, prompt=PROMPT, size="768x1360", n=1, response_format="b64_json", extra_body={"seed": 7, "steps": 8}  # type: ignore[arg-type]
    )  # fmt: skip
    assert reply.data is not None
    assert header_size(base64.b64decode(reply.data[0].b64_json or "")) == (1360, 768)
    assert reply.data[0].model_extra == {"seed": 7, "finish_reason": "success"}


def test_the_openai_package_edits(openai_client: OpenAI, flag: bytes):
    reply = openai_client.images.edit(
        model=EDIT2,
        image=("flag.png", flag),
        prompt="彩虹",
        extra_body={"cfg_scale": 2.5, "seed": 3, "text_mode": True},
    )
    assert reply.data is not None
    png = httpx.get(reply.data[0].url or "", trust_env=False).content
    assert header_size(png) == (120, 80)
    assert difference(png, flag) > 5


# --- hostile results -------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile(draw: Send, emulator: Emulator) -> Callable[[str], str]:
    """The URL that an answer under a fault points at."""

    def ask(fault: str) -> str:
        url = str(draw(headers={"x-emulator-fault": f"hostile-{fault}"}, size="256x256").json()["data"][0]["url"])
        assert url.startswith(emulator.base_url.removesuffix("/v1") + "/hostile/")
        return url

    return ask


def test_a_hostile_redirect_goes_to_a_private_address_or_wherever_it_is_told(hostile):
    url = hostile("redirect")
    assert httpx.get(url, trust_env=False).headers["location"] == "http://169.254.169.254/latest/meta-data/"
    response = httpx.get(url, params={"to": "http://127.0.0.1/"}, trust_env=False)
    assert (response.status_code, response.headers["location"]) == (302, "http://127.0.0.1/")


@pytest.mark.parametrize(("fault", "begins"), [("svg", b"<svg"), ("html", b"<!doctype")])
def test_hostile_content_says_it_is_a_png(hostile, fault, begins):
    response = httpx.get(hostile(fault), trust_env=False)
    assert response.headers["content-type"] == "image/png"
    assert response.content.startswith(begins)


@pytest.mark.parametrize(("fault", "length"), [("endless", None), ("huge", str(1024**3))])
def test_hostile_floods_begin_as_a_png(hostile, fault, length):
    with httpx.stream("GET", hostile(fault), trust_env=False) as response:
        assert response.headers.get("content-length") == length
        read = b""
        for part in response.iter_bytes():
            read += part
            if len(read) > 2_000_000:
                break
    assert header_size(read[:32]) == (1024, 1024)


def test_b64_json_knows_nothing_of_hostile_urls(draw):
    entry = draw(headers={"x-emulator-fault": "hostile-svg"}, response_format="b64_json", size="256x256").json()[
        "data"
    ][0]
    assert base64.b64decode(entry["b64_json"]).startswith(b"\x89PNG")
