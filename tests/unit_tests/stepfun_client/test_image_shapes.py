"""Shapes that language models say, and the sizes they become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import InvalidParameterError
from stepfun_client.api.image_shapes import SHAPES, nearest_size
from stepfun_client.api.image_sizes import sizes_of

DRAWING = ("step-image-edit-2", "step-2x-large", "step-1x-medium")


@pytest.mark.parametrize(
    ("shape", "newer", "older"),
    [
        ("square", (1024, 1024), (1024, 1024)),
        ("landscape", (1184, 896), (1280, 800)),
        ("portrait", (896, 1184), (800, 1280)),
        ("wide", (1360, 768), (1280, 800)),
        ("tall", (768, 1360), (800, 1280)),
        (" Widescreen ", (1360, 768), (1280, 800)),
        ("竖版", (896, 1184), (800, 1280)),
        ("1:1", (1024, 1024), (1024, 1024)),
        ("16:9", (1360, 768), (1280, 800)),
        ("9：16", (768, 1360), (800, 1280)),
        ("3比4", (896, 1184), (800, 1280)),
        ("1.91/1", (1360, 768), (1280, 800)),
        ("99999:1", (1360, 768), (1280, 800)),
        ("0.001:1", (768, 1360), (800, 1280)),
        ("1920x1080", (1360, 768), (1280, 800)),
        ("300 × 300", (1024, 1024), (256, 256)),
        ("600x600", (1024, 1024), (512, 512)),
    ],
)
def test_the_nearest_size_is_taken(shape, newer, older):
    assert nearest_size("step-image-edit-2", shape) == newer
    assert nearest_size("step-2x-large", shape) == older


@pytest.mark.parametrize(
    "shape", ["", "round", "16", "0:1", "1:0", "-1:2", "16:9:1", "1e3:1", "1" * 5000, "²:1", None, 7]
)
def test_what_is_no_shape_is_refused(shape):
    with pytest.raises(
        InvalidParameterError, match=r"say square, landscape, portrait, wide, tall, or a ratio"
    ) as refused:
        nearest_size("step-image-edit-2", shape)

    assert refused.value.param == "shape"
    assert len(str(refused.value)) < 250


def test_a_model_whose_sizes_are_not_known_is_asked_for_none():
    with pytest.raises(InvalidParameterError, match=r"a-model-of-tomorrow are not known.*without a shape"):
        nearest_size("a-model-of-tomorrow", "wide")


@given(model=st.sampled_from(DRAWING), width=st.integers(1, 99999), height=st.integers(1, 99999))
def test_every_ratio_has_a_size_that_lies_the_same_way(model, width, height):
    found = nearest_size(model, f"{width}:{height}")

    assert found in sizes_of(model)
    assert found[0] == found[1] or (found[0] > found[1]) is (width > height)


@pytest.mark.parametrize("model", DRAWING)
def test_a_models_own_sizes_are_their_own_nearest(model):
    assert [nearest_size(model, f"{width}x{height}") for width, height in sizes_of(model)] == sizes_of(model)
    assert all(nearest_size(model, word) in sizes_of(model) for word in SHAPES)
