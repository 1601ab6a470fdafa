"""The files that sound comes in."""

from __future__ import annotations

import io
import json
import struct
import sys

import numpy as np
import pytest
import soundfile

from stepfun_emulator import sound
from stepfun_emulator.errors import Refusal
from stepfun_emulator.sound.formats import Sound, resample
from stepfun_emulator.sound.riff import provenance, read_layout

SAID = "One two, three. 四"


def chunks_of(wav):
    at, found = 12, []
    while at < len(wav):
        name, size = struct.unpack_from("<4sI", wav, at)
        found.append((name, at + 8, size))
        at += 8 + size + size % 2
    return found


def test_wav_has_a_list_before_and_an_aigc_after_its_samples():
    samples = sound.utter(SAID)
    wav = sound.write_wav(samples, 24_000, text=SAID)
    assert struct.unpack_from("<I", wav, 4)[0] == len(wav) - 8
    assert [name for name, _, _ in chunks_of(wav)] == [b"fmt ", b"LIST", b"data", b"AIGC"]
    (_, start, size), (_, at, label) = chunks_of(wav)[2:]
    assert start == 78
    assert wav[start : start + size] == samples
    assert label == 1400
    assert json.loads(wav[at : at + label])["AIGC"]["Text"] == SAID
    assert sound.wav_seconds(wav) == pytest.approx(len(samples) / 48_000)


@pytest.mark.parametrize("text", ["中" * 5000, '"\n' * 3000, "\0" * 999])
def test_a_long_text_is_shortened_in_the_label(text):
    label = provenance(text)
    assert 1300 < len(label) <= 1400
    assert text.startswith(json.loads(label)["AIGC"]["Text"])


def test_odd_chunks_are_padded():
    assert len(sound.write_wav(b"abc", 8000)) % 2 == 0


@pytest.mark.parametrize(
    "wav",
    [
        b"RIFF1234WAVE",
        b"RIFF1234WAVEdata\x04\0\0\0abcd",
        b"RIFF1234WAVEfmt \x10\0\0\0",
        b"RIFF1234WAVEfmt \x10\0\0\0" + bytes(16) + b"data\x04\0\0\0abcd",
    ],
)
def test_a_wav_without_its_chunks_has_no_length(wav):
    assert sound.wav_seconds(wav) is None
    with pytest.raises(ValueError, match="chunk"):
        sound.decode(wav)


@pytest.mark.parametrize("form", ["flac", "mp3", "opus"])
def test_compressed_files_carry_the_label(form):
    file = sound.encode(sound.utter(SAID), 24_000, form, text=SAID)
    with soundfile.SoundFile(io.BytesIO(file)) as read:
        assert json.loads(read.comment)["AIGC"]["Text"] == SAID
        assert "not a voice" in read.title
        assert read.samplerate == 24_000


def test_opus_has_no_22050():
    read = sound.decode(sound.encode(sound.utter(SAID, rate=22_050), 22_050, "opus"))
    assert read.rate == 24_000


def test_pcm_is_samples_and_nothing_else():
    samples = sound.utter(SAID)
    assert sound.encode(samples, 24_000, "pcm") == samples
    assert sound.decode(samples, "pcm", rate=24_000) == Sound((samples,), 24_000)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_wav_of_any_width(subtype, container):
    samples = sound.utter(SAID, rate=16_000)
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(samples, "<i2"), 16_000, subtype, format=container)
    read = sound.decode(file.getvalue())
    assert read.seconds == pytest.approx(len(samples) / 32_000)
    assert "".join(one.text for one in sound.hear(read.mono, read.rate)) == SAID


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_pcm_of_any_width(bits):
    two = np.array([[1 << 24, -(1 << 24)], [2 << 24, 0]], "<i4")
    content = two.tobytes() if bits == 32 else b"".join(one.tobytes()[-bits // 8 :] for one in two.ravel())
    if bits == 8:
        content = bytes((one + 128) % 256 for one in content)
    read = sound.decode(content, "pcm", rate=8000, bits=bits, channels=2)
    assert [np.frombuffer(one, "<i2").tolist() for one in read.channels] == [[256, 512], [-256, 0]]
    assert np.frombuffer(read.mono, "<i2").tolist() == [0, 256]


def test_an_extensible_wav_says_its_format_inside():
    file = io.BytesIO()
    soundfile.write(file, np.zeros(10, "<i2"), 16_000, "FLOAT", format="WAVEX")
    layout = read_layout(file.getvalue())
    assert layout is not None
    assert layout.code == 3


def test_a_cut_wav_plays_what_is_there():
    wav = sound.write_wav(bytes(48_000), 24_000)
    assert sound.decode(wav[: 78 + 2401]).seconds == pytest.approx(0.05)


@pytest.mark.parametrize("data", [b"", b"not audio at all", b"ID3\x04" + bytes(40)])
def test_what_is_no_audio_cannot_be_decoded(data):
    with pytest.raises(ValueError, match="decoded"):
        sound.decode(data)


@pytest.mark.parametrize("form", ["mp3", "flac", "opus"])
def test_a_file_may_be_written_piece_by_piece(form):
    samples = sound.utter(SAID, rate=16_000)
    encoder = sound.encoder(form, 16_000)
    pieces = [encoder.add(samples[at : at + 50_000]) for at in range(0, len(samples), 50_000)]
    assert sum(map(bool, pieces)) > 1
    read = sound.decode(b"".join(pieces) + encoder.finish())
    assert "".join(one.text for one in sound.hear(read.mono, read.rate)) == SAID


def test_a_streamed_flac_without_sound_cannot_be_decoded():
    encoder = sound.encoder("flac", 16_000)
    head = encoder.add(sound.utter(SAID, rate=16_000))[:200]
    with pytest.raises(ValueError, match="decoded"):
        sound.decode(head)


def test_odd_widths_cannot_be_read():
    with pytest.raises(ValueError, match="12 bits"):
        sound.decode(b"", "pcm", bits=12)


def test_resampling_nothing_gives_nothing():
    assert resample(b"", 8000, 16_000) == b""
    assert resample(b"ab", 8000, 8000) == b"ab"


@pytest.mark.parametrize(
    "use",
    [
        lambda: sound.utter("x"),
        lambda: sound.hear(b"", 8000),
        lambda: sound.encode(b"", 8000, "mp3"),
        lambda: sound.encoder("mp3", 8000),
        lambda: sound.decode(b""),
    ],
)
def test_without_the_extra_it_says_what_to_install(monkeypatch, use):
    monkeypatch.setitem(sys.modules, "stepfun_emulator.sound.tongue", None)
    monkeypatch.setitem(sys.modules, "stepfun_emulator.sound.formats", None)
    monkeypatch.delattr(sound, "tongue", raising=False)
    monkeypatch.delattr(sound, "formats", raising=False)
    with pytest.raises(Refusal, match=r"stepfun-integrations\[emulator\]") as refused:
        use()
    assert refused.value.status == 400
