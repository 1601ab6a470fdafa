"""How large a picture is: width first for the caller, in the model's own order on the wire, right in the pixels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import InvalidParameterError
from stepfun_client.api.image_sizes import asked_size, checked_size, read_wire_size, sizes_of, wire_size
from stepfun_client.catalog import MODELS

DRAWING = [name for name, info in MODELS.items() if info.image and "generate" in info.image.operations]
SIZED = [(model, *size) for model in MODELS for size in sizes_of(model)]


def each(sizes):
    return pytest.mark.parametrize(("model", "width", "height"), sizes, ids=str)


# As WIRE.md section 9 has them, width first.
_CLASSIC = {(side, side) for side in (256, 512, 768, 1024)} | {(1280, 800), (800, 1280)}
DOCUMENTED = {
    "step-image-edit-2": {(1024, 1024), (1360, 768), (768, 1360), (1184, 896), (896, 1184)},
    "step-2x-large": _CLASSIC,
    "step-1x-medium": _CLASSIC,
    "step-1x-edit": {(side, side) for side in (512, 768, 1024)},
}


@pytest.mark.parametrize(("model", "sizes"), DOCUMENTED.items())
def test_every_documented_size_is_known(model, sizes):
    assert set(sizes_of(model)) == sizes


@each(SIZED)
def test_every_size_of_every_model_round_trips(model, width, height):
    for said in ({"width": width, "height": height}, {"size": f"{width}x{height}"}):
        written = checked_size(model, said)
        assert written in MODELS[model].image.sizes
        assert read_wire_size(model, written) == asked_size(said) == (width, height)


@given(st.sampled_from([*MODELS, "step-from-next-year"]), st.integers(1, 99999), st.integers(1, 99999))
def test_any_size_round_trips(model, width, height):
    assert read_wire_size(model, wire_size(model, width, height)) == (width, height)
    assert asked_size({"size": f" {width} X {height}"}) == (width, height)


def test_size_is_height_x_width_on_step_image_edit_2_alone():
    assert checked_size("step-image-edit-2", {"size": "1360x768"}) == "768x1360"
    assert checked_size("step-2x-large", {"size": "1280x800"}) == "1280x800"
    assert checked_size("step-from-next-year", {"width": 16, "height": 9}) == "16x9"
    assert checked_size("step-2x-large", {}) is None
    assert sizes_of("step-from-next-year") == sizes_of("step-3.7-flash") == sizes_of("stepfun-ai/step1x-edit") == []


@each([size for size in SIZED if size[0] in DRAWING])
async def test_the_picture_has_the_asked_pixels(both, emulator, model, width, height):
    """The size order proved by the picture's own header, for each model and shape."""
    client = both.client(base_url=emulator.base_url)
    picture = await both.get(
        client.images.generate(model=model, prompt="a lake", width=width, height=height, steps=1, fetch=True)
    )
    assert picture.content[:8] == b"\x89PNG\r\n\x1a\n"
    pixels = tuple(int.from_bytes(picture.content[at : at + 4], "big") for at in (16, 20))
    assert pixels == (width, height) == (picture.width, picture.height)


REFUSED = {
    "half of it": ({"width": 512}, "height", "both width=... and height=..."),
    "the other half": ({"height": 512}, "width", "both width=... and height=..."),
    "twice": ({"size": "512x512", "width": 512}, "size", "size='WIDTHxHEIGHT' alone"),
    "as Pillow has it": ({"size": (1360, 768)}, "size", "size='1360x768' (width x height), or give width=1360"),
    "a number": ({"size": 512}, "size", "it must be a text such as size='1360x768'"),
    "no size": ({"size": "large"}, "size", "it must be 'WIDTHxHEIGHT'"),
    "nothing": ({"size": "0x512"}, "size", "it must be 'WIDTHxHEIGHT'"),
    "another script's digits": ({"size": "٥x٥"}, "size", "it must be 'WIDTHxHEIGHT'"),
    "one the model does not draw": ({"size": "640x480"}, "size", "it draws 1024x1024, 1360x768, 1184x896"),
    "one it does not draw, in numbers": ({"width": 640, "height": 480}, "width", "(width x height)"),
    "below zero": ({"width": -1, "height": 480}, "width", "greater than 0"),
}


@pytest.mark.parametrize(("params", "param", "words"), REFUSED.values(), ids=REFUSED)
async def test_other_sizes_are_refused_before_sending(both, server, params, param, words):
    with pytest.raises(InvalidParameterError) as caught:
        await both.get(both.client(server).images.generate(model="step-image-edit-2", prompt="a lake", **params))
    assert words in str(caught.value)
    assert caught.value.param == param
    assert server.requests == []
