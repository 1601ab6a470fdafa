"""Whatever holds a picture, a video or a sound becomes the part WIRE.md section 4 describes, or a clear refusal."""

from __future__ import annotations

import base64
import io
import struct
import tracemalloc
import wave
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepfun_client.errors import InvalidParameterError, StepFunError
from stepfun_client.media import (
    MAX_VIDEO_BYTES,
    Media,
    audio_part,
    check_image_count,
    file_id_url,
    image_part,
    load,
    sniff,
    video_part,
    wav_info,
)


def iso(brand: bytes, *compatible: bytes) -> bytes:
    brands = brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\x00\x00\x00\x08free"


def wav(samples: bytes = bytes(480), *, rate: int = 24000, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, width, rate, 0, "NONE", ""))
        writer.writeframes(samples)
    return file.getvalue()


def gif(frames: int, *, palette: bool = False, local_palette: bool = False, comment: bool = False) -> bytes:
    flags, table = (0x81, bytes(12)) if palette else (0, b"")
    local_flags, local_table = (0x80, bytes(6)) if local_palette else (0, b"")
    control = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    frame = control + struct.pack("<BHHHHB", 0x2C, 0, 0, 1, 1, local_flags) + local_table + b"\x02\x02\x44\x01\x00"
    remark = b"\x21\xfe\x05a,;!b\x02cd\x00" if comment else b""
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, flags, 0, 0) + table + remark + frame * frames + b";"


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "
MP4, MOV = iso(b"isom", b"mp42"), iso(b"qt  ")
MKV = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska"
WEBM = b"\x1a\x45\xdf\xa3\x8f\x42\x82\x84webm"
MP3 = b"\xff\xfb\x90\x00" + bytes(64)

SNIFFED = [
    (JPEG, "image/jpeg"),
    (PNG, "image/png"),
    (WEBP, "image/webp"),
    (gif(1), "image/gif"),
    (b"GIF87a", "image/gif"),
    (b"II*\x00....", "image/tiff"),
    (b"MM\x00*....", "image/tiff"),
    (b"BM" + bytes(12) + b"\x28\x00\x00\x00", "image/bmp"),
    (iso(b"avif"), "image/avif"),
    (iso(b"heic"), "image/heic"),
    (iso(b"mif1", b"avif"), "image/avif"),
    (iso(b"mif1", b"heic"), "image/heic"),
    (b'\xef\xbb\xbf\n<?xml version="1.0"?>\n<!-- a --><svg xmlns="x"/>', "image/svg+xml"),
    (b"<svg/>", "image/svg+xml"),
    (b"<!DOCTYPE HTML><p>404", "text/html"),
    (MP4, "video/mp4"),
    (MOV, "video/quicktime"),
    (b"\x00\x00\x10\x00moov" + bytes(16), "video/quicktime"),
    (MKV, "video/x-matroska"),
    (WEBM, "video/webm"),
    (b"RIFF\x00\x00\x00\x00AVI LIST", "video/x-msvideo"),
    (wav(), "audio/wav"),
    (MP3, "audio/mpeg"),
    (b"\xff\xf3\x44\xc4", "audio/mpeg"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x02..", "audio/mpeg"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x02..fLaC", "audio/flac"),
    (b"\xff\xf1\x50\x80", "audio/aac"),
    (b"OggS\x00\x02", "audio/ogg"),
    (b"fLaC\x00\x00", "audio/flac"),
    (b"#!AMR\n", "audio/amr"),
    (iso(b"M4A "), "audio/mp4"),
    (b"%PDF-1.7", "application/pdf"),
    (b"PK\x03\x04....", "application/zip"),
]
INCONCLUSIVE = [
    b"",
    b"\xff",
    b"RIFF\x00\x00\x00\x00sfbk",
    b"just words",
    b"BM, the abbreviation",
    "text in UTF-16".encode("utf-16"),
    b"\xff\xeb\x90\x00",  # the reserved MPEG version
    b"\xff\xfb\xf0\x00",  # a bit rate that does not exist
    b"\xff\xfb\x9c\x00",  # a sample rate that does not exist
    b"<?xml version='1.0'?><note/>",
]


# Sniffing


@pytest.mark.parametrize(("data", "media_type"), SNIFFED, ids=lambda value: value if isinstance(value, str) else "")
def test_sniff_tells_the_type_from_the_content(data, media_type):
    assert sniff(data) == media_type
    assert sniff(data + bytes(10_000)) == media_type


@pytest.mark.parametrize("data", INCONCLUSIVE)
def test_sniff_admits_what_it_cannot_tell(data):
    assert sniff(data) is None


@given(st.binary(max_size=200))
@example(b"GIF89a,")
def test_sniff_reads_anything(data):
    assert sniff(data) is None or "/" in sniff(data)


# Sources


def expected_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("hold", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda hold: hold.__name__)
def test_bytes_in_any_form_become_a_data_uri(hold):
    assert image_part(hold(PNG)) == {"type": "image_url", "image_url": {"url": expected_uri("image/png", PNG)}}


def test_a_path_is_read(tmp_path):
    path = tmp_path / "clip.mov"
    path.write_bytes(MOV)
    assert video_part(path) == {"type": "video_url", "video_url": {"url": expected_uri("video/quicktime", MOV)}}


def test_a_path_need_not_be_pathlibs(tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)

    class ElsewherePath:
        def __fspath__(self):
            return str(tmp_path / "a.png")

    assert load(ElsewherePath()) == Media(PNG, "image/png", "a.png")


def test_a_missing_file_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        image_part(tmp_path / "nowhere.png")


def test_a_file_is_read_from_where_it_stands_and_left_open():
    file = io.BytesIO(b"skip" + MP3)
    file.seek(4)
    assert audio_part(file) == {"type": "input_audio", "input_audio": {"data": expected_uri("audio/mpeg", MP3)}}
    assert not file.closed
    assert file.read() == b""


def test_a_raw_file_that_reads_in_small_pieces_is_read_whole():
    class Dripping(io.RawIOBase):
        rest = PNG

        def read(self, size=-1):
            piece, self.rest = self.rest[:7], self.rest[7:]
            return piece

    assert load(Dripping()).data == PNG


def test_an_open_file_keeps_its_name(tmp_path):
    (tmp_path / "voice.wav").write_bytes(wav())
    with (tmp_path / "voice.wav").open("rb") as file:
        assert load(file).name == "voice.wav"


@pytest.mark.parametrize("url", ["https://example.com/a b.jpg", "HTTP://EXAMPLE.COM", "stepfile://file-abc"])
def test_urls_are_passed_on_unseen(url):
    assert image_part(url)["image_url"] == {"url": url}
    assert video_part(url)["video_url"] == {"url": url}


@pytest.mark.parametrize("detail", ["low", "high"])
def test_detail_is_sent_only_when_asked_for(detail):
    assert image_part(PNG, detail=detail)["image_url"]["detail"] == detail
    assert "detail" not in image_part(PNG)["image_url"]


@pytest.mark.parametrize("file_id", ["file-abc", "stepfile://file-abc"])
def test_file_ids_become_urls(file_id):
    assert file_id_url(file_id) == "stepfile://file-abc"


# Data URIs


@given(data=st.binary(max_size=100))
def test_data_uris_come_back_as_they_were_written(data):
    media = Media(JPEG + data, "image/jpeg")
    assert media.data_uri() == expected_uri("image/jpeg", media.data)
    assert load(media.data_uri()) == media
    assert image_part(media.data_uri())["image_url"]["url"] == media.data_uri()


@pytest.mark.parametrize("size", [3 * 2**20 - 1, 3 * 2**20, 3 * 2**20 + 1, 7_000_000])
def test_long_data_is_encoded_in_pieces_that_join(size):
    data = JPEG + bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert Media(data, "image/jpeg").data_uri() == expected_uri("image/jpeg", data)


def test_encoding_a_large_file_never_holds_its_text_three_times():
    data = MP4 + bytes(20_000_000)
    tracemalloc.start()
    video_part(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.7 * len(data)  # twice 4/3: the text grows in place, but not while a tracer such as coverage watches


def test_data_without_a_type_says_so():
    assert Media(b"??").data_uri() == "data:application/octet-stream;base64,Pz8="


@pytest.mark.parametrize(
    "head", ["data:image/jpg;base64,", "DATA:image/png;base64,", "data:;base64,", "data:image/jpeg;x=y;base64,"]
)
def test_a_data_uris_header_is_put_right_by_its_content(head):
    uri = head + base64.b64encode(JPEG).decode()
    assert image_part(uri)["image_url"]["url"] == expected_uri("image/jpeg", JPEG)


def test_line_ends_in_base64_are_removed():
    uri = "data:image/png;base64," + base64.encodebytes(PNG).decode()
    assert image_part(uri)["image_url"]["url"] == expected_uri("image/png", PNG)


# What decides the type


def test_content_beats_name_and_stated_type(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(JPEG)
    assert image_part(path, media_type="image/webp")["image_url"]["url"] == expected_uri("image/jpeg", JPEG)


@pytest.mark.parametrize("stated", ["audio/mp3", "Audio/MPEG; rate=1", "audio/mpeg"])
def test_a_stated_type_counts_where_the_content_says_nothing(stated):
    assert audio_part(b"????", media_type=stated)["input_audio"]["data"] == expected_uri("audio/mpeg", b"????")


@pytest.mark.parametrize("stated", [None, "", "audio/*"])
def test_the_name_counts_last(tmp_path, stated):
    path = tmp_path / "SONG.MP3"
    path.write_bytes(b"????")
    assert audio_part(path, media_type=stated)["input_audio"]["data"] == expected_uri("audio/mpeg", b"????")
    assert audio_part(path, media_type="audio/x-wav")["input_audio"]["data"] == expected_uri("audio/wav", b"????")


@pytest.mark.parametrize(
    ("part", "data"),
    [(image_part, data) for data in (JPEG, PNG, WEBP, gif(1))]
    + [(video_part, data) for data in (MP4, MOV, MKV)]
    + [(audio_part, data) for data in (wav(), MP3)],
)
def test_every_documented_format_passes(part, data):
    (payload,) = (value for key, value in part(data).items() if key != "type")
    (uri,) = payload.values()
    assert uri == expected_uri(sniff(data), data)


# Refusals


def refusal(call, *args, **kwargs) -> InvalidParameterError:
    with pytest.raises(InvalidParameterError) as caught:
        call(*args, **kwargs)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, StepFunError)
    return caught.value


@pytest.mark.parametrize(
    ("part", "source", "param", "words"),
    [
        (image_part, b"<svg/>", "image_url", ["image/svg+xml", "JPEG, PNG, WebP, static GIF", "Convert"]),
        (image_part, MP4, "image_url", ["video/mp4", "Send it as a video"]),
        (image_part, b"%PDF-1.7", "image_url", ["application/pdf"]),
        (image_part, b"<html>404", "image_url", ["text/html"]),
        (image_part, b"words", "image_url", ["cannot tell", "media_type='image/jpeg'"]),
        (image_part, gif(2), "image_url", ["animated GIF", "static", "ffmpeg", "as a video"]),
        (image_part, b"", "image_url", ["empty"]),
        (image_part, io.BytesIO(), "image_url", ["empty"]),
        (image_part, "data:image/png;base64,", "image_url", ["empty"]),
        (video_part, WEBM, "video_url", ["video/webm", "MP4, QuickTime (.mov), Matroska (.mkv)", "ffmpeg -i"]),
        (video_part, PNG, "video_url", ["image/png", "Send it as a picture"]),
        (audio_part, b"OggS....", "input_audio", ["audio/ogg", "WAV, MP3", "ffmpeg -i"]),
        (audio_part, MOV, "input_audio", ["Send it as a video"]),
        (audio_part, "https://example.com/a.mp3", "input_audio", ["by URL", "Download"]),
        (audio_part, "stepfile://file-abc", "input_audio", ["by URL", "Download"]),
        (image_part, "photo.png", "image_url", ["'photo.png'", "pathlib.Path"]),
        (image_part, "file:///photo.png", "image_url", ["pathlib.Path"]),
        (image_part, "iVBORw0KGgo=" * 100, "image_url", ["not guessed", "bytes"]),
        (image_part, io.StringIO("text"), "image_url", ["text mode", "'rb'"]),
        (image_part, None, "image_url", ["NoneType", "pathlib.Path"]),
        (image_part, 7, "image_url", ["int"]),
        (image_part, "data:image/png,plain", "image_url", ["not a base64 data URI"]),
        (image_part, "data:image/png;base64", "image_url", ["not a base64 data URI"]),
        (image_part, "data:image/png;base64,####", "image_url", ["malformed"]),
        (image_part, "data:image/png;base64,iVBORw0KGg", "image_url", ["malformed"]),
        (image_part, "data:image/png;base64,图片", "image_url", ["malformed"]),
        (load, "https://example.com/a.pdf", "file", ["is a URL", "Download"]),
    ],
)
def test_refusals_say_what_is_wrong_and_what_to_do(part, source, param, words):
    error = refusal(part, source)
    assert error.param == param
    for word in words:
        assert word in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize("detail", ["auto", "", ["low"]])
def test_an_unknown_detail_is_refused(detail):
    error = refusal(image_part, PNG, detail=detail)
    assert error.param == "detail"
    assert "'low' or 'high'" in str(error)


@pytest.mark.parametrize("file_id", ["", "stepfile://", "https://example.com", "file abc", "data:,x"])
def test_what_is_no_file_id_is_refused(file_id):
    assert refusal(file_id_url, file_id).param == "file_id"


def test_a_stepfile_url_without_an_id_is_refused_in_a_part():
    assert "storage" in str(refusal(image_part, "stepfile://"))


def test_a_large_video_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(MAX_VIDEO_BYTES + 1)  # sparse: takes no room
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("the file was read"))
    message = str(refusal(video_part, path))
    assert "134,217,729 bytes" in message
    assert "at most 128 MB" in message
    assert "ffmpeg -i input.mp4 -c copy -f segment -segment_time 120 -reset_timestamps 1 output_%d.mp4" in message


@pytest.mark.parametrize("size", [9, 10, 11])
@pytest.mark.parametrize("form", ["bytes", "file", "path", "uri"])
def test_the_limit_itself_is_allowed_in_every_form(tmp_path, form, size):
    data = b"x" * size
    (tmp_path / "f").write_bytes(data)
    source = {
        "bytes": data,
        "file": io.BytesIO(data),
        "path": tmp_path / "f",
        "uri": expected_uri("image/png", data),
    }[form]
    if size <= 10:
        assert load(source, max_bytes=10).data == data
    else:
        assert f"{size} bytes" in str(refusal(load, source, max_bytes=10, param="upload"))


def test_an_endless_file_is_given_up_at_the_limit():
    class Endless:
        def read(self, size):
            return b"x" * size

    assert "at least" in str(refusal(load, Endless(), max_bytes=5_000_000))


def test_the_content_stays_out_of_repr():
    assert repr(Media(b"secret", None, "a")) == "Media(media_type=None, name='a')"


# Animated GIFs


@given(
    frames=st.integers(0, 3),
    palette=st.booleans(),
    local_palette=st.booleans(),
    comment=st.booleans(),
    cut=st.booleans(),
)
def test_only_gifs_of_several_frames_are_animated(frames, palette, local_palette, comment, cut):
    data = gif(frames, palette=palette, local_palette=local_palette, comment=comment)
    data = data[:-1] if cut else data  # without the trailer
    if frames > 1:
        assert "animated" in str(refusal(image_part, data))
    else:
        assert image_part(data)["image_url"]["url"] == expected_uri("image/gif", data)


@given(st.binary(max_size=60))
def test_broken_gifs_are_judged_by_what_is_there(rest):
    try:
        outcome = image_part(b"GIF89a" + rest)["image_url"]["url"]
    except InvalidParameterError as error:
        outcome = str(error)
    assert outcome.startswith("data:image/gif;base64,") or "animated" in outcome


# Image count


def message(images: int) -> dict:
    return {"role": "user", "content": [image_part(PNG)] * images + [{"type": "text", "text": "?"}]}


def test_images_are_counted_over_all_messages():
    history = [{"role": "system", "content": "x"}, message(30), {"role": "assistant", "content": None}, message(30)]
    assert check_image_count(history) == 60
    error = refusal(check_image_count, [*history, message(1)])
    assert "61 images" in str(error)
    assert "at most 60" in str(error)


def test_parts_are_counted_too():
    assert check_image_count([image_part(PNG), video_part(MP4), {"type": "text", "text": "?"}]) == 1
    assert check_image_count([{"role": "user", "content": ("text", image_part(PNG))}]) == 1
    assert check_image_count([]) == 0


# WAV


def chunk(name: bytes, content: bytes, *, size: int | None = None, pad: bool = True) -> bytes:
    padding = b"\x00" if pad and len(content) % 2 else b""
    return name + struct.pack("<I", len(content) if size is None else size) + content + padding


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 24000, 48000, 2, 16))
LIST = chunk(b"LIST", b"INFOISFT\x0e\x00\x00\x00Lavf58.29.100\x00")  # as long as in the recording: samples at byte 78
LABEL = b'{"AIGC": {"Label": "1"}}'


@given(
    rate=st.integers(1, 192_000),
    channels=st.integers(1, 8),
    width=st.sampled_from([1, 2, 3, 4]),
    frames=st.integers(0, 50),
)
def test_wav_info_agrees_with_pythons_writer(rate, channels, width, frames):
    samples = bytes(range(1, 201))[: width * channels] * frames
    data = wav(samples, rate=rate, channels=channels, width=width)
    info = wav_info(data)
    assert (info.sample_rate, info.channels, info.bits) == (rate, channels, width * 8)
    assert data[info.data_offset : info.data_offset + info.data_size] == samples
    assert info.duration_seconds == pytest.approx(frames / rate)
    assert info.aigc is None


@given(
    samples=st.binary(max_size=60),
    before=st.lists(st.binary(max_size=9), max_size=3),
    label=st.binary(min_size=1, max_size=60),
)
def test_wav_info_walks_past_any_chunk(samples, before, label):
    junk = [chunk(b"junk", content) for content in before]
    data = riff(*junk, FMT, *junk, chunk(b"data", samples), *junk, chunk(b"AIGC", label))
    info = wav_info(data)
    assert data[info.data_offset : info.data_offset + info.data_size] == samples
    assert info.aigc == label


def test_a_reply_like_stepfuns_has_its_samples_at_byte_78():
    data = riff(FMT, LIST, chunk(b"data", bytes(48000)), chunk(b"AIGC", LABEL))
    info = wav_info(data)
    assert (info.data_offset, info.data_size, info.duration_seconds, info.aigc) == (78, 48000, 1.0, LABEL)


@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("riff_size", [0, 36, 0xFFFFFFFF])
def test_streaming_headers_reach_to_the_end(data_size, riff_size):
    samples = b"\x01\x02" * 500
    info = wav_info(riff(FMT, chunk(b"data", samples, size=data_size), size=riff_size))
    assert (info.data_offset, info.data_size, info.aigc) == (44, 1000, None)


@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("label", [LABEL, LABEL + b"!"], ids=["even", "odd"])
@pytest.mark.parametrize("pad", [True, False])
def test_streaming_headers_stop_at_the_label(data_size, label, pad):
    samples = b"not AIGC\x00\x00\x00\x00 but samples."
    data = riff(
        FMT, chunk(b"data", samples, size=data_size, pad=False), chunk(b"AIGC", label, pad=pad), size=0xFFFFFFFF
    )
    info = wav_info(data)
    assert info.data_size == len(samples)
    assert info.aigc == label


def test_a_label_may_follow_no_samples_at_all():
    info = wav_info(riff(FMT, chunk(b"data", b""), chunk(b"AIGC", LABEL)))
    assert (info.data_size, info.duration_seconds, info.aigc) == (0, 0.0, LABEL)


def test_forgotten_padding_is_forgiven():
    info = wav_info(riff(FMT, chunk(b"data", b"\x01\x02\x03", pad=False), chunk(b"AIGC", LABEL)))
    assert (info.data_size, info.aigc) == (3, LABEL)


@pytest.mark.parametrize(("bits", "seconds"), [(16, 0.5), (0, 0.0)])
def test_a_byte_rate_of_zero_is_worked_out_or_given_up(bits, seconds):
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 1000, 0, 2, bits))
    assert wav_info(riff(form, chunk(b"data", bytes(1000)))).duration_seconds == seconds


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a WAV file"),
        (MP3, "not a WAV file"),
        (WEBP, "not a WAV file"),
        (riff(), "format chunk"),
        (riff(chunk(b"data", b"1234")), "format chunk"),
        (riff(chunk(b"fmt ", b"short"), chunk(b"data", b"1234")), "format chunk"),
        (riff(FMT), "samples chunk"),
        (riff(FMT)[:-4], "format chunk"),
    ],
)
def test_broken_wavs_are_refused(data, words):
    assert words in str(refusal(wav_info, data))


@given(st.binary(max_size=80))
def test_wav_info_reads_or_refuses_anything(rest):
    data = b"RIFF\x00\x00\x00\x00WAVE" + FMT + rest
    try:
        info = wav_info(data)
    except InvalidParameterError:
        return
    assert 0 <= info.data_offset <= info.data_offset + info.data_size <= len(data)
