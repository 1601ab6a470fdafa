"""Decoding PNG, measuring pictures, and what is said about them (WIRE.md section 4)."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepfun_emulator.answerer.measuring import colour_name, measure
from stepfun_emulator.answerer.seeing import describe
from stepfun_emulator.media import Medium
from stepfun_emulator.pictures import Picture, UnreadableError, decode_png, size_of

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def packed(samples: list[int], depth: int) -> bytes:
    """Samples of one row as the file has them."""
    if depth == 16:
        return b"".join(struct.pack(">H", sample) for sample in samples)
    if depth == 8:
        return bytes(samples)
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    return bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))


def filtered(rows: list[bytes], kinds: list[int], step: int) -> bytes:
    """Apply the filters of the PNG standard, one kind a row."""
    out, before = b"", bytes(len(rows[0])) if rows else b""
    for row, kind in zip(rows, kinds, strict=True):
        line = bytearray([kind])
        for at, value in enumerate(row):
            left = row[at - step] if at >= step else 0
            up, corner = before[at], before[at - step] if at >= step else 0
            near = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
            line.append((value - (0, left, up, (left + up) // 2, near)[kind]) % 256)
        out += bytes(line)
        before = row
    return out


@st.composite
def drawings(draw: st.DrawFn) -> dict[str, Any]:
    colour = draw(st.sampled_from(sorted(DEPTHS)))
    depth = draw(st.sampled_from(DEPTHS[colour]))
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    source = random.Random(draw(st.integers(0, 999)))
    top = (1 << depth) - 1
    count = CHANNELS[colour] * width
    samples = [[source.randint(0, top) for _ in range(count)] for _ in range(height)]
    return {
        "colour": colour, "depth": depth, "width": width, "height": height, "samples": samples,
        "kinds": [source.randint(0, 4) for _ in range(4 * height + 16)], "interlaced": draw(st.booleans()),
        "palette": bytes(source.randint(0, 255) for _ in range(3 * 256)),
        "alphas": bytes(source.randint(0, 255) for _ in range(draw(st.sampled_from([0, 3])))),
    }  # fmt: skip


def expected(drawing: dict[str, Any]) -> bytes:
    """The pixels on black, by the plainest reading of the standard."""
    colour, depth = drawing["colour"], drawing["depth"]
    out = b""
    for row in drawing["samples"]:
        wide = [sample >> 8 if depth == 16 else sample for sample in row]
        for x in range(drawing["width"]):
            pixel = wide[x * CHANNELS[colour] : (x + 1) * CHANNELS[colour]]
            alpha = 255
            if colour == 3:
                rgb = list(drawing["palette"][3 * pixel[0] : 3 * pixel[0] + 3])
                alpha = drawing["alphas"][pixel[0]] if pixel[0] < len(drawing["alphas"]) else 255
            elif colour in (0, 4):
                grey = pixel[0] * 255 // ((1 << min(depth, 8)) - 1) if colour == 0 else pixel[0]
                rgb, alpha = [grey] * 3, pixel[1] if colour == 4 else 255
            else:
                rgb, alpha = pixel[:3], pixel[3] if colour == 6 else 255
            out += bytes(part * alpha // 255 for part in rgb)
    return out


def encoded(png, drawing: dict[str, Any]) -> bytes:
    channels, depth = CHANNELS[drawing["colour"]], drawing["depth"]
    step = max(depth * channels // 8, 1)
    kinds = iter(drawing["kinds"])
    passes = ADAM7 if drawing["interlaced"] else ((0, 0, 1, 1),)
    raw = b""
    for left, top, across, down in passes:
        rows = []
        for row in drawing["samples"][top::down]:
            columns = range(left, drawing["width"], across)
            rows.append(packed([row[x * channels + part] for x in columns for part in range(channels)], depth))
        if rows and rows[0]:
            raw += filtered(rows, [next(kinds) for _ in rows], step)
    extra = b""
    if drawing["colour"] == 3:
        extra = struct.pack(">I4s", 768, b"PLTE") + drawing["palette"] + b"\0\0\0\0"
        extra += struct.pack(">I4s", len(drawing["alphas"]), b"tRNS") + drawing["alphas"] + b"\0\0\0\0"
    return png(
        drawing["width"], drawing["height"], raw, depth=depth, colour=drawing["colour"],
        interlace=int(drawing["interlaced"]), extra=extra,
    )  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(drawing=drawings())
def test_every_kind_of_png_is_decoded(png, drawing):
    picture = decode_png(encoded(png, drawing))
    assert (picture.width, picture.height) == (drawing["width"], drawing["height"])
    assert picture.rgb == expected(drawing)


def test_opaque_and_short_palettes(png):
    assert decode_png(png(1, 1, b"\0\x0a\x14\x1e\xff", colour=6)).pixel(0, 0) == (10, 20, 30)
    short = struct.pack(">I4s", 3, b"PLTE") + b"\x01\x02\x03\0\0\0\0"
    assert decode_png(png(2, 1, b"\0\x00\x01", colour=3, extra=short)).rgb == b"\x01\x02\x03\0\0\0"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda png: png(1, 1, b"\0", colour=3),
        lambda png: png(1, 1, b"\0\0\0\0", colour=5),
        lambda png: png(1, 1, b"\0\0\0\0", depth=3),
        lambda png: png(0, 1, b""),
        lambda png: png(2, 2, b"\0\0\0\0"),
        lambda png: png(1, 1, b"\x09\0\0\0"),
        lambda png: png(3000, 3000, b""),
        lambda png: png(1, 1, b"\0\0\0\0").replace(b"IDAT", b"IDOT"),
        lambda png: png(1, 1, b"\0\0\0\0")[:45],
        lambda _: b"\x89PNG\r\n\x1a\n",
    ],
)
def test_broken_pictures_are_unreadable(png, spoil):
    with pytest.raises(UnreadableError):
        decode_png(spoil(png))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(noise=st.binary(max_size=80))
def test_noise_is_unreadable_and_nothing_worse(noise):
    with pytest.raises(UnreadableError):
        decode_png(b"\x89PNG\r\n\x1a\n" + noise)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"), ((255, 255, 255), "white"), ((128, 128, 128), "grey"), ((214, 39, 40), "red"),
        ((255, 127, 14), "orange"), ((250, 230, 20), "yellow"), ((44, 160, 44), "green"), ((23, 190, 207), "cyan"),
        ((31, 119, 180), "blue"), ((148, 103, 189), "purple"), ((255, 105, 180), "pink"), ((140, 86, 75), "brown"),
        ((255, 182, 193), "pink"), ((200, 0, 20), "red"), ((255, 0, 20), "red"),
    ],
)  # fmt: skip
def test_colours_have_plain_names(rgb, name):
    assert colour_name(*rgb) == name


def test_a_bar_chart_is_measured(chart):
    measured = measure(decode_png(chart))
    assert measured.background == "white"
    assert [bar.colour for bar in measured.bars] == ["red", "green", "blue"]
    assert measured.upright
    assert measured.lengths() == [40, 100, 70]


def test_lying_bars_are_measured(painted):
    bars = painted(100, 60, (10, 5, 90, 15, (220, 30, 30)), (10, 25, 50, 35, (30, 60, 210)), background=(0, 0, 0))
    measured = measure(decode_png(bars))
    assert not measured.upright
    assert measured.lengths() == [100, 50]
    said = describe(Medium("image", "png", bars))
    assert "from top to bottom: red (100%), blue (50%)" in said
    assert "longest is bar 1" in said
    assert "从上到下" in describe(Medium("image", "png", bars), chinese=True)


def test_large_pictures_are_measured_on_a_grid(painted):
    picture = painted(1200, 300, (100, 100, 400, 300, (220, 30, 30)), (600, 200, 900, 300, (30, 160, 40)))
    assert measure(decode_png(picture)).lengths() == [100, 50]


def test_one_pixel():
    measured = measure(Picture(1, 1, b"\xff\0\0"))
    assert (measured.background, measured.areas, measured.bars) == ("red", [], [])


def test_areas_that_are_no_bars(painted):
    spots = painted(60, 60, (5, 5, 15, 15, (220, 30, 30)), (30, 40, 40, 55, (30, 60, 210)))
    said = describe(Medium("image", "png", spots))
    assert "60x60" in said
    assert "2 distinct coloured areas: red, blue" in said
    assert "2 个不同的色块" in describe(Medium("image", "png", spots), chinese=True)
    one = painted(20, 20, (5, 5, 15, 15, (220, 30, 30)))
    assert "1 distinct coloured area: red" in describe(Medium("image", "png", one))
    blank = painted(20, 20)
    assert "no distinct coloured areas" in describe(Medium("image", "png", blank))
    assert "没有明显的色块" in describe(Medium("image", "png", blank), chinese=True)


JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x01"
GIF = b"GIF89a\x20\x00\x10\x00"
WEBP = {
    b"VP8 ": b"RIFF....WEBPVP8 ....\0\0\0\x9d\x01\x2a\x20\x00\x10\x00",
    b"VP8L": b"RIFF....WEBPVP8L....\x2f" + struct.pack("<I", 31 | 15 << 14),
    b"VP8X": b"RIFF....WEBPVP8X....\0\0\0\0" + bytes((31, 0, 0, 15, 0, 0)),
}


@pytest.mark.parametrize(("form", "data"), [("jpeg", JPEG), ("gif", GIF), *(("webp", data) for data in WEBP.values())])
def test_sizes_of_other_formats_stand_in_their_headers(form, data):
    assert size_of(form, data) == (32, 16)
    medium = Medium("image", form, data)
    assert f"{form.upper()} picture of 32x16 pixels" in describe(medium)
    assert "32x16" in describe(medium, chinese=True)


@pytest.mark.parametrize(("form", "data"), [("jpeg", JPEG[:10]), ("gif", GIF[:8]), ("webp", b"RIFF....WEBPABCD")])
def test_sizes_that_are_not_there(form, data):
    assert size_of(form, data) is None
    assert "unknown pixels" in describe(Medium("image", form, data))
    assert "未知" in describe(Medium("image", form, data), chinese=True)


def test_a_picture_that_cannot_be_decoded_is_said_so(png):
    broken = png(4, 4, b"")
    assert "could not be decoded" in describe(Medium("image", "png", broken))
    assert "无法解码" in describe(Medium("image", "png", broken), chinese=True)
