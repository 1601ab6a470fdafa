"""Pictures drawn, transformed and edited: what is sent, what comes back, what is refused before anything is paid."""

from __future__ import annotations

import base64
import email
import io
import re
import warnings
from pathlib import Path

import pytest
from PIL import Image

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    ContentFilteredError,
    ContentModerationError,
    InvalidParameterError,
    NotFoundError,
    Picture,
    ServerError,
)


def drawn(form="png", width=64, height=48, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (width, height), 0).save(file, format=form)
    return file.getvalue()


PNG, JPEG = drawn(), drawn("jpeg")
FACTS = {"model": "step-2x-large", "prompt": "a lake"}


def claimed(width, height):
    """A PNG that says it is so large; there is next to nothing in it."""
    return PNG[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + PNG[24:]


@pytest.fixture
def client(both, emulator):
    return both.client(base_url=emulator.base_url)


@pytest.fixture
def sent(both, server, wire):
    """Runs a call against a server that answers with a picture; gives what it was asked."""

    async def sent(call, **entry):
        answer = {"b64_json": base64.b64encode(PNG).decode(), "seed": 3, "finish_reason": "success", **entry}
        server.answers(wire.reply({"created": 7, "data": [answer]}))
        await both.get(call(both.client(server).images))
        return server.requests[-1]

    return sent


def form_of(request):
    """The fields of a multipart form; a file's as its name, type and content."""
    whole = b"content-type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body
    fields = {}
    for part in email.message_from_bytes(whole).get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        filename = part.get_filename()
        fields[name] = (filename, part.get_content_type(), content) if filename else content.decode()
    return fields


# Generating


async def test_a_picture_comes_by_its_url_and_is_fetched_when_asked(both, client):
    picture = await both.get(client.images.generate(model="step-2x-large", prompt="a lake", size="512x512", seed=7))
    assert (picture.content, picture.media_type, picture.width) == (None, None, None)
    assert picture.url.startswith("http://127.0.0.1")
    assert (picture.seed, picture.finish_reason, picture.model, picture.prompt) == (7, "success", *FACTS.values())
    assert len(picture.trace_id) == 32
    assert picture.created > 1_700_000_000

    fetched = await both.get(client.images.fetch(picture))
    assert (fetched.format, fetched.width, fetched.height) == ("png", 512, 512)
    assert (fetched.url, fetched.seed, fetched.trace_id) == (picture.url, 7, picture.trace_id)
    assert await both.get(client.images.fetch(fetched)) is fetched
    assert (await both.get(client.images.fetch(picture.url))).content == fetched.content


@pytest.mark.parametrize("reply", ["url", "b64_json", None])
async def test_a_picture_wanted_at_once_is_the_same_either_way(both, client, reply):
    ask = {"model": "step-image-edit-2", "prompt": "a lake", "size": "1184x896", "seed": 7, "fetch": True}
    picture = await both.get(client.images.generate(**ask, response_format=reply))
    assert (picture.width, picture.height, picture.seed) == (1184, 896, 7)
    assert (picture.url is None) == (reply != "url")
    again = await both.get(client.images.generate(**ask, response_format="b64_json"))
    assert again.content == picture.content


async def test_everything_is_sent_as_the_wire_has_it(sent, wire):
    request = await sent(
        lambda images: images.generate(
            model="step-image-edit-2",
            prompt="雨后的竹林",
            width=1360,
            height=768,
            response_format="b64_json",
            seed=5,
            steps=50,
            cfg_scale=4.5,
            negative_prompt="people",
            text_mode=True,
            n=1,
            extra_body={"watermark": False},
            extra_headers={"x-mine": "1"},
        )
    )
    assert (request.method, request.path, request.headers["x-mine"]) == ("POST", "/v1/images/generations", "1")
    assert request.headers["authorization"] == f"Bearer {wire.key}"
    assert request.json == {
        "model": "step-image-edit-2",
        "prompt": "雨后的竹林",
        "size": "768x1360",
        "response_format": "b64_json",
        "seed": 5,
        "steps": 50,
        "cfg_scale": 4.5,
        "negative_prompt": "people",
        "text_mode": True,
        "watermark": False,
    }


async def test_nothing_that_was_not_said_is_sent(sent):
    request = await sent(lambda images: images.generate(**FACTS, seed=None, size=None))
    assert request.json == FACTS


async def test_a_style_reference_takes_a_url_or_whatever_holds_a_picture(both, client, sent):
    style = {"source_url": "https://example.com/style.jpg", "weight": 2}
    ask = {"model": "step-1x-medium", "prompt": "a lake"}
    assert (await sent(lambda images: images.generate(**ask, style_reference=style))).json["style_reference"] == style
    picture = Picture.of(PNG)
    request = await sent(lambda images: images.generate(**ask, style_reference={"source_url": picture}))
    assert request.json["style_reference"] == {"source_url": picture.data_uri()}
    made = client.images.generate(**ask, size="256x256", style_reference={"source_url": PNG}, fetch=True)
    assert (await both.get(made)).width == 256


async def test_an_unknown_model_passes_through_unchecked(sent):
    request = await sent(
        lambda images: images.generate(
            model="step-from-next-year",
            prompt="x" * 5000,
            size="16x9",
            steps=1000,
            cfg_scale=99,
            negative_prompt="people",
            text_mode=True,
        )
    )
    assert request.json["size"] == "16x9"
    assert len(request.json["prompt"]) == 5000


async def test_extra_body_is_the_way_past_every_rule(sent):
    extra = {"size": "640x480", "steps": 999, "style_reference": {"any": 1}}
    request = await sent(lambda images: images.generate(**FACTS, extra_body=extra))
    assert request.json == {**FACTS, **extra}


async def test_pictures_wait_two_minutes_for_a_byte(both, monkeypatch):
    import httpx

    waited = []

    def handler(request):
        waited.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"data": [{"url": "https://example.com/a.png"}]})

    client = both.mocked(handler)
    await both.get(client.images.generate(**FACTS))
    await both.get(client.images.generate(**FACTS, timeout=7))
    assert waited == [120.0, 7.0]


REFUSALS = {
    "no prompt": ({"prompt": " "}, "prompt", "not empty"),
    "a prompt of 513 characters": ({"prompt": "x" * 513}, "prompt", "513 characters; step-2x-large takes 512"),
    "no model": ({"model": ""}, "model", "not empty"),
    "a model that makes no pictures": ({"model": "step-3.7-flash"}, "model", "makes no pictures; use step-image-edit"),
    "a model that edits": ({"model": "step-1x-edit"}, "model", "step-1x-edit is for client.images.edit"),
    "a model elsewhere": ({"model": "stepfun-ai/step1x-edit"}, "model", "is for client.images.edit"),
    "several at once": ({"n": 4}, "n", "1 picture a call"),
    "no steps": ({"steps": 0}, "steps", "greater than or equal to 1"),
    "too many steps": ({"steps": 101}, "steps", "step-2x-large takes 1 to 100"),
    "edit-2: too many steps": ({"model": "step-image-edit-2", "steps": 51}, "steps", "takes 1 to 50"),
    "too much guidance": ({"cfg_scale": 10.5}, "cfg_scale", "takes 1 to 10"),
    "too little guidance": ({"cfg_scale": 0.5}, "cfg_scale", "takes 1 to 10"),
    "guidance that is no number": ({"cfg_scale": float("nan")}, "cfg_scale", "takes 1 to 10"),
    "negative_prompt": (
        {"negative_prompt": "a"},
        "negative_prompt",
        "takes no negative_prompt; step-image-edit-2 does",
    ),
    "text_mode": ({"text_mode": False}, "text_mode", "takes no text_mode; step-image-edit-2 does"),
    "style_reference": (
        {"style_reference": {"source_url": "https://example.com/a"}},
        "style_reference",
        "takes no style_reference; step-1x-medium does; if StepFun allows it by now, send it with extra_body",
    ),
    "a style without a picture": (
        {"model": "step-1x-medium", "style_reference": {"weight": 1}},
        "style_reference",
        "style_reference: source_url is {'weight': 1}: field required",
    ),
    "too much style": (
        {"model": "step-1x-medium", "style_reference": {"source_url": PNG, "weight": 2.1}},
        "style_reference",
        "less than or equal to 2",
    ),
    "a typing error in a style": (
        {"model": "step-1x-medium", "style_reference": {"source_url": PNG, "wieght": 1}},
        "style_reference",
        "style_reference: 'wieght' is no parameter of this call; known are source_url, weight",
    ),
    "a bare style": (
        {"model": "step-1x-medium", "style_reference": "https://example.com/a.png"},
        "style_reference",
        "style_reference is a str; it must be {'source_url': <a picture>, 'weight': 1}",
    ),
    "a style that is no picture": (
        {"model": "step-1x-medium", "style_reference": {"source_url": b"words"}},
        "style_reference",
        "no picture",
    ),
    "another format": ({"response_format": "png"}, "response_format", "'url' or 'b64_json'"),
    "a typing error": ({"promt": "a"}, "promt", "is no parameter of this call"),
}


@pytest.mark.parametrize(("params", "param", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_what_is_certain_to_fail_is_refused_before_sending(both, server, params, param, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)) as caught:
        await both.get(both.client(server).images.generate(**{**FACTS, **params}))
    assert caught.value.param == param
    assert server.requests == []


async def test_a_prompt_may_have_1024_characters_on_1x_medium(both, client):
    made = client.images.generate(model="step-1x-medium", prompt="x" * 1024, size="256x256", steps=1)
    assert (await both.get(made)).url
    with pytest.raises(InvalidParameterError, match="takes 1024 at most"):
        await both.get(client.images.generate(model="step-1x-medium", prompt="x" * 1025))


@pytest.mark.parametrize(
    ("params", "warned"),
    [
        ({}, True),
        ({"cfg_scale": 1}, True),
        ({"extra_body": {"cfg_scale": 1.0}}, True),
        ({"cfg_scale": 1.5}, False),
        ({"extra_body": {"cfg_scale": 2}}, False),
    ],
)
async def test_at_cfg_scale_1_the_negative_prompt_is_ignored_so_that_is_said(sent, params, warned):
    ask = {"model": "step-image-edit-2", "prompt": "a lake", "negative_prompt": "people", **params}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        request = await sent(lambda images: images.generate(**ask))
    assert [str(one.message)[:51] for one in seen if one.category is UserWarning] == (
        ["step-image-edit-2 ignores negative_prompt at cfg_sc"] if warned else []
    )
    assert request.json["negative_prompt"] == "people"


# What comes back


async def test_content_filtered_is_an_error_and_no_empty_picture(both, client):
    with pytest.raises(ContentFilteredError, match="withheld by content moderation") as caught:
        await both.get(client.images.generate(model="step-2x-large", prompt="filtered-by-emulator", seed=9))
    error = caught.value
    assert isinstance(error, ContentModerationError)
    assert (error.status_code, error.type, len(error.trace_id)) == (200, "content_filtered", 32)
    assert error.body == {"data": [{"seed": 9, "finish_reason": "content_filtered"}]}
    assert "change the prompt" in error.hint


async def test_a_filtered_picture_is_an_error_even_where_one_comes(sent):
    with pytest.raises(ContentFilteredError):
        await sent(lambda images: images.generate(**FACTS), finish_reason="content_filtered")


async def test_a_request_blocked_beforehand_is_another_error(both, client):
    with pytest.raises(ContentModerationError) as caught:
        await both.get(client.images.generate(model="step-2x-large", prompt="censored-by-emulator"))
    assert type(caught.value) is ContentModerationError
    assert caught.value.status_code == 451


UNREADABLE = {
    "nothing": ({"data": []}, "holds no picture"),
    "no data at all": ({"created": 1}, "cannot be read"),
    "neither": ({"data": [{"seed": 1}]}, "holds no picture"),
    "empty": ({"data": [{"url": "", "b64_json": ""}]}, "holds no picture"),
    "no base64": ({"data": [{"b64_json": "?"}]}, "cannot be read"),
    "not even ASCII": ({"data": [{"b64_json": "图"}]}, "cannot be read"),
    "an SVG": ({"data": [{"b64_json": base64.b64encode(b"<svg xmlns='a'/>").decode()}]}, "image/svg+xml, no picture"),
    "another shape": ({"data": {"url": "a"}}, "cannot be read"),
    "a list": ([], "cannot be read"),
}


@pytest.mark.parametrize(("body", "words"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_reply_without_a_picture_is_an_error(both, server, wire, body, words):
    server.answers(wire.reply(body))
    with pytest.raises(APIResponseError, match=re.escape(words)) as caught:
        await both.get(both.client(server).images.generate(**FACTS))
    assert caught.value.trace_id == wire.trace_id


async def test_an_error_in_spite_of_a_good_status_is_one(both, server, wire):
    server.answers(wire.reply({"error": {"message": "busy", "type": "server_error"}, "data": None}))
    with pytest.raises(ServerError, match="busy"):
        await both.get(both.client(server).images.generate(**FACTS))


@pytest.mark.parametrize(("seed", "read"), [("12", 12), (None, None), ("abc", None), ([], None), (2**70, 2**70)])
async def test_a_paid_picture_is_not_lost_for_a_fact_beside_it(both, server, wire, seed, read):
    entry = {"b64_json": f"data:image/png;base64,{base64.b64encode(PNG).decode()}", "seed": seed}
    server.answers(wire.reply({"created": "soon", "data": [entry]}))
    picture = await both.get(both.client(server).images.generate(**FACTS))
    assert (picture.content, picture.seed, picture.created) == (PNG, read, None)


async def test_several_pictures_are_not_dropped_in_silence(both, server, wire):
    server.answers(wire.reply({"data": [{"url": "https://example.com/1"}, {"url": "https://example.com/2"}]}))
    with pytest.warns(UserWarning, match="holds 2 pictures, of which this call returns the first"):
        picture = await both.get(both.client(server).images.generate(**FACTS, extra_body={"n": 2}))
    assert picture.url == "https://example.com/1"


async def test_a_lost_reply_is_asked_for_again_as_in_chat(both, server, wire, naps):
    good = wire.reply({"data": [{"url": "https://example.com/1"}]})
    server.answers([server.drop], wire.error(503), good)
    assert (await both.get(both.client(server).images.generate(**FACTS))).url
    assert len(server.requests) == 3


# Transforming

OVER = {"model": "step-1x-medium", "prompt": "in watercolours", "source_weight": 0.5}


class Named(io.BytesIO):
    name = "lake.png"


class Text:
    def read(self, size):
        return "a"


def on_disk(tmp_path):
    path = tmp_path / "lake.bin"
    path.write_bytes(PNG)
    return path


SOURCES = {
    "path": on_disk,
    "bytes": lambda _: PNG,
    "bytearray": lambda _: bytearray(PNG),
    "memoryview": lambda _: memoryview(PNG),
    "file": lambda _: Named(PNG),
    "data URI": lambda _: Picture.of(PNG).data_uri(),
    "Picture": lambda _: Picture.of(PNG, url="https://example.com/another.png"),
    "Pillow image": lambda _: Image.open(io.BytesIO(PNG)),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
async def test_a_picture_is_taken_from_whatever_holds_it(sent, tmp_path, source):
    held = source(tmp_path)
    request = await sent(lambda images: images.transform(held, **OVER, size="512x512"))
    given = request.json.pop("source_url")
    data = base64.b64decode(given.removeprefix("data:image/png;base64,"))
    assert request.path == "/v1/images/image2image"
    assert {**request.json, "source_url": given} == {**OVER, "source_url": given, "size": "512x512"}
    assert Image.open(io.BytesIO(data)).tobytes() == Image.open(io.BytesIO(PNG)).tobytes()


@pytest.mark.parametrize("image", ["https://example.com/a.png", "HTTP://example.com/a", Picture(url="https://e.com/")])
async def test_a_url_is_passed_on_unseen(sent, image):
    request = await sent(lambda images: images.transform(image, **OVER))
    assert request.json["source_url"] == (image.url if isinstance(image, Picture) else image)


async def test_source_weight_is_passed_on_as_it_is_whatever_the_documents_say(sent):
    for weight in (0.01, 1):
        request = await sent(lambda images, weight=weight: images.transform(PNG, **{**OVER, "source_weight": weight}))
        assert request.json["source_weight"] == weight


async def test_the_emulator_draws_over_it(both, client):
    first = await both.get(client.images.generate(model="step-1x-medium", prompt="a lake", size="256x256"))
    second = await both.get(client.images.transform(first, **OVER, size="256x256", fetch=True))
    assert (second.width, second.model) == (256, "step-1x-medium")
    assert second.content != (await both.get(client.images.fetch(first))).content


@pytest.mark.parametrize("weight", [0, -0.1, 1.01, "much", float("nan"), None])
async def test_source_weight_lies_above_0_and_not_above_1(both, server, weight):
    with pytest.raises(InvalidParameterError, match="source_weight") as caught:
        await both.get(both.client(server).images.transform(PNG, **{**OVER, "source_weight": weight}))
    assert caught.value.param == "source_weight"
    assert server.requests == []


CLOSED = io.BytesIO(PNG)
CLOSED.close()

BAD_SOURCES = {
    "10,000 pixels claimed": (claimed(10_000, 10), "10000x10 pixels; StepFun takes 2048x2048"),
    "2,049 pixels high": (claimed(10, 2049), "10x2049 pixels"),
    "more than 10 MB": (PNG + bytes(10 << 20), "at most 10 MB"),
    "WebP": (drawn("webp"), "image/webp; StepFun takes PNG and JPEG"),
    "GIF": (drawn("gif"), "image/gif; StepFun takes PNG and JPEG"),
    "an SVG posing as PNG": ("data:image/png;base64," + base64.b64encode(b"<svg/>").decode(), "image/svg+xml"),
    "a web page": (b"<!doctype html><html>", "text/html by its content, no picture"),
    "words": (b"words", "of no known kind"),
    "empty": (b"", "empty"),
    "a file URL": ("file:///etc/passwd", "neither a URL nor a data: URI"),
    "a path in words": ("/etc/passwd", "neither a URL nor a data: URI"),
    "an uploaded file": ("stepfile://file-1", "needs the file itself"),
    "a file of text": (Text(), "text mode"),
    "a closed file": (CLOSED, "a file that cannot be read (I/O operation on closed file.). Open it"),
    "something else": (7, "holds no file"),
    "a Pillow image that is no PNG": (Image.new("CMYK", (1, 1)), "convert('RGB')"),
}


@pytest.mark.parametrize(("image", "words"), BAD_SOURCES.values(), ids=BAD_SOURCES)
async def test_bad_sources_are_refused_before_sending(both, server, image, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)) as caught:
        await both.get(both.client(server).images.transform(image, **OVER))
    assert caught.value.param == "image"
    assert server.requests == []


@pytest.mark.parametrize("image", [claimed(2048, 2048), PNG[:20], JPEG[:100]], ids=["largest", "cut PNG", "cut JPEG"])
async def test_what_is_not_certain_is_left_to_the_service(sent, image):
    assert (await sent(lambda images: images.transform(image, **OVER))).json["source_url"]


async def test_a_missing_file_is_an_error_of_the_system(both, server):
    with pytest.raises(FileNotFoundError):
        await both.get(both.client(server).images.transform(Path("/nowhere/lake.png"), **OVER))
    with pytest.raises(InvalidParameterError, match=r"is for client.images.generate or client.images.edit"):
        await both.get(both.client(server).images.transform(PNG, **{**OVER, "model": "step-image-edit-2"}))
    assert server.requests == []


# Editing

CHANGE = {"model": "step-image-edit-2", "prompt": "at night"}


async def test_an_edit_is_a_form_with_the_file(sent):
    request = await sent(
        lambda images: images.edit(
            JPEG,
            **CHANGE,
            seed=5,
            steps=8,
            cfg_scale=4.5,
            negative_prompt="人",
            text_mode=True,
            response_format="url",
            extra_body={"mask": {"a": [1]}, "strength": 0.5, "note": "x", "none": None},
            timeout=9,
        )
    )
    assert request.path == "/v1/images/edits"
    assert form_of(request) == {
        **CHANGE,
        "seed": "5",
        "steps": "8",
        "cfg_scale": "4.5",
        "negative_prompt": "人",
        "text_mode": "true",
        "response_format": "url",
        "mask": '{"a": [1]}',
        "strength": "0.5",
        "note": "x",
        "image": ("image.jpg", "image/jpeg", JPEG),
    }


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
async def test_an_edit_takes_whatever_holds_a_picture(sent, tmp_path, source):
    held = source(tmp_path)
    name, kind, content = form_of(await sent(lambda images: images.edit(held, **CHANGE)))["image"]
    assert (name, kind) == ("image.png", "image/png")
    assert Image.open(io.BytesIO(content)).size == (64, 48)


@pytest.mark.parametrize("as_picture", [True, False])
async def test_a_url_is_fetched_first(both, client, as_picture):
    drawn = await both.get(client.images.generate(model="step-2x-large", prompt="a lake", size="512x512"))
    edited = await both.get(client.images.edit(drawn if as_picture else drawn.url, **CHANGE, fetch=True))
    assert (edited.width, edited.height) == (512, 512)
    assert edited.content != (await both.get(client.images.fetch(drawn))).content


@pytest.mark.parametrize("url", ["http://169.254.169.254/a.png", "http://10.0.0.1/", "http://[::1]/a.png"])
async def test_a_url_of_no_public_host_is_not_fetched(both, server, url):
    with pytest.raises(InvalidParameterError, match="no public address"):
        await both.get(both.client(server).images.edit(url, **CHANGE))
    assert server.requests == []


async def test_what_is_fetched_must_be_a_picture_too(both, client, emulator):
    svg = emulator.base_url.removesuffix("/v1") + "/hostile/svg.png"
    with pytest.raises(InvalidParameterError, match=r"image is image/svg\+xml by its content, no picture"):
        await both.get(client.images.edit(svg, **CHANGE))


@pytest.mark.parametrize(
    ("image", "words"),
    [(claimed(4097, 1), "4096x4096"), (claimed(10_000, 10_000), "4096x4096"), (b"%PDF-", "no picture")],
)
async def test_sources_of_edits_are_checked_by_their_header(both, server, image, words):
    with pytest.raises(InvalidParameterError, match=words) as caught:
        await both.get(both.client(server).images.edit(image, **CHANGE))
    assert caught.value.param == "image"
    assert server.requests == []


@pytest.mark.parametrize("image", [claimed(4096, 4096), drawn("webp"), b"BM" + bytes(12) + b"\x28\0\0\0"], ids=len)
async def test_other_pictures_are_left_to_the_service(sent, image):
    assert form_of(await sent(lambda images: images.edit(image, **CHANGE)))["image"][2] == image


async def test_edit_2_ignores_the_size_so_that_is_said(both, client):
    with pytest.warns(UserWarning, match="step-image-edit-2 ignores the size of an edit: the picture keeps its own"):
        edited = await both.get(client.images.edit(PNG, **CHANGE, size="1360x768", fetch=True))
    assert (edited.width, edited.height) == (64, 48)


async def test_1x_edit_has_the_size_it_is_asked_for(both, client):
    edited = await both.get(client.images.edit(PNG, model="step-1x-edit", prompt="night", size="512x512", fetch=True))
    assert (edited.width, edited.height) == (512, 512)


@pytest.mark.parametrize(
    ("params", "param", "words"),
    [
        ({"guidance_scale": 2}, "guidance_scale", "cfg_scale is its name here"),
        ({"api_key": "sk-other"}, "api_key", "StepFunClient(api_key=...)"),
        ({"base_url": "https://example.com"}, "base_url", "StepFunClient(base_url=...)"),
        ({"n": 2}, "n", "no parameter of this call"),
        ({"prompt": "x" * 513}, "prompt", "takes 512 at most"),
        ({"model": "step-2x-large"}, "model", "is for client.images.generate or client.images.transform"),
        ({"model": "step-1x-edit", "negative_prompt": "a"}, "negative_prompt", "step-image-edit-2 does"),
    ],
)
async def test_what_an_edit_does_not_take_is_refused(both, server, params, param, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)) as caught:
        await both.get(both.client(server).images.edit(PNG, **{**CHANGE, **params}))
    assert caught.value.param == param
    assert "sk-other" not in str(caught.value)
    assert server.requests == []


# Fetching

HOSTILE = {
    "hostile-redirect": (InvalidParameterError, "169.254.169.254 is no public address"),
    "hostile-svg": (APIResponseError, "the server calls it image/png: the content is image/svg+xml"),
    "hostile-html": (APIResponseError, "the server calls it image/png: the content is text/html"),
    "hostile-endless": (InvalidParameterError, "more than 52,428,800 bytes"),
    "hostile-huge": (InvalidParameterError, "more than 52,428,800 bytes"),
}


@pytest.mark.parametrize(("fault", "refusal"), HOSTILE.items())
async def test_hostile_results_are_refused_and_the_paid_picture_is_named(both, client, fault, refusal):
    ask = {"model": "step-2x-large", "prompt": "a lake", "size": "256x256", "steps": 1, "seed": 8}
    headers = {"x-emulator-fault": fault}
    with pytest.raises(refusal[0], match=re.escape(refusal[1])) as caught:
        await both.get(client.images.generate(**ask, fetch=True, response_format="url", extra_headers=headers))
    assert re.search(r"the picture was made \(seed 8\) and is at 'http://127.0.0.1:\d+/hostile/", str(caught.value))
    assert caught.value.args[0] == caught.value.message

    picture = await both.get(client.images.generate(**ask, extra_headers=headers))
    with pytest.raises(refusal[0]):
        await both.get(client.images.fetch(picture, max_bytes=100_000))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/a.png", "http://169.254.169.254/", "http://localhost:9/", "http://user:pw@example.com/"]
)
async def test_private_addresses_are_not_visited(both, client, url):
    with pytest.raises(InvalidParameterError, match="is not fetched") as caught:
        await both.get(client.images.fetch(url))
    assert caught.value.param == "url"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "a.png", "", None, Picture()])
async def test_what_is_no_url_is_not_fetched(both, client, url):
    with pytest.raises(InvalidParameterError, match=r"it must be an http\(s\) URL, or a Picture"):
        await both.get(client.images.fetch(url))


async def test_an_expired_url_is_said_to_be_one(both, client, emulator):
    gone = emulator.base_url.removesuffix("/v1") + "/images/none-such.png"
    with pytest.raises(APIStatusError, match="expires: StepFun's after about 30 days, modelverse's after 7"):
        await both.get(client.images.fetch(gone))


@pytest.mark.parametrize(("status", "expired"), [(403, True), (404, True), (410, True), (401, False), (500, False)])
async def test_which_refusals_mean_that_it_expired(both, server, wire, status, expired):
    server.answers(wire.reply(b"", status))
    client = both.client(server, max_retries=0)
    with pytest.raises(APIStatusError) as caught:
        await both.get(client.images.fetch(server.base_url + "/a.png"))
    assert not isinstance(caught.value, NotFoundError)
    assert ("expires" in caught.value.hint) is expired


async def test_a_fetch_is_without_the_key_and_obeys_its_timeout(both, server, wire):
    server.answers(wire.reply(PNG, content_type="image/png"), [server.stall])
    client = both.client(server, max_retries=0)
    picture = await both.get(client.images.fetch(server.base_url + "/a.png"))
    assert picture == Picture.of(PNG, url=server.base_url + "/a.png")
    assert "authorization" not in server.requests[0].headers
    with pytest.raises(APIConnectionError):
        await both.get(client.images.fetch(server.base_url + "/a.png", timeout=0.05))
