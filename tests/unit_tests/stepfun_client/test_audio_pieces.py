"""Streamed sound joins to the whole as text, however it was cut and wherever it was padded."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client.api.audio_pieces import Base64Joiner


def join(pieces: list[str]) -> bytes:
    joiner = Base64Joiner()
    text = "".join([joiner.feed(piece) for piece in pieces] + [joiner.finish()])
    return base64.b64decode(text, validate=True)


@given(sound=st.binary(max_size=200), sizes=st.lists(st.integers(1, 9), min_size=1))
def test_slices_of_one_text(sound, sizes):
    text, pieces = base64.b64encode(sound).decode(), []
    while text:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[:size])
        text = text[size:]
    assert join(pieces) == sound


@given(sounds=st.lists(st.binary(max_size=20)), sizes=st.lists(st.integers(1, 9), min_size=1))
def test_texts_of_their_own_each_padded_cut_anywhere(sounds, sizes):
    text, pieces = "".join(base64.b64encode(sound).decode() for sound in sounds), []
    while text:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[:size])
        text = text[size:]
    assert join(pieces) == b"".join(sounds)


@given(sounds=st.lists(st.binary(max_size=20)))
def test_texts_of_their_own_one_in_each_piece(sounds):
    assert join([base64.b64encode(sound).decode() for sound in sounds]) == b"".join(sounds)


def test_whole_groups_pass_as_they_are():
    joiner = Base64Joiner()
    assert [joiner.feed("AQID"), joiner.feed("BAUG"), joiner.finish()] == ["AQID", "BAUG", ""]


@pytest.mark.parametrize("pieces", [["A"], ["AQ=AgME"], ["=abc"], ["AQ", "AQ=="], ["@@@="], ["AQ", "\n"]], ids=" ".join)
def test_what_is_no_base64_is_refused(pieces):
    with pytest.raises(ValueError, match="not base64"):
        join(pieces)
