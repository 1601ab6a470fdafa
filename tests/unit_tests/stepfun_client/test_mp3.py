"""MP3 frames: walked past tags and junk, with the length that players show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client.audio.frames import frame_header, id3_size
from stepfun_client.audio.information import blank, corrected, frames_told, gapless, is_information
from stepfun_client.audio.mp3 import Mp3, mp3_info
from tests.unit_tests.stepfun_client.sounds import encoded

TONE = encoded("mp3", samples=24000)
VARIABLE = encoded("mp3", samples=48000, bitrate_mode="VARIABLE", compression_level=0.5)
ID3V1 = b"TAG" + bytes(125)
APE = b"APETAGEX" + bytes(24)


def id3(size: int, *, flags: int = 0) -> bytes:
    footer = b"3DI" + bytes(7) if flags & 0x10 else b""
    return (
        b"ID3\x04\x00"
        + bytes([flags, size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
        + (bytes(size) + footer)
    )


def told(data: bytes) -> Mp3:
    info = mp3_info(data)
    assert info is not None
    return info


def sound(data: bytes) -> bytes:
    return b"".join(data[begin:end] for begin, end in told(data).spans)


def silent(count: int = 3) -> bytes:
    """Frames of 24 kHz, mono, 48 kbit/s, without an information frame."""
    return (bytes.fromhex("fff364c4") + bytes(140)) * count


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0xFFFB9064, (417, 1152, 44100, 2, 128_000, 32)),
        (0xFFFB92C4, (418, 1152, 44100, 1, 128_000, 17)),  # padded
        (0xFFF364C4, (144, 576, 24000, 1, 48_000, 9)),
        (0xFFE36844, (432, 576, 8000, 2, 48_000, 17)),
    ],
)
def test_headers_of_all_three_versions(word, expected):
    header = frame_header(word)
    assert header is not None
    found = (header.size, header.samples, header.sample_rate, header.channels, header.bit_rate, header.side_size)
    assert found == expected


@pytest.mark.parametrize(
    "word",
    [0xFFEB9064, 0xFFFD9064, 0xFFFBF064, 0xFFFB0064, 0xFFFB9C64, 0x7FFB9064],
    ids=["version", "layer", "bit rate", "free format", "rate", "sync"],
)
def test_what_is_no_header(word):
    assert frame_header(word) is None


def test_the_information_frame_is_no_sound_and_silence_around_the_sound_does_not_count():
    info = told(TONE)
    assert info.info == (0, info.spans[0][0])
    assert is_information(TONE[: info.info[1]], info.side_size)
    assert (info.delay, info.spans) == (576, ((info.info[1], len(TONE)),))
    assert info.frames * 576 - info.delay - info.padding == 24000
    assert info.duration_seconds == 1.0


def test_without_an_information_frame_every_frame_counts():
    info = told(sound(TONE))
    assert (info.info, info.delay, info.padding) == (None, 0, 0)
    assert info.duration_seconds == info.frames * 576 / 24000


def test_a_fraunhofer_information_frame_is_no_sound_either():
    frame = bytearray(silent(1))
    frame[36:40] = b"VBRI"
    info = told(bytes(frame) + silent(3))
    assert (info.info, info.frames, info.delay) == ((0, 144), 3, 0)


def test_an_information_frame_behind_a_checksum():
    frame = bytearray(silent(1))
    frame[6 + 9 : 6 + 13] = b"Xing"
    assert told(bytes(frame) + silent(3)).info == (0, 144)


def test_an_information_frame_without_the_encoders_part_tells_no_silence():
    frame = bytearray(silent(1))
    frame[4 + 9 : 4 + 13] = b"Info"
    assert gapless(bytes(frame), 9) == (0, 0)
    assert gapless(bytes(frame[:16]), 9) == (0, 0)


def test_silence_that_would_leave_nothing_is_not_believed():
    frame = TONE[: told(TONE).info[1]]
    first = frame_header(int.from_bytes(sound(TONE)[:4], "big"))
    info = told(frame + sound(TONE)[: first.size])  # a file that was cut off behind its first frame
    assert (info.frames, info.delay, info.padding) == (1, 0, 0)
    assert info.duration_seconds == 576 / 24000


@pytest.mark.parametrize("flags", [0, 0x10])
@pytest.mark.parametrize("size", [0, 1, 127, 128, 300])
def test_tags_at_the_start_are_passed(size, flags):
    tag = id3(size, flags=flags)
    assert id3_size(tag + TONE) == len(tag)
    assert id3_size(tag + tag + TONE) == 2 * len(tag)
    assert sound(tag + TONE) == sound(TONE)
    assert told(tag + TONE).tag_end == len(tag)


@pytest.mark.parametrize("tail", [ID3V1, APE, APE + ID3V1, b"\x00" * 7, b"junk", b"\xff" * 50], ids=repr)
def test_what_stands_at_the_end_is_no_sound(tail):
    assert sound(TONE + tail) == sound(TONE)
    assert told(TONE + tail).duration_seconds == 1


@pytest.mark.parametrize("junk", [b"junk", b"\xff\xfb\x90", id3(40), ID3V1, bytes(1000), b"\xff" * 9], ids=repr)
def test_junk_between_frames_is_passed(junk):
    first, second = sound(TONE), sound(TONE)
    data = first + junk + second
    assert sound(data) == first + second
    assert told(data).size == len(first + second)
    assert len(told(data).spans) == 2


def test_a_frame_that_was_cut_off_is_left_out():
    assert sound(silent(3) + silent(1)[:100]) == silent(3)
    assert sound(silent(3) + silent(1)[:3]) == silent(3)
    assert sound(silent(1)) == silent(1)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfb\x90\x64" + bytes(500), b"words", id3(20), id3(20)[:15]])
def test_where_there_is_no_frame_nothing_is_told(data):
    assert mp3_info(data) is None


def test_one_bit_rate_or_several():
    assert told(silent()).bit_rate == 48_000
    assert told(silent() + bytes.fromhex("fff394c4") + bytes(236)).bit_rate is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_frames_never_overlap_and_never_leave_the_file(noise, cut):
    data = noise + silent(2)[:cut] + noise + silent(2)
    info = mp3_info(data)
    if info is not None:
        borders = [0, *(border for span in info.spans for border in span), len(data)]
        assert borders == sorted(borders)
        assert info.duration_seconds > 0


# The information frame, corrected


def frame_of(data: bytes) -> tuple[bytes, Mp3]:
    info = told(data)
    assert info.info is not None
    return data[slice(*info.info)], info


@pytest.mark.parametrize("data", [TONE, encoded("mp3", samples=48000, rate=48000, channels=2)], ids=["mono", "stereo"])
def test_corrected_for_its_own_file_it_says_what_lame_wrote(data):
    """Counts, bytes and LAME's own checksum; places to seek are even, the checksum of the music is not computed."""
    frame, info = frame_of(data)
    again = corrected(
        frame,
        info.side_size,
        parts=[(info.frames, info.size)],
        padding=info.padding,
        is_constant=frame[4 + info.side_size :].startswith(b"Info"),
    )
    start = 4 + info.side_size
    lame = start + 120
    assert again[: start + 16] == frame[: start + 16]
    assert again[start + 116 : lame + 32] == frame[start + 116 : lame + 32]
    assert again[lame + 32 : lame + 34] == bytes(2)
    assert again[lame + 36 :] == frame[lame + 36 :]


def test_lames_checksum_is_computed_as_lame_does():
    from stepfun_client.audio.information import _crc16

    frame, info = frame_of(TONE)
    end = 4 + info.side_size + 120 + 34
    assert _crc16(frame[:end]) == int.from_bytes(frame[end : end + 2], "big")


def test_a_variable_bit_rate_is_said():
    frame, info = frame_of(VARIABLE)
    name = 4 + info.side_size
    for constant, letters in ((True, b"Info"), (False, b"Xing")):
        new = corrected(frame, info.side_size, parts=[(9, 900)], padding=0, is_constant=constant)
        assert new[name : name + 4] == letters
        assert int.from_bytes(new[name + 8 : name + 12], "big") == 9
        assert int.from_bytes(new[name + 12 : name + 16], "big") == 900 + len(frame)


def test_one_with_nothing_but_its_name_stays_so():
    frame = bytearray(silent(1))
    frame[13:17] = b"Info"
    assert frames_told(bytes(frame), 9) is None
    assert corrected(bytes(frame), 9, parts=[(1, 144)], padding=0, is_constant=True) == bytes(frame)


def test_one_of_another_kind_cannot_be_corrected():
    frame = bytearray(silent(1))
    frame[36:40] = b"VBRI"
    assert frames_told(bytes(frame), 9) is None
    with pytest.raises(ValueError, match="Xing"):
        corrected(bytes(frame), 9, parts=[(1, 144)], padding=0, is_constant=True)


@pytest.mark.parametrize("word", [0xFFFB9064, 0xFFFA92C4, 0xFFF364C4, 0xFFE31844], ids=hex)
def test_a_new_one_has_the_streams_version_rate_and_channels_and_room(word):
    frame = blank(word)
    header, model = frame_header(int.from_bytes(frame[:4], "big")), frame_header(word)
    assert len(frame) == header.size
    assert (header.sample_rate, header.channels, header.samples) == (model.sample_rate, model.channels, model.samples)
    assert is_information(frame, header.side_size)
    assert (
        frames_told(corrected(frame, header.side_size, parts=[(7, 700)], padding=0, is_constant=True), header.side_size)
        == 7
    )


@pytest.mark.parametrize("word", [0, 0xFFF9_0000])
def test_there_is_no_new_one_for_what_is_no_header(word):
    assert blank(word) == b""
