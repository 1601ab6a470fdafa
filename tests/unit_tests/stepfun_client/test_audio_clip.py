"""Audio: told by its content, measured, shown, saved."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import struct
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepfun_client
from stepfun_client import Audio, InvalidParameterError
from stepfun_client.audio.durations import measure
from stepfun_client.riff import wav_info
from tests.unit_tests.stepfun_client.sounds import LABEL, encoded, seconds_heard, service_wav, wave_samples

SECOND = bytes(48000)  # of bare samples at 24 kHz

# What it is


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "opus"])
@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_told_and_measured_as_libsndfile_plays_it(form, rate, channels):
    audio = Audio.of(encoded(form, samples=2 * rate + 777, rate=rate, channels=channels))
    assert (audio.format, audio.sample_rate, audio.channels) == (form, rate, channels)
    assert audio.duration_seconds == pytest.approx(seconds_heard(audio), abs=1e-9)


@pytest.mark.parametrize("rate", [11025, 22050, 32000, 44100])
def test_mp3_of_the_other_rates_too(rate):
    audio = Audio.of(encoded("mp3", samples=rate, rate=rate))
    assert audio.duration_seconds == pytest.approx(1)


def test_bare_samples_are_believed_and_last_as_long_as_their_rate_says():
    audio = Audio.of(SECOND, format="pcm", sample_rate=24000)
    assert (audio.format, audio.duration_seconds, audio.media_type) == ("pcm", 1.0, "audio/pcm")
    assert Audio.of(SECOND, format="pcm", sample_rate=24000, channels=2).duration_seconds == 0.5
    assert Audio.of(SECOND, format="pcm").duration_seconds is None
    assert Audio.of(SECOND, format="pcm", duration_seconds=1.5).duration_seconds == 1.5


def test_loud_bare_samples_are_no_mp3_but_a_file_is_what_it_is():
    assert Audio.of(b"\xff\xfb\x90\x00" * 100, format="pcm").format == "pcm"
    assert Audio.of(service_wav(SECOND), format="pcm").format == "wav"
    assert Audio.of(encoded("mp3"), format="wav").format == "mp3"


def test_websocket_format_names_mean_the_same():
    assert Audio.of(b"??", format="mp3_stream").format == "mp3"


@pytest.mark.parametrize(("content", "form"), [(b"GIF89a", None), (encoded("vorbis"), None), (b"..", "aac")])
def test_what_is_none_of_them_is_refused(content, form):
    with pytest.raises(InvalidParameterError, match="wav, mp3, flac, opus, pcm") as caught:
        Audio.of(content, format=form)
    assert caught.value.param == "format"


def test_a_reply_that_was_paid_for_is_kept_even_if_it_cannot_be_read():
    for form in ("wav", "mp3", "flac", "opus"):
        audio = Audio.of(b"", format=form, sample_rate=8000)
        assert (audio.format, audio.sample_rate, audio.duration_seconds) == (form, 8000, None)
    assert Audio.of(b"RIFF\0\0\0\0WAVE").duration_seconds is None
    assert Audio.of(encoded("vorbis"), format="opus").duration_seconds is None


def test_wav_reply_has_list_before_and_aigc_label_after_its_samples():
    audio = Audio.of(service_wav(SECOND), label=b"other")
    assert (audio.duration_seconds, audio.label) == (1.0, LABEL)
    assert Audio.of(service_wav(SECOND, label=None), label=b"other").label == b"other"


def test_a_flac_written_while_streaming_does_not_say_how_long_it_is():
    content = bytearray(encoded("flac"))
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    audio = Audio.of(content)
    assert (audio.sample_rate, audio.duration_seconds) == (24000, None)


def test_opus_streams_one_after_another_add_up():
    one = encoded("opus")
    assert measure(one + one, "opus").duration_seconds == pytest.approx(2)
    assert measure(one[:60], "opus").duration_seconds is None


@given(st.sampled_from(["wav", "mp3", "flac", "opus"]), st.data())
def test_broken_files_are_measured_or_not_but_never_an_error(form, data):
    whole = BROKEN[form]
    cut = data.draw(st.integers(0, len(whole)))
    begin = data.draw(st.integers(0, 40))
    found = measure(whole[:begin] + data.draw(st.binary(max_size=30)) + whole[begin:cut], form)
    assert found.duration_seconds is None or found.duration_seconds >= 0


BROKEN = {form: encoded(form, samples=2000) for form in ("wav", "mp3", "flac", "opus")}

# What it does


def test_bytes_and_length_and_base64():
    audio = Audio.of(b"abcd", format="pcm")
    assert (bytes(audio), len(audio), audio.base64()) == (b"abcd", 4, "YWJjZA==")
    assert audio.data_uri() == "data:audio/pcm;base64,YWJjZA=="


def test_repr_is_short_and_without_the_content():
    audio = Audio.of(SECOND, format="pcm", sample_rate=24000, channels=2, voice="linjiajiejie")
    assert repr(audio) == "Audio(linjiajiejie, pcm, 24000 Hz, stereo, 0.50 s, 48000 bytes)"
    assert repr(Audio(b"..", "mp3", channels=6)) == "Audio(mp3, 6 channels, 2 bytes)"


def test_copies_and_pickles():
    audio = Audio.of(service_wav(SECOND), voice="v", model="m", text="t", trace_id="1")
    assert pickle.loads(pickle.dumps(audio)) == copy.deepcopy(audio) == audio
    assert hash(copy.copy(audio)) == hash(audio)


@pytest.mark.parametrize("channels", [1, 2])
def test_pcm_to_wav_keeps_samples_facts_and_label(channels):
    samples = bytes(range(256)) * 4
    facts = {"voice": "v", "model": "m", "text": "t", "trace_id": "1", "label": LABEL}
    wav = Audio.of(samples, format="pcm", sample_rate=8000, channels=channels, **facts).to_wav()
    assert wave_samples(wav.content) == samples
    assert (wav.sample_rate, wav.channels, wav.duration_seconds) == (8000, channels, 512 / 8000 / channels)
    assert {name: getattr(wav, name) for name in facts} == facts
    assert wav_info(wav.content).aigc == LABEL
    assert wav.to_wav() is wav


@pytest.mark.parametrize(
    ("audio", "way_out"),
    [(Audio(b"", "mp3"), "ffmpeg -i input.mp3 output.wav"), (Audio(b"", "pcm"), "sample_rate=24000")],
)
def test_what_cannot_become_wav_says_how(audio, way_out):
    with pytest.raises(InvalidParameterError, match=way_out):
        audio.to_wav()


# In a notebook


def test_a_notebook_plays_it_and_shows_what_it_is():
    audio = Audio.of(encoded("mp3"), voice="<b>me</b>")
    shown = audio._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/plain"}
    assert f'<audio controls preload="metadata" src="{audio.data_uri()}">' in shown["text/html"]
    assert "&lt;b&gt;me&lt;/b&gt; · mp3 · 24000 Hz · 1.00 s" in shown["text/html"]
    assert "<b>" not in shown["text/html"]
    assert shown["text/plain"] == repr(audio)
    assert set(audio._repr_mimebundle_(exclude=["text/html"])) == {"text/plain"}
    assert set(audio._repr_mimebundle_(include=["text/html", "image/png"])) == {"text/html"}


def test_bare_samples_play_as_wav():
    shown = Audio.of(SECOND, format="pcm", sample_rate=24000)._repr_html_()
    played = base64.b64decode(shown.partition("data:audio/wav;base64,")[2].partition('"')[0])
    assert wave_samples(played) == SECOND


def test_what_cannot_play_in_a_notebook_says_so():
    assert "not playable" in Audio(b"..", "pcm")._repr_html_()
    large = Audio(bytes(33 << 20), "mp3")._repr_html_()
    assert ".save(path)" in large
    assert len(large) < 200


# On the disk


@pytest.mark.parametrize("as_text", [True, False])
def test_save_writes_the_content_and_returns_the_path(tmp_path, as_text):
    path = tmp_path / "hello.wav"
    path.write_bytes(b"older")
    audio = Audio.of(service_wav(SECOND))
    assert audio.save(str(path) if as_text else path) == path
    assert path.read_bytes() == audio.content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", "a.bin", "a.OGG", "a.opus", "v1.2"])
def test_other_endings_and_none_are_left_alone(tmp_path, name):
    assert Audio(b"..", "opus").save(tmp_path / name).name == name


@pytest.mark.parametrize("name", ["a.mp3", "a.MP3", "a.ogg", "a.pcm", "a.m4a", "a.png"])
def test_an_ending_that_contradicts_the_format_is_refused(tmp_path, name):
    with pytest.raises(InvalidParameterError, match=r"this is wav, and saving does not convert. End it with .wav"):
        Audio(b"..", "wav").save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_bare_samples_are_not_saved_as_wav_but_told_how(tmp_path):
    with pytest.raises(InvalidParameterError, match=r"audio.to_wav\(\)"):
        Audio(b"..", "pcm").save(tmp_path / "a.wav")


def test_save_leaves_nothing_behind_where_it_fails(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Audio(b"..", "mp3").save(tmp_path / "nowhere" / "a.mp3")
    with pytest.raises(IsADirectoryError):
        Audio(b"..", "mp3").save(tmp_path)
    (tmp_path / "a.mp3").write_bytes(b"older")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        Audio(b"..", "mp3").save(tmp_path / "a.mp3")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.mp3", b"older")]


def test_save_follows_links_and_does_not_replace_pipes(tmp_path):
    (tmp_path / "link.mp3").symlink_to(tmp_path / "file.mp3")
    Audio(b"..", "mp3").save(tmp_path / "link.mp3")
    assert (tmp_path / "link.mp3").is_symlink()
    assert (tmp_path / "file.mp3").read_bytes() == b".."

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    listener.start()
    Audio(b"..", "mp3").save(pipe)
    listener.join(10)
    assert heard == [b".."]
    assert pipe.is_fifo()


# Its place


def test_it_is_public_and_loaded_at_first_use():
    assert "Audio" in stepfun_client.__all__
    program = (
        "import sys, stepfun_client; assert 'stepfun_client.audio' not in sys.modules; "
        "assert stepfun_client.Audio.__module__ == 'stepfun_client.audio.clip'"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_wav_file_of_more_than_4_gb_is_refused_before_it_is_made():
    from stepfun_client.riff import pcm_format, wav_file

    piece = memoryview(bytes(1 << 26))
    with pytest.raises(InvalidParameterError, match="4 GB"):
        wav_file(pcm_format(24000), [piece] * 64)


@given(st.lists(st.binary(max_size=9), max_size=5), st.binary(max_size=9), st.binary(max_size=9))
def test_a_written_wav_reads_back(samples, before, after):
    from stepfun_client.riff import chunk_of, pcm_format, wav_file

    data = wav_file(pcm_format(24000, bits=8), samples, before={b"LIST": before}, after={b"AIGC": after})
    info = wav_info(data)
    assert data[info.data_offset : info.data_offset + info.data_size] == b"".join(samples)
    assert (chunk_of(data, b"LIST"), info.aigc, chunk_of(data, b"none")) == (before, after, None)
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert len(data) % 2 == 0
